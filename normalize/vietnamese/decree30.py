"""What Decree 30/2020/NĐ-CP prescribes for official documents: their types, parts, fixed words and who signs them.

All the constants of the decree that the program knows stand here, with the questions that only ask whether a text is
such a thing. A printed text is what it is asked about, and it may have been misread. Diacritics are what engines
misread most, so fixed words are compared by their skeleton (``so``, ``ngay``, ``noi nhan``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import NamedTuple

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from normalize.vietnamese.syllable import skeleton

# --- The page (annex I) ---

#: Where the text begins and ends, in page widths: 30 to 35 mm from the left and 15 to 20 mm from the right, of 210.
TEXT_LEFT, TEXT_RIGHT = 0.155, 0.915


# --- The national title and motto ---

_MOTTO = ("cong hoa xa hoi", "doc lap", "tu do - hanh phuc")
#: What the Party's documents have in its place; running text speaks of it too, so only a line of its own counts.
_MOTTO_OF_PARTY = re.compile(r"\W*dang cong san viet nam\W*$")


#: The national title, which stands on every document but a party's.
NATIONAL_TITLE = "Cộng hòa xã hội chủ nghĩa Việt Nam"
_TITLE_SKELETON = skeleton(NATIONAL_TITLE)


def is_national_title(text: str) -> bool:
    """Whether a line begins with the national title, however its end was read."""
    return skeleton(text).lstrip(" _-.").startswith(_TITLE_SKELETON[:15])


def is_motto(text: str) -> bool:
    """Whether a line belongs to the national title and motto, or is the Party's title."""
    plain = skeleton(text)
    return any(part in plain for part in _MOTTO) or bool(_MOTTO_OF_PARTY.match(plain))


# --- The issuing body ---

#: First words of the names of bodies; a line in capitals that begins otherwise carries on the name above it.
_BODIES = (
    "uy ban", "ubnd", "hoi dong", "hdnd", "bo", "so", "cuc", "tong cuc", "chi cuc", "phong", "ban", "van phong",
    "vien", "truong", "trung tam", "thanh tra", "cong an", "toa an", "cong ty", "tong cong ty", "benh vien",
    "doan", "dang bo", "dang uy", "huyen uy", "thanh uy", "tinh uy", "mat tran", "lien doan", "hoi", "kho bac",
    "ngan hang", "chinh phu", "thu tuong", "quoc hoi", "kiem toan", "vien kiem sat", "hat", "tram", "doi",
    "hoc vien", "bao hiem xa hoi", "chi bo", "dang doan", "trung uong", "tinh doan", "huyen doan", "thanh doan",
    "lien hiep", "ubmttq", "mttq", "bch", "btv", "bcd", "bql", "bo tu lenh", "bo chi huy", "tap doan", "chu tich",
)  # fmt: skip
#: What begins like the name of a body and is a part of one: "Ban quản lý rừng / phòng hộ Sông Lôi".
_NO_BODY = re.compile(r"phong (ho|chong|benh)\b|so \d|bo doi\b|doan ket\b|hoi (an|nhap)\b")


def begins_body(text: str) -> bool:
    """Whether a line begins the name of a body, and does not carry on the one above it."""
    plain = skeleton(text)
    return (plain + " ").startswith(tuple(body + " " for body in _BODIES)) and not _NO_BODY.match(plain)


# --- Number and symbol (annex III has the abbreviations) ---

