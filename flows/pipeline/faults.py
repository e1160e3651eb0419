"""What can keep a document from being published, in words a clerk understands, and whether trying again may help."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Mapping
from pathlib import Path

from flows.host.mounts import ShareAway
from flows.host.names import readable
from ocr.faults import Fault, Killed, PageFault, ScanFault, ToolMissing

OF_THE_MACHINE = frozenset(
    {
        *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE),
        *(errno.ENOMEM, errno.EAGAIN, errno.EMFILE, errno.ENFILE),
    }
)
"""Errors that say nothing about the page that was read when they came."""


class TooManyPagesFailed(ScanFault):
    """So many pages could not be read that publishing the rest would mislead."""


class TooManyPagesTimedOut(TooManyPagesFailed):
    """The same, and some of them took too long or their reader died: under less load they may be read."""

    permanent = False


class TookTooLong(ScanFault):
    """The document's time is up."""


def too_many_failed(failed: Mapping[int, str], pages: int, passing: bool = False) -> TooManyPagesFailed:
    """The fault of a document, some of whose ``pages`` could not be read (``failed``: number -> reason).

    Args:
        passing: whether trying some of them again may help.
    """
    shown = ", ".join(str(number) for number in sorted(failed)[:10]) + (" ..." if len(failed) > 10 else "")
    return (TooManyPagesTimedOut if passing else TooManyPagesFailed)(
        f"{len(failed)} of {pages} pages could not be read (page {shown}); scan the document again.",
        vietnamese=f"Không đọc được {len(failed)} trên {pages} trang (trang {shown}); hãy quét lại văn bản.",
        detail="\n".join(f"page {number}: {why}" for number, why in sorted(failed.items())),
    )


def took_too_long(seconds: float) -> TookTooLong:
    """The fault of a document that was not done after ``seconds``."""
    return TookTooLong(
        f"The document took longer than {seconds:.0f} s and was stopped; split it, or raise NAMBAT_DOCUMENT_TIMEOUT.",
        vietnamese=f"Xử lý văn bản mất hơn {seconds:.0f} giây nên đã dừng; "
        "hãy tách nhỏ tệp hoặc tăng NAMBAT_DOCUMENT_TIMEOUT.",
    )


def as_fault(fault: Exception) -> Fault:
    """``fault`` as something a user can understand."""
    if isinstance(fault, Fault):
        return fault
    if isinstance(fault, OSError) and fault.errno == errno.ENAMETOOLONG:
        return ScanFault(
            "The path of folders and file name is too long; move the file up some folders or rename it.",
            vietnamese="Đường dẫn (thư mục và tên tệp) quá dài; hãy đổi tên ngắn hơn hoặc đưa tệp lên thư mục trên.",
            detail=repr(fault),
        )
    if isinstance(fault, FileExistsError | IsADirectoryError | NotADirectoryError) and fault.filename:
        what = readable(fault.filename2 or fault.filename)
        return _transient(
            f"{what} is in the way: a folder lies where a file must go, or a file where a folder must; rename it.",
            f"{what} đang chiếm chỗ: có thư mục nằm ở chỗ của tệp, hoặc tệp nằm ở chỗ của thư mục; hãy đổi tên.",
            repr(fault),
        )
    if isinstance(fault, OSError) and fault.strerror:
        where = f" ({readable(fault.filename)})" if isinstance(fault.filename, str | Path) else ""
        return _transient(
            f"{fault.strerror}{where}; check the disk and its permissions, then try again.",
            f"{fault.strerror}{where}; hãy kiểm tra ổ đĩa và quyền truy cập rồi thử lại.",
            repr(fault),
        )
    if isinstance(fault, MemoryError):
        return _transient(
            "There was not enough memory; close other programs or lower NAMBAT_JOBS, then try again.",
            "Không đủ bộ nhớ; hãy đóng bớt chương trình hoặc giảm NAMBAT_JOBS rồi thử lại.",
            repr(fault),
        )
    return ScanFault(
        "nambat failed on this file; please report it with the technical detail.",
        vietnamese="nambat bị lỗi khi xử lý tệp này; vui lòng báo lại kèm chi tiết kỹ thuật.",
        detail="".join(traceback.format_exception(fault)).strip(),
    )


class Passing(Fault):
    """A trouble of the machine that may pass: a full disk, no memory, a missing permission."""

    permanent = False


def _transient(message: str, vietnamese: str, detail: str) -> Passing:
    return Passing(message, vietnamese=vietnamese, detail=detail)


def tries_again(fault: Fault, retries: int) -> int:
    """How many times a document may be put off for such a fault before it is given up.

    Args:
        retries: for a trouble of the machine, a killed program among them. Pages that took too long have had two
            tries each and cost much time, so a document gets one more chance for them; two more if it could not
            even be opened for that.
    """
    if isinstance(fault, TooManyPagesTimedOut):
        return min(1, retries)
    if isinstance(fault, Passing | ShareAway | ToolMissing | Killed):
        return retries
    if isinstance(fault, PageFault) and not fault.permanent:
        return min(2, retries)
    return 0


def is_passing(fault: BaseException) -> bool:
    """Whether trying again may help."""
    return not fault.permanent if isinstance(fault, Fault) else isinstance(fault, OSError | MemoryError)
