"""What can keep a document from being published, beside what can go wrong while it is read (:mod:`ocr.faults`).

One exception a cause, and below them what is said of each, in English and in Vietnamese. With :mod:`ocr.messages` this
is all that there is to translate of faults. What names a setting stands here, because ``ocr/`` knows none.
"""

from __future__ import annotations

from dataclasses import replace

from ocr.faults import Encrypted, Fault, Killed, NotAScan, PageFault, ScanFault, Timeout, TooLarge
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


class PathRefused(Fault):
    """A path that somebody gave names no file that may be read from there; ``str()`` says what to give."""


class ShareAway(Fault):
    """A folder's network share is not mounted; ``str()`` says what to do."""

    permanent = False


class StorageAway(Fault):
    """The bucket that documents lie in does not answer, or not as it should."""

    permanent = False


class NotAdmitted(Fault):
    """A request that our Prefect server does not answer: a page that is none of its own made it."""


class EditRefused(Fault):
    """What a person wants to change in a published document cannot be changed; ``str()`` says why."""


class Stale(EditRefused):
    """The document was changed since the person looked at it."""


class Passing(Fault):
    """A trouble of the machine that may pass: a full disk, no memory, a missing permission."""

    permanent = False


# -- the file -----------------------------------------------------------------------------------------------------