#: The number's line: "Số:", its vowel however it was read, after the name of a law or not.
_NUMBER = re.compile(
    r"\W*(?:(?:Luật|Pháp lệnh|Nghị quyết)\s+)?(?:[Ss§5][^\W\d_][:.;,]|[Ss][ốôóòỗồỐÔÓ]\b|[Ss]ố(?=\d))\s*"
)
_PIECE = r"[^\W\d_][^\W\d_&.]*(?!\w)"
#: What goes on after the first piece of a symbol may end in digits: NQ-UBTVQH13.
_GOES_ON = r"(?:\s?[-–—/]\s?[^\W_][\w&.]*)"
#: The symbol proper, as printed: "NĐ - CP", "QĐ/BNN", "QH14".
_SYMBOL = re.compile(rf"\s*(?P<symbol>(?:{_PIECE}|QH\d+){_GOES_ON}*)")
#: The year of laws and decrees, between number and symbol: "12/2024/NĐ-CP"; its slash is misread more than others.
_YEAR_AT_END = re.compile(r"[/|!l]\s*(?P<year>(?:19|20)\d\d)\s*$")
#: In letters: what stands for the number may be anything, dots or what a pen wrote.
_LONGEST_NUMBER = 30
#: The Party's numbers: "05-HD/VPTW", "Số 12-KH/ĐU".
_OF_PARTY = re.compile(
    r"(?P<number>[^/|]{0,24}?)\s*[-–—]\s*(?P<symbol>[^\W\d_]{2,6}\s?[/|]\s?[^\W\d_][\w&.]*(?:-\w+)*)"
)
#: The slash is lost; a kind of document that the symbol names tells it.
_SLASH_LOST = re.compile(
    r"(?P<number>.{0,12}?)\s+(?P<symbol>(?:NQ|QĐ|CT|TB|KH|BC|TTr|HD|NĐ|TT|GM|BB|CĐ|CTr)\s?[-–—]\s?[^\W\d_][\w&]*)"
)
#: The same in running text, as it should be.
SYMBOL = re.compile(r"\d+/(?:\d{4}/)?[^\W\d_]{2,}(?:-[^\W\d_]+)+")
#: Parts of symbols that have a Đ and never a D, by what is left of them when its bar is lost.
SYMBOL_PARTS = {"QD": "QĐ", "ND": "NĐ", "HDND": "HĐND"}
#: Acute, grave, hook above, tilde and dot below, as combining characters.
_TONES = "\u0301\u0300\u0309\u0303\u0323"
#: A number that lost its head, "79/2025/NĐ-CP".
_WITHOUT_HEAD = re.compile(r"\W{0,2}\d{1,5}\s?[/|!l]\s?(?:(?:19|20)\d\d\s?/\s?)?[A-ZĐÐ]{2,}(?:-[\wĐÐ]+)+\W{0,2}")


class NumberParts(NamedTuple):
    """Where in a line the number, the year after it and the symbol stand; the year's place is empty where none is."""

    head: int
    number: tuple[int, int]
    year: tuple[int, int]
    symbol: tuple[int, int]


def number_parts(text: str) -> NumberParts | None:
    """The parts of the line with the number of a document; ``None`` for any other line."""
    head = _NUMBER.match(text)
    if head is None and not _WITHOUT_HEAD.fullmatch(text):
        return None
    start = head.end() if head else 0
    if (found := _OF_PARTY.match(text, start)) and found["symbol"][0].isupper():
        return NumberParts(start, found.span("number"), (found.end("number"),) * 2, found.span("symbol"))
    for slash in re.finditer(r"[/|]", text[start : start + _LONGEST_NUMBER]):
        at = start + slash.start()
        if (found := _SYMBOL.match(text, at + 1)) and found["symbol"][0].isupper():
            year = _YEAR_AT_END.search(text, start, at)
            end = year.start() if year else at
            return NumberParts(start, (start, end), year.span("year") if year else (end, end), found.span("symbol"))
    if found := _SLASH_LOST.match(text, start):
        return NumberParts(start, found.span("number"), (found.end("number"),) * 2, found.span("symbol"))
    return None


def begins_number(text: str) -> bool:
    """Whether a line begins "Số", as the one with the number of the document does."""
    return bool(_NUMBER.match(text)) or number_parts(text) is not None


def plain_symbol(symbol: str) -> str:
    """A symbol without the blanks about its hyphens and the tones that no symbol has: "GM - GAVỊ"."""
    symbol = re.sub(r"\s*[-–—]\s*", "-", re.sub(r"\s*[/|]\s*", "/", symbol)).replace("Ð", "Đ").strip(" .,;:-/")
    letters = (c for c in unicodedata.normalize("NFD", symbol) if c not in _TONES)
    return unicodedata.normalize("NFC", "".join(letters))


# --- Place and date ---

