"""What Decree 30/2020/NĐ-CP prescribes for official documents: their types, parts, fixed words and who signs them.

All the constants of the decree that the program knows stand here, with the questions that only ask whether a text is
such a thing. A printed text is what it is asked about, and it may have been misread. Diacritics are what engines
misread most, so fixed words are compared by their skeleton (``so``, ``ngay``, ``noi nhan``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rapidfuzz import fuzz

from normalize.vietnamese.syllable import skeleton

# --- The page (annex I) ---

#: Where the text begins and ends, in page widths: 30 to 35 mm from the left and 15 to 20 mm from the right, of 210.
TEXT_LEFT, TEXT_RIGHT = 0.155, 0.915


# --- The national title and motto ---

_MOTTO = ("cong hoa xa hoi", "doc lap", "tu do - hanh phuc")


def is_motto(text: str) -> bool:
    """Whether a line belongs to the national title and motto."""
    plain = skeleton(text)
    return any(part in plain for part in _MOTTO)


# --- The issuing body ---

#: First words of the names of bodies; a line in capitals that begins otherwise carries on the name above it.
_BODIES = (
    "uy ban", "ubnd", "hoi dong", "hdnd", "bo", "so", "cuc", "tong cuc", "chi cuc", "phong", "ban", "van phong",
    "vien", "truong", "trung tam", "thanh tra", "cong an", "toa an", "cong ty", "tong cong ty", "benh vien",
    "doan", "dang bo", "dang uy", "huyen uy", "thanh uy", "tinh uy", "mat tran", "lien doan", "hoi", "kho bac",
    "ngan hang", "chinh phu", "thu tuong", "quoc hoi", "kiem toan", "vien kiem sat", "hat", "tram", "doi",
)  # fmt: skip
#: What begins like the name of a body and is a part of one: "Ban quản lý rừng / phòng hộ Sông Lôi".
_NO_BODY = re.compile(r"phong (ho|chong|benh)\b|so \d|bo doi\b|doan ket\b|hoi (an|nhap)\b")


def begins_body(text: str) -> bool:
    """Whether a line begins the name of a body, and does not carry on the one above it."""
    plain = skeleton(text)
    return plain.startswith(tuple(body + " " for body in _BODIES)) and not _NO_BODY.match(plain)


# --- Number and symbol (annex III has the abbreviations) ---

_NUMBER = re.compile(r"\s*so\s*[:.;]?\s*")
#: Number, year (of laws and decrees) and the symbol proper, all as printed: "12 / 2024 / NĐ - CP". The number may be
#: left open with dots, and the slash read as a bar.
NUMBER_AND_SYMBOL = re.compile(r"([\d\s.…_]*)((?:/\s*\d{4}\s*)?)[/|]\s*([A-ZĐÐa-z][\w&ĐÐ/]*(?:\s*[-–]\s*[\wĐÐ&]+)*)")
#: The same in running text, as it should be.
SYMBOL = re.compile(r"\d+/(?:\d{4}/)?[^\W\d_]{2,}(?:-[^\W\d_]+)+")
#: Parts of symbols that have a Đ and never a D, by what is left of them when its bar is lost.
SYMBOL_PARTS = {"QD": "QĐ", "ND": "NĐ", "HDND": "HĐND"}


def begins_number(text: str) -> bool:
    """Whether a line begins "Số", as the one with the number of the document does."""
    return bool(_NUMBER.match(skeleton(text)))


# --- Place and date ---

# The day and the number are often written by hand, and what is read there may be anything.
_DATE = re.compile(r"ngay\b(.{0,9}?)\bthang\b(.{0,9}?)\bnam\W*(\d{4})")


def date_parts(text: str) -> tuple[str, str, str] | None:
    """What stands for day, month and year in "ngày ... tháng ... năm ..."; ``None`` where that is not in the text."""
    found = _DATE.search(skeleton(text))
    return (found[1], found[2], found[3]) if found else None


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
        "Kết luận", "Thông cáo", "Quy trình", "Phụ lục", "Công văn",
    )
}  # fmt: skip
#: The type of a letter, the only one that is not printed: its subject stands under its number.
LETTER = DOCUMENT_TYPES["cong van"]
_TYPES_BY_LENGTH = sorted(DOCUMENT_TYPES, key=len, reverse=True)
_ABOUT = re.compile(r"(v/v|ve viec)\b")
#: First words of the text of a document, which may follow its type at once.
_OPENING = re.compile(r"(can cu|kinh gui|xet|theo|thuc hien|ngay|thi hanh|trong|sau khi|dieu \d|[ivx\d]+[.)])(\W|$)")


def document_type(text: str) -> str | None:
    """The kind of document that a line names and nothing else, with its diacritics; ``None`` for any other line."""
    return DOCUMENT_TYPES.get(skeleton(text).strip(" :.*"))


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
        |\(?[a-zđ]\)\s?          # a) đ) (a)
        |\(?\d{1,3}\)\s?         # 1) (1)
        |\d{1,2}(?:\.\d{1,2})*\.?\s  # 1. 1.1. 1.1
        |[IVXLH]{1,5}[.\-/]\s    # I. II-   (H: Tesseract's reading of II)
        |[A-ZĐ][.)]\s            # A. B)
        )""",
    re.VERBOSE,
)
_PART = re.compile(r"(?:phan|chuong|muc|tieu muc|dieu)\s+(?:thu\s+)?[\divxlc]+", re.IGNORECASE)
#: In letters: what is longer is no heading.
_LONGEST_HEADING = 160


