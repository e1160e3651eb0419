"""Whatever was raised, as a fault that a clerk understands; and whether trying again may help."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Mapping
from pathlib import Path

from flows import faults
from flows.faults import Passing, ShareAway, TookTooLong, TooManyPagesFailed, TooManyPagesTimedOut
from flows.host.names import readable
from flows.language import cause
from ocr.faults import Fault, Killed, PageFault, ToolMissing

OF_THE_MACHINE = frozenset(
    {
        *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE),
        *(errno.ENOMEM, errno.EAGAIN, errno.EMFILE, errno.ENFILE),
    }
)
"""Errors that say nothing about the page that was read when they came."""


def too_many_failed(failed: Mapping[int, str], pages: int, passing: bool = False) -> TooManyPagesFailed:
    """The fault of a document, some of whose ``pages`` could not be read (``failed``: number -> reason).

    Args:
        passing: whether trying some of them again may help.
    """
    message = faults.TOO_MANY_TIMED_OUT if passing else faults.TOO_MANY_FAILED
    return message.fault(
        "\n".join(f"page {number}: {why}" for number, why in sorted(failed.items())),
        failed=len(failed),
        pages=pages,
        numbers=", ".join(str(number) for number in sorted(failed)[:10]) + (" ..." if len(failed) > 10 else ""),
    )


def took_too_long(seconds: float) -> TookTooLong:
    """The fault of a document that was not done after ``seconds``."""
    return faults.TOOK_TOO_LONG.fault(seconds=seconds)


def as_fault(fault: Exception) -> Fault:
    """``fault`` as something a user can understand."""
    if isinstance(fault, Fault):
        return fault
    if isinstance(fault, OSError) and fault.errno == errno.ENAMETOOLONG:
        return faults.PATH_TOO_LONG.fault(repr(fault))
    if isinstance(fault, FileExistsError | IsADirectoryError | NotADirectoryError) and fault.filename:
        return faults.IN_THE_WAY.fault(repr(fault), what=readable(fault.filename2 or fault.filename))
    if isinstance(fault, OSError) and fault.strerror:
        where = f" ({readable(fault.filename)})" if isinstance(fault.filename, str | Path) else ""
        english, vietnamese = (
            faults.DISK_TROUBLE.fault(repr(fault), trouble=f"{cause(fault, speak)}{where}") for speak in ("en", "vi")
        )
        english.vietnamese = vietnamese.vietnamese
        return english
    if isinstance(fault, MemoryError):
        return faults.NO_MEMORY.fault(repr(fault))
    return faults.FAILED_ON_FILE.fault("".join(traceback.format_exception(fault)).strip())


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