#: What stands for day, month and year. They are often written by hand, and what is read there may be anything.
_DATE = re.compile(
    r"\bng[aàáảãạăằâầ]y(?P<day>.{0,12}?)th[aáàảăắâấ]ng(?P<month>.{0,10}?)[nhñ][aáàăắằâ]m\W{0,3}(?P<year>[\d.…]{2,6})"
    r"|\bng[aàáảãạăằâầ]y\s*(?P<d>\d{1,2})\s?[/.-]\s?(?P<m>\d{1,2})\s?[/.-]\s?(?P<y>\d{4})(?!\d)",
    re.IGNORECASE,
)


class DateParts(NamedTuple):
    """Where in a line the place ends and where day, month and year stand."""

    place: int
    day: tuple[int, int]
    month: tuple[int, int]
    year: tuple[int, int]


def date_parts(text: str) -> DateParts | None:
    """The parts of "Hà Nội, ngày ... tháng ... năm ..."; ``None`` where that is not in the text."""
    found = _DATE.search(text)
    if found is None:
        return None
    names = ("day", "month", "year") if found["year"] else ("d", "m", "y")
    return DateParts(found.start(), *(found.span(name) for name in names))


def bears_date(text: str) -> bool:
    """Whether a line has a date in words: "ngày ... tháng ... năm ..."."""
    return date_parts(text) is not None


# --- Type and subject ---

#: Words that, alone on a centred line, are a document's type, by their skeleton. To those of article 7 come the types
#: of legal documents, which other laws prescribe, and a few names that stand in the same place.
DOCUMENT_TYPES = {
    skeleton(name): name
    for name in (
        "Báo cáo", "Quyết định", "Nghị quyết", "Nghị định", "Thông tư", "Thông tư liên tịch", "Chỉ thị", "Quy chế",
        "Quy định", "Thông báo", "Hướng dẫn", "Chương trình", "Kế hoạch", "Phương án", "Đề án", "Dự án", "Biên bản",
        "Tờ trình", "Hợp đồng", "Công điện", "Bản ghi nhớ", "Bản thỏa thuận", "Giấy ủy quyền", "Giấy mời",
        "Giấy giới thiệu", "Giấy nghỉ phép", "Phiếu gửi", "Phiếu chuyển", "Phiếu báo", "Lệnh", "Luật", "Pháp lệnh",
        "Kết luận", "Thông cáo", "Quy trình", "Phụ lục", "Công văn", "Điều lệ", "Thư mời", "Nội quy", "Thể lệ",
        "Quy hoạch", "Chiến lược", "Thông tri", "Tuyên bố", "Lời kêu gọi", "Sắc lệnh", "Bản cam kết",
        "Giấy chứng nhận", "Giấy xác nhận", "Thông báo kết luận",
    )
}  # fmt: skip
#: The type that a symbol names (annex III), for a page whose title cannot be read.
TYPES_BY_CODE = {
    "NQ": "Nghị quyết", "QĐ": "Quyết định", "CT": "Chỉ thị", "QC": "Quy chế", "QyĐ": "Quy định", "TB": "Thông báo",
    "HD": "Hướng dẫn", "CTr": "Chương trình", "KH": "Kế hoạch", "PA": "Phương án", "ĐA": "Đề án", "DA": "Dự án",
    "BC": "Báo cáo", "BB": "Biên bản", "TTr": "Tờ trình", "HĐ": "Hợp đồng", "CĐ": "Công điện", "GM": "Giấy mời",
    "NĐ": "Nghị định", "TT": "Thông tư", "TTLT": "Thông tư liên tịch", "KL": "Kết luận",
}  # fmt: skip
#: The type of a letter, the only one that is not printed: its subject stands under its number.
LETTER = DOCUMENT_TYPES["cong van"]
_TYPES_BY_LENGTH = sorted(DOCUMENT_TYPES, key=len, reverse=True)
#: In letters: of a name so long one letter may be lost or misread.
_NAME_WITH_A_LETTER_LOST = 8
_ABOUT = re.compile(r"\W*(v[/il|]?v|ve viec)\b")
#: First words of the text of a document, which may follow its type at once.
_OPENING = re.compile(r"(can cu|kinh gui|xet|theo|thuc hien|ngay|thi hanh|trong|sau khi|dieu \d|[ivx\d]+[.)])(\W|$)")