def is_list_item(text: str) -> bool:
    """Whether a paragraph begins with a list marker: ``-``, ``+``, ``a)``, ``1.``, ``(1)``."""
    return bool(_LIST_MARKER.match(text))


def begins_part(text: str) -> bool:
    """Whether a line begins with the name and number of a part: Phần thứ I, Chương II, Mục 1, Điều 5."""
    return bool(_PART.match(skeleton(text)))


def heading_level(text: str) -> int:
    """1 to 5 for a paragraph that is numbered like a heading and as short as one; 0 for any other.

    Phần, Chương and capitals are 1; ``I.`` and Mục 2; ``1.`` and Điều 3; ``1.1.`` 4; ``a)`` 5.
    """
    plain = skeleton(text)
    if len(text) > _LONGEST_HEADING or text.rstrip().endswith((";", ".", ",")):
        return 0
    if re.match(r"(phan|chuong)\s", plain):
        return 1
    if re.match(r"muc\s+\d", plain) or re.match(r"[IVXLH]{1,5}[.\-]\s", text):
        return 2
    if re.match(r"dieu\s+\d+[a-z]?[.:]", plain) or re.match(r"\d{1,2}[.)]\s", text):
        return 3
    if re.match(r"\d{1,2}(\.\d{1,2})+\.?\s", text):
        return 4
    return 5 if re.match(r"[a-zđ]\)\s", text) else 0


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
#: The ranks of officers, which stand before their names.
_RANK = re.compile(r"(dai|thuong|trung|thieu) (tuong|ta|uy) ")


def is_capacity_sign(word: str) -> bool:
    """Whether a word in capitals is one of TM., KT., TL., TUQ. and Q."""
    return bool(_CAPACITY_SIGN.match(word))


def begins_capacity(text: str) -> bool:
    """Whether a line begins with a capacity: "KT. CHỦ TỊCH", "Thừa lệnh"."""
    return bool(_CAPACITY.match(skeleton(text)))


def signs_for_others(text: str) -> bool:
    """Whether a line names the body or the person that someone else signs for: "TM. ỦY BAN NHÂN DÂN"."""
    return bool(_FOR_OTHERS.match(skeleton(text)))


def names_office(text: str) -> bool:
    """Whether a word of a line belongs to an office, or to a body that someone signs for."""
    return bool(_OFFICE.search(skeleton(text)))


def begins_rank(text: str) -> bool:
    """Whether a line begins with an officer's rank, which is always two words: "Đại tá Nguyễn Văn An"."""
    return bool(_RANK.match(skeleton(text)))


# --- Recipients ---

RECIPIENTS_HEAD = "Nơi nhận"
_RECIPIENTS = re.compile(r"\W*n\w{0,2}[il1]\s*nh[aeo]?n?\W*$|\W*n\w?[il1]\s*nh[ae]n")
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


# --- Copies, and the stamp on what comes in ---

_COPY = re.compile(r"\W*(sao y|sao luc|trich sao)\b")
_PORTAL = "cong thong tin dien tu"
#: Of 100: how alike the name is as it was read in the stamp, through handwriting.
_SAME_PORTAL = 85
_RECEIVED_HEAD = re.compile(r"\W*(cong van den|van ban den|van thu den|den)\W*$")
_RECEIVED_FIELD = re.compile(
    r"\W*(so|ngay|gio|chuyen|kinh chuyen|kinh gui|luu|luu ho so|ho so|so van ban|den)\b.{0,12}?[:;.…,_]"
)


def begins_copy_form(text: str) -> bool:
    """Whether a line begins with one of the forms of a copy: sao y, sao lục, trích sao."""
    return bool(_COPY.match(skeleton(text)))


def is_received_head(text: str) -> bool:
    """Whether a line is the head of a received stamp and nothing else: "CÔNG VĂN ĐẾN", "ĐẾN"."""
    return bool(_RECEIVED_HEAD.match(skeleton(text)))


def names_portal(text: str) -> bool:
    """Whether a text, without its marks, names the government's portal, whose stamp decrees bear on their way out."""
    return len(text) >= len(_PORTAL) and fuzz.partial_ratio(_PORTAL, text) >= _SAME_PORTAL


def is_received_field(text: str) -> bool:
    """Whether a line begins with a field that a received stamp leaves to be filled in: "Số: ...", "Chuyển: ..."."""
    return bool(_RECEIVED_FIELD.match(skeleton(text)))


# --- Fixed formulas ---

#: What lines of the letterhead, of titles and of signatures say; with … at the end, how such a line begins.
FORMULAS = (
    "Cộng hòa xã hội chủ nghĩa Việt Nam",
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
    *DOCUMENT_TYPES.values(),
)