FILE_TOO_LARGE = Message(
    TooLarge,
    "The file has {megabytes:,.0f} MB, more than the {most:,.0f} MB allowed; split it, or raise NAMBAT_MAX_BYTES.",
    "Tệp có {megabytes:,.0f} MB, vượt giới hạn {most:,.0f} MB; hãy tách nhỏ tệp hoặc tăng NAMBAT_MAX_BYTES.",
)
PIPED_TOO_LARGE = Message(
    TooLarge,
    "More than the {most:,.1f} MB allowed come from standard input; split it, or raise the limit (`nambat settings`).",
    "Dữ liệu từ đầu vào chuẩn vượt giới hạn {most:,.1f} MB; hãy tách nhỏ hoặc tăng giới hạn (`nambat settings`).",
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

# -- an archive ---------------------------------------------------------------------------------------------------

ARCHIVE_LOCKED = Message(
    Encrypted,
    "The archive is protected by a password; unpack it and drop the scans that are in it.",
    "Tệp nén có mật khẩu; hãy giải nén rồi thả các bản quét bên trong vào.",
)
ARCHIVE_DAMAGED = Message(
    NotAScan,
    "The archive is damaged or cut short; copy or download it again.",
    "Tệp nén bị hỏng hoặc bị cụt; hãy chép hoặc tải lại.",
)
ARCHIVE_UNSAFE = Message(
    NotAScan,
    "The archive holds a file whose name leads elsewhere or hides what it is ({name}); do not trust who sent it.",
    "Tệp nén chứa tệp có tên dẫn ra ngoài hoặc có ký tự ẩn ({name}); hãy cẩn thận với người gửi.",
)
ARCHIVE_TOO_MANY = Message(
    TooLarge,
    "The archive holds more than the {most} files allowed; unpack it and drop them in parts.",
    "Tệp nén có hơn {most} tệp; hãy giải nén rồi thả vào từng phần.",
)
ARCHIVE_TOO_LARGE = Message(
    TooLarge,
    "What is in the archive is larger than the {most:,.0f} MB allowed; unpack it, or raise NAMBAT_MAX_BYTES.",
    "Nội dung tệp nén vượt giới hạn {most:,.0f} MB; hãy tự giải nén hoặc tăng NAMBAT_MAX_BYTES.",
)
ARCHIVE_BOMB = Message(
    TooLarge,
    "The archive unpacks to more than {times} times its size, as no scans do; unpack it yourself if you trust it.",
    "Tệp nén bung ra lớn hơn {times} lần, không giống bản quét; nếu tin cậy, hãy tự giải nén.",
)
ARCHIVE_OF_A_PROGRAM = Message(
    NotAScan,
    "The file belongs to an office program or another program and is no scan; export it as PDF and drop that.",
    "Tệp là văn bản hoặc dữ liệu của một chương trình, không phải bản quét; hãy xuất ra PDF rồi thả vào lại.",
)
ARCHIVE_WITHOUT_SCANS = Message(
    NotAScan,
    "The archive holds no scan: no PDF, TIFF, PNG or JPEG is in it.",
    "Tệp nén không chứa bản quét nào (PDF, TIFF, PNG hay JPEG).",
)
MEMBER_DAMAGED = Message(
    NotAScan,
    "This file came damaged out of its archive; send or download the archive again.",
    "Tệp này bị hỏng trong tệp nén; hãy gửi hoặc tải lại tệp nén.",
)
NESTED_ARCHIVE = Message(
    NotAScan,
    "This is a {kind} archive in an archive, which is not opened; unpack it and drop what is in it.",
    "Đây là tệp nén {kind} nằm trong tệp nén khác nên không được mở; hãy giải nén rồi thả các tệp bên trong vào.",
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

# -- what people change in it --------------------------------------------------------------------------------------

STALE = Message(
    Stale,
    "Somebody else saved {name} after you opened it; nothing of yours was saved. Load it again and repeat the change.",
    "Người khác đã lưu {name} sau khi bạn mở; thay đổi của bạn chưa được lưu. Hãy tải lại rồi sửa lại.",
)
EDIT_DOES_NOT_FIT = Message(
    EditRefused,
    "This change does not fit the document: {why}. Load the document again.",
    "Thay đổi này không khớp với văn bản hiện tại ({why}); hãy tải lại văn bản.",
)
NOT_PUBLISHED = Message(
    EditRefused,
    "{name} is not published any more, or is no record of a document; look for it in the list again.",
    "{name} không còn trong published/ hoặc không phải bản ghi của văn bản; hãy tìm lại trong danh sách.",
)
PART_OF_A_FILE = Message(
    EditRefused,
    "This document is part of a file that holds several; open {name} and change it there.",
    "Văn bản này là một phần của tệp chứa nhiều văn bản; hãy mở {name} và sửa ở đó.",
)

# -- a path that somebody gave ------------------------------------------------------------------------------------

PATH_OUTSIDE = Message(
    PathRefused,
    "{path} lies neither below {home} nor below a folder of NAMBAT_READ_ROOTS; move the file, or add its folder there.",
    "{path} không nằm trong {home} hay thư mục nào của NAMBAT_READ_ROOTS; hãy chuyển tệp hoặc thêm thư mục vào đó.",
)
PATH_OF_OURS = Message(
    PathRefused,
    "{path} lies in {folder}, whose files are not read from here; give a scan in originals/ or elsewhere.",
    "{path} nằm trong {folder}, không đọc từ đây được; hãy chọn bản quét trong originals/ hoặc nơi khác.",
)
PATH_NO_FILE = Message(
    PathRefused,
    "{path} is no file: nothing lies there, or a folder, a link, or something behind a link; check the path.",
    "{path} không phải là tệp: không có gì ở đó, hoặc là thư mục, liên kết; hãy kiểm tra lại đường dẫn.",
)
NO_ORIGINAL = Message(
    PathRefused,
    "no scan in originals/ is called {name}; give a name as originals/ or published/ show it.",
    "originals/ không có bản quét nào tên {name}; hãy ghi tên như trong originals/ hoặc published/.",
)
READ_JUST_NOW = Message(
    PathRefused,
    "{name} is being read just now, or waits for its turn; try again when it is done.",
    "{name} đang được đọc hoặc đang chờ đến lượt; hãy thử lại khi xong.",
)

NO_SOURCE = Message(
    PathRefused,
    "{path} is no folder and no file: nothing lies there, or a link, or something behind a link; check the path.",
    "{path} không phải là thư mục hay tệp: không có gì ở đó, hoặc là liên kết; hãy kiểm tra lại đường dẫn.",
)
HOLDS_OURS = Message(
    PathRefused,
    "nambat's own folders lie in {path}; name the folders of scans beside them one by one.",
    "Các thư mục của nambat nằm trong {path}; hãy chỉ định từng thư mục bản quét bên cạnh chúng.",
)
NOT_IN_BUCKET = Message(
    PathRefused,
    "{path} is no folder of scans below {bucket}; set NAMBAT_BUCKET, and name `inbox` or a folder in that bucket.",
    "{path} không phải thư mục bản quét trong {bucket}; hãy đặt NAMBAT_BUCKET rồi ghi `inbox` hoặc một thư mục ở đó.",
)
INBOX_OF_SERVICE = Message(
    PathRefused,
    "the running service reads the inbox of its home by itself; a batch reads a folder, or the inbox of NAMBAT_BUCKET.",
    "dịch vụ đang chạy tự đọc inbox của nó; đợt hàng loạt chỉ đọc một thư mục khác hoặc inbox của NAMBAT_BUCKET.",
)
NO_BATCH = Message(
    PathRefused,
    "there is no batch run {batch}; its number stands in the report that registered it.",
    "không có đợt xử lý hàng loạt {batch}; hãy xem số hiệu trong báo cáo khi đăng ký đợt.",
)

# -- the machine --------------------------------------------------------------------------------------------------

IN_THE_WAY = Message(
    Passing,
    "{what} is in the way: a folder lies where a file must go, a file where a folder must, or a link; rename it.",
    "{what} đang chiếm chỗ: thư mục nằm ở chỗ của tệp, tệp nằm ở chỗ của thư mục, hoặc là liên kết; hãy đổi tên.",
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

SOURCE_AWAY = Message(
    ShareAway,
    "{mount}, where the scans of {folder} lie, is not mounted; mount it, and the batch goes on.",
    "Bản quét của {folder} nằm trên ổ {mount}, nhưng ổ này chưa được gắn (mount); hãy gắn lại để đợt xử lý chạy tiếp.",
)
STORAGE_AWAY = Message(
    StorageAway,
    "{where} does not answer as it should; check the network, its address and the keys in the environment.",
    "{where} không trả lời đúng; hãy kiểm tra mạng, địa chỉ và khóa truy cập trong biến môi trường.",
)

# -- the Prefect server -------------------------------------------------------------------------------------------

FOREIGN_NAME = Message(
    NotAdmitted,
    "{name} is no name that this server is known by; open it by its address in digits, or start nambat with "
    "PREFECT_SERVER_UI_API_URL=http://NAME:PORT/api.",
    "Máy chủ này không nhận tên {name}; hãy mở bằng địa chỉ dạng số, hoặc khởi động nambat với "
    "PREFECT_SERVER_UI_API_URL=http://TÊN:CỔNG/api.",
)
FOREIGN_PAGE = Message(
    NotAdmitted,
    "Another page ({origin}) must not ask this server; open the address of its UI instead.",
    "Trang khác ({origin}) không được phép gọi máy chủ này; hãy mở thẳng địa chỉ giao diện của nó.",
)