def document_type(text: str) -> str | None:
    """The kind of document that a line names and nothing else, with its diacritics; ``None`` for any other line."""
    return DOCUMENT_TYPES.get(skeleton(text).strip(" :.*"))


def misread_document_type(text: str) -> str | None:
    """The kind of document that a line in capitals names when one letter is lost or misread: "UYẾT ĐỊNH"."""
    plain = skeleton(text).strip(" :.*;-_")
    if not text.isupper() or len(plain) < _NAME_WITH_A_LETTER_LOST - 1:
        return None
    near = [
        name
        for short, name in DOCUMENT_TYPES.items()
        if len(short) >= _NAME_WITH_A_LETTER_LOST and Levenshtein.distance(short, plain) <= 1
    ]
    return near[0] if len(near) == 1 else None


def is_document_type(text: str) -> bool:
    """Whether a line is nothing but the name of a kind of document."""
    return document_type(text) is not None


def leading_document_type(text: str) -> str | None:
    """The kind of document that the first words of a title name, with its diacritics; the longest name counts."""
    plain = skeleton(text)
    return next((DOCUMENT_TYPES[name] for name in _TYPES_BY_LENGTH if plain.startswith(name + " ")), None)


def begins_about(text: str) -> bool:
    """Whether a line begins "V/v", as the subject of a letter does."""
    return bool(_ABOUT.match(skeleton(text)))


def begins_text(text: str) -> bool:
    """Whether a line begins as the text of a document does, after its type and subject: "Căn cứ", "Kính gửi"."""
    return bool(_OPENING.match(skeleton(text)))


def is_addressee(text: str) -> bool:
    """Whether a line begins "Kính gửi:", to whom a letter goes."""
    return bool(re.match(r"\W*kinh gui\b", skeleton(text)))


# --- The parts of the text ---

_LIST_MARKER = re.compile(
    r"""(?:[-–—+*•]\s            # - + *
        |[-–—+•](?=[A-ZĐÀ-Ỹ][a-zđà-ỹ])  # -Các
        |\(?[a-zđ]\)\s?          # a) đ) (a)
        |\(?\d{1,3}\)\s?         # 1) (1)
        |\d{1,2}(?:\.\d{1,2})*[.-]?\s  # 1. 1.1. 1.1 1-
        |[IVXLH]{1,5}[.\-/]\s    # I. II-   (H: Tesseract's reading of II)
        |[A-ZĐ][.)]\s            # A. B)
        )""",
    re.VERBOSE,
)
_PART = re.compile(r"(?:phan|chuong|muc|tieu muc|dieu)\s+(?:thu\s+)?[\divxlc]+", re.IGNORECASE)
#: In letters: what is longer is no heading.
LONGEST_HEADING = 160


def is_list_item(text: str) -> bool:
    """Whether a paragraph begins with a list marker: ``-``, ``+``, ``a)``, ``1.``, ``(1)``."""
    return bool(_LIST_MARKER.match(text))


def begins_part(text: str) -> bool:
    """Whether a line begins with the name and number of a part: Phần thứ I, Chương II, Mục 1, Điều 5."""
    return bool(_PART.match(skeleton(text)))


def heading_level(text: str) -> int:
    """1 to 5 for a paragraph that is numbered like a heading, as short as one and no sentence; 0 for any other.

    Phần, Chương and capitals are 1; ``I.`` and Mục 2; ``1.`` and Điều 3; ``1.1.`` 4; ``a)`` 5.
    """
    if len(text) > LONGEST_HEADING or text.rstrip().endswith((";", ".", ",")):
        return 0
    return numbered_level(text)


def numbered_level(text: str) -> int:
    """The same by the number alone; what follows may be a sentence."""
    plain = skeleton(text)
    if re.match(r"(phan|chuong)\s", plain):
        return 1
    if re.match(r"muc\s+\d", plain) or re.match(r"[IVXLH]{1,5}[.\-]\s", text):
        return 2
    if re.match(r"dieu\s+\d+[a-z]?[.:]", plain) or re.match(r"\d{1,2}[.)-]\s", text):
        return 3
    if re.match(r"\d{1,2}(\.\d{1,2})+[.-]?\s", text):
        return 4
    return 5 if re.match(r"[a-zđ][)-]\s", text) else 0


