"""What can keep a document from being published, beside what can go wrong while it is read (:mod:`ocr.faults`).

One exception a cause, and below them what is said of each, in English and in Vietnamese. With :mod:`ocr.messages` this
is all that there is to translate of faults. What names a setting stands here, because ``ocr/`` knows none.
"""

from __future__ import annotations

from dataclasses import replace

from ocr.faults import Fault, Killed, NotAScan, PageFault, ScanFault, Timeout, TooLarge
from ocr.messages import Message


class TooManyPagesFailed(ScanFault):
    """So many pages could not be read that publishing the rest would mislead."""


class TooManyPagesTimedOut(TooManyPagesFailed):
    """The same, and some of them took too long or their reader died: under less load they may be read."""

    permanent = False


class TookTooLong(ScanFault):
    """The document's time is up."""


class WorkerDied(PageFault):
    """A worker process crashed in the middle of a call."""

    permanent = False


class CrashedTooOften(Fault):
    """The process that worked on a document died again and again."""


class Cancelled(Fault):
    """A person cancelled the run."""


class ShareAway(Fault):
    """A folder's network share is not mounted; ``str()`` says what to do."""

    permanent = False


class Passing(Fault):
    """A trouble of the machine that may pass: a full disk, no memory, a missing permission."""

    permanent = False


# -- the file -----------------------------------------------------------------------------------------------------

FILE_TOO_LARGE = Message(
    TooLarge,
    "The file has {megabytes:,.0f} MB, more than the {most:,.0f} MB allowed; split it, or raise NAMBAT_MAX_BYTES.",
    "Tệp có {megabytes:,.0f} MB, vượt giới hạn {most:,.0f} MB; hãy tách nhỏ tệp hoặc tăng NAMBAT_MAX_BYTES.",
)
TEXT_TOO_LARGE = Message(
    TooLarge,
    "The text has {megabytes:,.1f} MB, more than the {most:,.1f} MB allowed; split it, or raise NAMBAT_MAX_TEXT_BYTES.",
    "Tệp chữ có {megabytes:,.1f} MB, vượt giới hạn {most:,.1f} MB; hãy tách nhỏ hoặc tăng NAMBAT_MAX_TEXT_BYTES.",
)
TOO_MANY_PAGES = Message(
    TooLarge,
    "The document has {pages} pages, more than the {most} allowed; split it, or raise NAMBAT_MAX_PAGES.",
    "Văn bản có {pages} trang, vượt giới hạn {most} trang; hãy tách nhỏ tệp hoặc tăng NAMBAT_MAX_PAGES.",
)
PATH_TOO_LONG = Message(
    ScanFault,
    "The path of folders and file name is too long; move the file up some folders or rename it.",
    "Đường dẫn (thư mục và tên tệp) quá dài; hãy đổi tên ngắn hơn hoặc đưa tệp lên thư mục trên.",
)
NOT_UTF8 = Message(
    NotAScan,
    "The file is not UTF-8 text; save it as UTF-8 and try again.",
    "Tệp không phải văn bản UTF-8; hãy lưu lại với bảng mã UTF-8.",
)
NO_TEXT = Message(
    NotAScan,
    "The file holds no text.",
    "Tệp không có chữ nào.",
)
FAILED_ON_FILE = Message(
    ScanFault,
    "nambat failed on this file; please report it with the technical detail.",
    "nambat bị lỗi khi xử lý tệp này; vui lòng báo lại kèm chi tiết kỹ thuật.",
)

# -- a page -------------------------------------------------------------------------------------------------------

