"""What is said of each cause for which a scan or a page cannot be read, in English and in Vietnamese.

The whole of it in one table, for translators. What only the pipeline can say, because it knows the settings, is in
``flows/faults.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from ocr.faults import (
    Encrypted,
    Fault,
    Killed,
    NoPages,
    NotAScan,
    PageFault,
    RenderTimeout,
    Timeout,
    TooLarge,
    ToolMissing,
)

SomeFault = TypeVar("SomeFault", bound=Fault)


@dataclass(frozen=True, slots=True)
class Message(Generic[SomeFault]):
    """One cause and what is said of it.

    Attributes:
        kind: the fault that says it.
        english: one sentence that says what to do; values stand in it as for :meth:`str.format`.
        vietnamese: the same, with no other values.
    """

    kind: type[SomeFault]
    english: str
    vietnamese: str

    def fault(self, detail: str = "", **values: object) -> SomeFault:
        """The fault that says this.

        Args:
            detail: the technical detail (a program's own words).
            values: for the names in the two sentences.

        Raises:
            KeyError: a name is left without a value.
        """
        return self.kind(self.english.format(**values), vietnamese=self.vietnamese.format(**values), detail=detail)


# -- the file -----------------------------------------------------------------------------------------------------

EMPTY_FILE = Message(
    NotAScan,
    "The file is empty; scan or copy it again.",
    "Tệp rỗng; hãy quét hoặc chép lại.",
)
UNKNOWN_FORMAT = Message(
    NotAScan,
    "The file is not a PDF, TIFF, PNG or JPEG, or it is damaged; scan or export it again.",
    "Tệp không phải PDF, TIFF, PNG hay JPEG, hoặc đã hỏng; hãy quét hoặc xuất lại.",
)
ARCHIVE = Message(
    NotAScan,
    "The file is a {kind} archive, which may hold several documents; unpack it and drop what is in it.",
    "Tệp là tệp nén {kind}, có thể chứa nhiều văn bản; hãy giải nén rồi thả các tệp bên trong vào.",
)
OFFICE_DOCUMENT = Message(
    NotAScan,
    "The file is a document of an office program, not a scan; export it as PDF and drop that.",
    "Tệp là văn bản của chương trình soạn thảo, không phải bản quét; hãy xuất ra PDF rồi thả vào lại.",
)
PHONE_PICTURE = Message(
    NotAScan,
    "The file is a HEIC or AVIF picture, as phones make them; save it as JPEG or PDF and drop it again.",
    "Tệp là ảnh HEIC hoặc AVIF của điện thoại; hãy lưu thành JPEG hoặc PDF rồi thả vào lại.",
)
ANIMATION = Message(
    NotAScan,
    "The file is an animation; save the page as PNG or PDF.",
    "Tệp là ảnh động; hãy lưu trang thành PNG hoặc PDF.",
)
ENDLESS_PDF = Message(
    NotAScan,
    "The PDF takes for ever to open; print it to a new PDF and try again.",
    "PDF mở mãi không xong; hãy in ra một tệp PDF mới rồi thử lại.",
)
DAMAGED_PDF = Message(
    NotAScan,
    "The PDF is damaged and cannot be opened; scan or export it again.",
    "PDF bị hỏng, không mở được; hãy quét hoặc xuất lại.",
)
PASSWORD = Message(
    Encrypted,
    "The PDF is protected by a password; save it without one and drop it again.",
    "PDF có mật khẩu; hãy lưu lại không mật khẩu rồi thả vào lại.",
)
NO_PAGES = Message(
    NoPages,
    "The PDF has no pages; scan it again.",
    "PDF không có trang nào; hãy quét lại.",
)
TOO_MANY_PIXELS = Message(
    TooLarge,
    "The image has too many pixels to be a page; scan it again at 300 dpi.",
    "Ảnh có quá nhiều điểm ảnh; hãy quét lại ở 300 dpi.",
)

# -- a page -------------------------------------------------------------------------------------------------------

PAGE_TOO_LARGE = Message(
    PageFault,
    "Page {number} is {width:.0f} x {height:.0f} cm, too large to be read.",
    "Trang {number} quá lớn, không đọc được.",
)
DAMAGED_PAGE = Message(
    PageFault,
    "Page {number} cannot be rendered; it is damaged.",
    "Không dựng được hình trang {number}; trang bị hỏng.",
)
PICTURE_CUT = Message(
    PageFault,
    "A picture on the page is cut short: about the lower {missing:.0%} of it is missing; scan the page again.",
    "Ảnh trên trang bị cụt: thiếu khoảng {missing:.0%} ở phía dưới; hãy quét lại trang này.",
)
PICTURE_DAMAGED = Message(
    PageFault,
    "A picture on the page is damaged: a part of it is missing or garbled; scan the page again.",
    "Ảnh trên trang bị hỏng: một phần bị mất hoặc bị nhiễu; hãy quét lại trang này.",
)
PICTURE_OUTSIDE = Message(
    PageFault,
    "A picture reaches beyond the edge of the page, or is drawn out of shape: a part of it may not have been read.",
    "Ảnh vượt ra ngoài mép trang hoặc bị méo: có thể một phần chưa được đọc.",
)
PICTURE_TORN = Message(
    PageFault,
    "A picture on the page is displaced from {top:.1f} cm below its top on, and print is cut through there; "
    "scan the page again.",
    "Ảnh trên trang bị xê dịch từ chỗ cách mép trên {top:.1f} cm, chữ ở đó bị cắt ngang; hãy quét lại trang này.",
)
NOT_ALL_DRAWN = Message(
    PageFault,
    "The page is damaged: not all that stands on it could be drawn; scan or export it again.",
    "Trang bị hỏng: không dựng được hết những gì có trên trang; hãy quét hoặc xuất lại.",
)
SLOW_TO_RENDER = Message(
    RenderTimeout,
    "Page {number} took longer than {seconds:g} s to render.",
    "Trang {number} dựng hình quá {seconds:g} giây.",
)
SLOW_TO_READ = Message(
    Timeout,
    "The page took longer than {seconds:g} s to read.",
    "Đọc trang quá {seconds:g} giây.",
)
TESSERACT_FAILED = Message(
    PageFault,
    "Tesseract failed on the page.",
    "Tesseract không đọc được trang.",
)
TESSERACT_SILENT = Message(
    PageFault,
    "Tesseract ended without an error and without a result.",
    "Tesseract kết thúc mà không có kết quả.",
)
TESSERACT_CUT = Message(
    PageFault,
    "Tesseract ended without an error, and its result is cut short.",
    "Tesseract kết thúc bình thường nhưng kết quả bị cụt.",
)
NO_SCRATCH = Message(
    PageFault,
    "The page image cannot be written to the temporary folder; check its permissions.",
    "Không ghi được ảnh của trang vào thư mục tạm; hãy kiểm tra quyền truy cập.",
)
READER_KILLED = Message(
    Killed,
    "The program that reads pages was killed, probably for want of memory; close others.",
    "Chương trình đọc trang bị buộc dừng, có lẽ do thiếu bộ nhớ; hãy đóng bớt chương trình.",
)

# -- the machine --------------------------------------------------------------------------------------------------

TESSERACT_MISSING = Message(
    ToolMissing,
    "Tesseract is not installed; install it with: apt-get install tesseract-ocr tesseract-ocr-vie",
    "Chưa cài Tesseract; hãy cài bằng lệnh: apt-get install tesseract-ocr tesseract-ocr-vie",
)
VIETNAMESE_MISSING = Message(
    ToolMissing,
    "Tesseract's Vietnamese data is not installed; install it with: apt-get install tesseract-ocr-vie",
    "Chưa cài dữ liệu tiếng Việt của Tesseract; hãy cài: apt-get install tesseract-ocr-vie",
)
POPPLER_MISSING = Message(
    ToolMissing,
    "poppler is not installed; install it with: apt-get install poppler-utils",
    "Chưa cài poppler; hãy cài bằng lệnh: apt-get install poppler-utils",
)