# --- Who signs, and in what capacity ---

#: What stands before the office when its holder signs for a body or for someone else, and what it is short for.
CAPACITIES = {
    "TM": "thay mặt",
    "KT": "ký thay",
    "TL": "thừa lệnh",
    "TUQ": "thừa ủy quyền",
    "Q": "quyền",
}
_SHORT = [short.lower() for short in CAPACITIES]
_CAPACITY_SIGN = re.compile(rf"^(?:{'|'.join(CAPACITIES)})\.?$")
_CAPACITY = re.compile(rf"({'|'.join(_SHORT)}|thua lenh|thua uy quyen)\b")
#: "Q." is left out: it belongs to the office, "Q. GIÁM ĐỐC".
_FOR_OTHERS = re.compile(rf"({'|'.join(short for short in _SHORT if short != 'q')})\b")
#: Words of an office; other capitals in a signature block are traces of the seal.
_OFFICE = re.compile(
    r"\b(chu tich|chu nhiem|giam doc|truong|thu tuong|chanh|pho|bi thu|tong|vien|hieu|cuc|vu|thu truong|"
    r"uy ban|ubnd|hoi dong|hdnd|bo|chinh phu|van phong|dai dien|thua|quyen|q)\b"
)
#: Offices as they stand over a signature, those of deputies with the word or two that make them so. The longest name
#: counts; what follows in the line says of what ("GIÁM ĐỐC SỞ Y TẾ").
OFFICES = {
    skeleton(name): name
    for name in (
        "CHỦ TỊCH", "CHỦ TỊCH NƯỚC", "CHỦ TỊCH QUỐC HỘI", "CHỦ TỊCH HỘI ĐỒNG", "THỦ TƯỚNG", "THỦ TƯỚNG CHÍNH PHỦ",
        "BỘ TRƯỞNG", "CHỦ NHIỆM", "GIÁM ĐỐC", "TỔNG GIÁM ĐỐC", "CHÁNH VĂN PHÒNG", "CHÁNH THANH TRA", "CHÁNH ÁN",
        "VIỆN TRƯỞNG", "CỤC TRƯỞNG", "TỔNG CỤC TRƯỞNG", "CHI CỤC TRƯỞNG", "VỤ TRƯỞNG", "HIỆU TRƯỞNG", "TRƯỞNG BAN",
        "TRƯỞNG PHÒNG", "TRƯỞNG KHOA", "TRƯỞNG ĐOÀN", "TRƯỞNG TRẠM", "TRƯỞNG CÔNG AN", "TRƯỞNG TIỂU BAN", "TRƯỞNG THÔN",
        "TRƯỞNG BỘ MÔN", "TRẠM TRƯỞNG", "HẠT TRƯỞNG", "ĐỘI TRƯỞNG", "TỔ TRƯỞNG", "NHÓM TRƯỞNG", "TỔNG THANH TRA",
        "TỔNG KIỂM TOÁN", "TỔNG BIÊN TẬP", "TỔNG THƯ KÝ", "TỔNG BÍ THƯ", "BÍ THƯ", "THỐNG ĐỐC", "THỦ TRƯỞNG",
        "CHỈ HUY TRƯỞNG", "CHÍNH ỦY", "TƯ LỆNH", "THAM MƯU TRƯỞNG", "KẾ TOÁN TRƯỞNG", "KIỂM TOÁN TRƯỞNG", "THƯ KÝ",
        "CHỦ TỌA", "CHỦ TRÌ", "ỦY VIÊN", "THƯỜNG TRỰC", "CHI CỤC PHÓ",
    )
}  # fmt: skip
#: The deputies that are not called PHÓ and their office.
_DEPUTIES = {skeleton(name): name for name in ("THỨ TRƯỞNG", "PHÓ BAN", "PHÓ TRƯỞNG", "PHÓ PHÒNG", "PHÓ HIỆU TRƯỞNG")}
_DEPUTY = skeleton("PHÓ")
#: Words of offices, by their skeleton: one of them in a line shows that an office was printed there.
_OFFICE_WORDS = {word for office in OFFICES for word in office.split() if len(word) > 3} | {_DEPUTY, "doc"}
#: In letters and spaces: an office of which one letter may be lost.
_LONG_OFFICE = 8
#: What stands over the office of one who only approves.
_APPROVAL = re.compile(r"(phe duyet|duyet|xac nhan(?: cua)?|chap thuan) ")
#: "ĐẠI DIỆN BÊN A", the party that someone signs a contract for.
_PARTY = re.compile(r"(dai dien|ben [ab]|dd\.)\b")
#: The ranks of officers, which stand before their names.
_RANK = re.compile(r"(dai|thuong|trung|thieu) (tuong|ta|uy) ")
#: Degrees before a name, of which several may stand in one: "PGS.TS", "BSCKII.".
DEGREE = re.compile(
    r"(?:(?:GS|PGS|TS|TSKH|ThS|Ths|BS|Bs|DS|Ds|KS|Ks|CN|LS|CK ?I{1,2}|NGND|NGƯT|TTND|TTƯT)[.\-/,]{0,2})+"
)