PAGE_UNREADABLE = Message(
    PageFault,
    "The page could not be read; scan it again.",
    "Không đọc được trang này; hãy quét lại.",
)
PAGE_TOO_HUNGRY = Message(
    PageFault,
    "The page needs more memory than NAMBAT_WORKER_MEMORY allows; scan it again at 300 dpi.",
    "Trang này cần nhiều bộ nhớ hơn mức NAMBAT_WORKER_MEMORY cho phép; hãy quét lại ở 300 dpi.",
)
FAILED_ON_PAGE = Message(
    PageFault,
    "nambat failed on this page; please report it with the technical detail.",
    "nambat bị lỗi khi đọc trang này; vui lòng báo lại kèm chi tiết kỹ thuật.",
)
READER_KILLED = Message(
    Killed,
    "The program that reads pages was killed, probably for want of memory; close others or lower NAMBAT_JOBS.",
    "Chương trình đọc trang bị buộc dừng, có lẽ do thiếu bộ nhớ; hãy đóng bớt chương trình hoặc giảm NAMBAT_JOBS.",
)
READER_CRASHED = Message(
    WorkerDied,
    "the program that reads pages crashed here",
    "chương trình đọc trang bị lỗi và dừng đột ngột ở đây",
)
READER_STOPPED = Message(
    Timeout,
    "this took longer than {seconds:.0f} s and was stopped",
    "mất hơn {seconds:.0f} giây nên đã bị dừng",
)

# -- the document -------------------------------------------------------------------------------------------------

TOO_MANY_FAILED = Message(
    TooManyPagesFailed,
    "{failed} of {pages} pages could not be read (page {numbers}); scan the document again.",
    "Không đọc được {failed} trên {pages} trang (trang {numbers}); hãy quét lại văn bản.",
)
TOO_MANY_TIMED_OUT = replace(TOO_MANY_FAILED, kind=TooManyPagesTimedOut)
TOOK_TOO_LONG = Message(
    TookTooLong,
    "The document took longer than {seconds:.0f} s and was stopped; split it, or raise NAMBAT_DOCUMENT_TIMEOUT.",
    "Xử lý văn bản mất hơn {seconds:.0f} giây nên đã dừng; hãy tách nhỏ tệp hoặc tăng NAMBAT_DOCUMENT_TIMEOUT.",
)
TEXT_TOOK_TOO_LONG = Message(
    TookTooLong,
    "The text took longer than {seconds:.0f} s and was stopped; split it, or raise NAMBAT_TEXT_TIMEOUT.",
    "Xử lý tệp chữ mất hơn {seconds:.0f} giây nên đã dừng; hãy tách nhỏ tệp hoặc tăng NAMBAT_TEXT_TIMEOUT.",
)
CRASHED_TOO_OFTEN = Message(
    CrashedTooOften,
    "Reading this document stopped half-way {attempts} times; scan it again, or split it.",
    "Việc đọc văn bản này đã bị dừng giữa chừng {attempts} lần; hãy quét lại hoặc tách nhỏ.",
)
CANCELLED = Message(
    Cancelled,
    "The run was cancelled; put the file back if it is to be read after all.",
    "Lượt xử lý đã bị hủy; hãy đưa tệp trở lại nếu vẫn muốn đọc.",
)

# -- the machine --------------------------------------------------------------------------------------------------

IN_THE_WAY = Message(
    Passing,
    "{what} is in the way: a folder lies where a file must go, or a file where a folder must; rename it.",
    "{what} đang chiếm chỗ: có thư mục nằm ở chỗ của tệp, hoặc tệp nằm ở chỗ của thư mục; hãy đổi tên.",
)
DISK_TROUBLE = Message(
    Passing,
    "{trouble}; check the disk and its permissions, then try again.",
    "{trouble}; hãy kiểm tra ổ đĩa và quyền truy cập rồi thử lại.",
)
NO_MEMORY = Message(
    Passing,
    "There was not enough memory; close other programs or lower NAMBAT_JOBS, then try again.",
    "Không đủ bộ nhớ; hãy đóng bớt chương trình hoặc giảm NAMBAT_JOBS rồi thử lại.",
)
SHARE_AWAY = Message(
    ShareAway,
    "{mount}, where {folder} lies, is not mounted; mount it (or remove {record} if it will not come back).",
    "Thư mục {folder} nằm trên ổ {mount}, nhưng ổ này chưa được gắn (mount); hãy gắn lại ổ "
    "(hoặc xóa tệp {record} nếu ổ này không còn dùng nữa).",
)