@dataclass(frozen=True, slots=True)
class Office:
    """An office that a line names.

    Attributes:
        text: the office with its diacritics, and what follows it as printed.
        deputy: whether its holder signs in another's place: "PHÓ GIÁM ĐỐC", "THỨ TRƯỞNG".
    """

    text: str
    deputy: bool


def office(text: str) -> Office | None:
    """The office that a line begins with and that fills it but for the name of a body; ``None`` for any other line."""
    words = text.split()
    # A pen stroke that touches the last letter is read as signs behind it.
    plain = [skeleton(re.sub(r"(?<=\w)\W.*$", "", word)) for word in words]
    if plain and plain[0] == "q":  # acting: "Q. GIÁM ĐỐC"
        acting = office(" ".join(words[1:]))
        return Office(f"{words[0].rstrip('.')}. {acting.text}", acting.deputy) if acting else None
    before = 1 if plain and plain[0] == _DEPUTY else 0
    for length in range(min(5, len(words)), 0, -1):
        deputy = _DEPUTIES.get(" ".join(plain[:length]))
        known = deputy or _office_named(plain[before:length])
        if known is None:
            continue
        whole = f"PHÓ {known}" if before and not deputy else known
        of_what = takewhile(_names_body, words[length:])
        return Office(" ".join([whole, *of_what]).rstrip(" .,:;"), bool(before or deputy))
    return None


def _office_named(plain: Sequence[str]) -> str | None:
    """The office with this skeleton; I may be read as l, and in a long one behind its first word a letter be lost."""
    name = " ".join(plain)
    if name in OFFICES:
        return OFFICES[name]
    for known, printed in OFFICES.items():
        if known.replace("i", "l") == name.replace("i", "l"):
            return printed
        begins = plain and known.startswith(plain[0] + " ") and known.count(" ") == len(plain) - 1
        if begins and len(known) >= _LONG_OFFICE and Levenshtein.distance(known, name) == 1:
            return printed
    return None


def _names_body(word: str) -> bool:
    """Whether a word behind an office may belong to the name of a body, and is no trace of the pen."""
    letters = word.strip(" .,:;()")
    return (letters.isupper() and (len(letters) > 1 or letters == "Y")) or word in ("-", "–", "&")


def has_office_word(text: str) -> bool:
    """Whether a word in capitals belongs to an office: what is left of a line with one that was read badly."""
    words = [re.sub(r"\W", "", word) for word in text.split()]
    return any(word.isupper() and skeleton(word) in _OFFICE_WORDS for word in words)


def without_approval(text: str) -> str:
    """A line without the words of approval before the office: "PHÊ DUYỆT GIÁM ĐỐC SỞ Y TẾ"."""
    found = _APPROVAL.match(skeleton(text))
    return " ".join(text.split()[len(found[1].split()) :]) if found else text


def names_party(text: str) -> bool:
    """Whether a line names a party to a contract: "ĐẠI DIỆN BÊN A"."""
    return bool(_PARTY.match(skeleton(text)))


def is_capacity_sign(word: str) -> bool:
    """Whether a word in capitals is one of TM., KT., TL., TUQ. and Q."""
    return bool(_CAPACITY_SIGN.match(word))


def begins_capacity(text: str) -> bool:
    """Whether a line begins with a capacity: "KT. CHỦ TỊCH", "Thừa lệnh"."""
    return bool(_CAPACITY.match(skeleton(text)))


def signs_for_others(text: str) -> bool:
    """Whether a line names the body or the person that someone else signs for: "TM. ỦY BAN NHÂN DÂN"."""
    return bool(_FOR_OTHERS.match(skeleton(text)))


def signs_in_place(text: str) -> bool:
    """Whether a line names whose place someone takes, "KT. GIÁM ĐỐC": he is his deputy."""
    return skeleton(text).startswith("kt")


def names_office(text: str) -> bool:
    """Whether a word of a line belongs to an office, or to a body that someone signs for."""
    return bool(_OFFICE.search(skeleton(text)))


def begins_rank(text: str) -> bool:
    """Whether a line begins with an officer's rank, which is always two words: "Đại tá Nguyễn Văn An"."""
    return bool(_RANK.match(skeleton(text)))


# --- Recipients ---

RECIPIENTS_HEAD = "Nơi nhận"
_RECIPIENTS = re.compile(r"\W*[nm]\w{0,2}[il1]\s*nh[aeo]?n?\W*$|\W*n\w?[il1]\s*nh[ae]n")
#: In letters: a longer line goes on with something else.
_LONGEST_RECIPIENTS_HEAD = 23
#: So many lines, and this share of them with a dash, make a list of recipients without its head.
_FEWEST_RECIPIENTS, _SHARE_DASHED = 3, 0.5


def is_recipients_head(text: str) -> bool:
    """Whether a line is "Nơi nhận:" (its diacritics and a letter may be misread)."""
    return len(text) <= _LONGEST_RECIPIENTS_HEAD and bool(_RECIPIENTS.match(skeleton(text)))


def is_recipients_list(texts: Sequence[str]) -> bool:
    """Whether lines are a list of recipients whose head could not be read: dashes before most, or "Lưu:" in it."""
    dashed = sum(bool(re.match(r"\W{1,2}\s?\w", text)) for text in texts)
    if len(texts) >= _FEWEST_RECIPIENTS and dashed >= _SHARE_DASHED * len(texts):
        return True
    return any(re.match(r"\W*luu\s*:", skeleton(text)) for text in texts)


def is_remark_on_recipients(text: str) -> bool:
    """Whether a line is what a brace joins to some recipients, and none itself: "} Website"."""
    return text.startswith("}")


# --- Copies, and the stamp on what comes in ---

_COPY = re.compile(r"\W*(sao y|sao luc|trich sao)\b")
_PORTAL = "cong thong tin dien tu"
#: Of 100: how alike the name is as it was read in the stamp, through handwriting.
_SAME_PORTAL = 85
#: Degrees of urgency (Decree 30/2020/NĐ-CP, annex I) and of secrecy (Law 29/2018/QH14, article 8).
_URGENCY = re.compile(r"\W*(hoa toc( hen gio)?|(thuong )?khan|(toi |tuyet )?mat)\W*")
_RECEIVED_HEAD = re.compile(r"\W*(cong van den|van ban den|van thu den|den)\W*$")
#: The web portal of the government or of a ministry stamps what it publishes.
_PORTALS = ("Cổng thông tin điện tử Chính phủ", "Cổng thông tin điện tử …")
_PORTAL_IN_PIECES = re.compile(r"\bthong\W{0,2}tin di\w{0,2}\W{0,2}n t|\btin dien tu chinh ph|^\W*c\wng thong? tin di")
_RECEIVED_FIELD = re.compile(
    r"\W*(so|ngay|gio|chuyen|kinh chuyen|kinh gui|luu|luu ho so|ho so|so van ban|den)\b.{0,12}?[:;.…,_]"
)


def begins_copy_form(text: str) -> bool:
    """Whether a line begins with one of the forms of a copy: sao y, sao lục, trích sao."""
    return bool(_COPY.match(skeleton(text)))


def names_portal(text: str) -> bool:
    """Whether a line of a stamp names a web portal, through handwriting: "CỔNG THÔNG TIN ĐIỆN TỬ CHÍNH PHỦ"."""
    plain = skeleton(text)
    alike = len(plain) >= len(_PORTAL) and fuzz.partial_ratio(_PORTAL, plain) >= _SAME_PORTAL
    return alike or bool(_PORTAL_IN_PIECES.search(plain))


def begins_incoming(text: str) -> bool:
    """Whether a line of a stamp begins ĐẾN in capitals, whatever its marks, and goes on in no others (ĐỀN BÙ)."""
    first, *rest = text.split() or [""]
    others = any(word.isupper() and sum(c.isalpha() for c in word) > 1 for word in rest)
    return first.isupper() and skeleton(first).strip(" .,:;|") == "den" and not others


def is_urgency_or_secrecy(text: str) -> bool:
    """Whether a line in capitals is a degree of urgency or secrecy and nothing else: "HỎA TỐC", "TUYỆT MẬT".

    >>> is_urgency_or_secrecy("[HỎA TỐC]"), is_urgency_or_secrecy("MẬT ONG")
    (True, False)
    """
    return text.isupper() and bool(_URGENCY.fullmatch(skeleton(text)))


def is_received_head(text: str) -> bool:
    """Whether a line is the head of a received stamp and nothing else: "CÔNG VĂN ĐẾN", "ĐẾN"."""
    return bool(_RECEIVED_HEAD.match(skeleton(text)))


def is_received_field(text: str) -> bool:
    """Whether a line begins with a field that a received stamp leaves to be filled in: "Số: ...", "Chuyển: ..."."""
    return bool(_RECEIVED_FIELD.match(skeleton(text)))


# --- Fixed formulas ---

#: What ministries and the departments of the provinces are for; the same names after "Bộ" and "Sở".
_FIELDS = (
    "Y tế", "Giáo dục và Đào tạo", "Tài chính", "Nội vụ", "Tư pháp", "Xây dựng", "Công Thương", "Giao thông vận tải",
    "Nông nghiệp và Phát triển nông thôn", "Nông nghiệp và Môi trường", "Tài nguyên và Môi trường",
    "Thông tin và Truyền thông", "Văn hóa, Thể thao và Du lịch", "Khoa học và Công nghệ", "Kế hoạch và Đầu tư",
    "Lao động Thương binh và Xã hội", "Văn hóa và Thể thao", "Du lịch", "Dân tộc và Tôn giáo", "Ngoại vụ",
    "Quy hoạch Kiến trúc",
)  # fmt: skip

#: What lines of the letterhead, of titles and of signatures say; with … at the end, how such a line begins.
FORMULAS = (
    NATIONAL_TITLE,
    "Độc lập Tự do Hạnh phúc",
    RECIPIENTS_HEAD,
    "Ủy ban nhân dân …",
    "Hội đồng nhân dân …",
    "Chủ tịch",
    "Phó Chủ tịch",
    "Chánh Văn phòng",
    "Phó Chánh Văn phòng",
    "Giám đốc",
    "Phó Giám đốc",
    "Bộ trưởng",
    "Thứ trưởng",
    "Vụ trưởng",
    "Cục trưởng",
    "Viện trưởng",
    "Hiệu trưởng",
    "Thủ tướng",
    "Phó Thủ tướng",
    "Chính phủ",
    "Thành phố …",
    *_PORTALS,
    *DOCUMENT_TYPES.values(),
)
#: Names of bodies, whose lines begin so. One letter makes another body of them (Sở and Bộ): all must be there.
BODIES = (
    *(f"{body} {field}" for body in ("Bộ", "Sở") for field in _FIELDS),
    "Bộ Công an",
    "Bộ Quốc phòng",
    "Bộ Ngoại giao",
    "Thanh tra Chính phủ",
    "Ngân hàng Nhà nước",
    "Kiểm toán nhà nước",
    "Văn phòng Chính phủ",
    "Ủy ban Dân tộc",
)
