"""Lines of signature blocks drawn as scans show them: with seals, strokes of the pen and other lines over them.

What the network of :mod:`ocr.reread.overprinted.network` is taught with. The texts are made of syllables, of words that
stand over signatures and of names, most in orders that no document has, so that letters must be read. Lengths are in
heights of a capital unless it is said.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ocr.reread.overprinted.network import CAPITALS, FEET, HEIGHT, LETTERS

Random = np.random.Generator


def _words(text: str, between: str | None = None) -> tuple[str, ...]:
    return tuple(text.split(between))


_ONSETS = ("", *_words("b c ch d đ g gh gi h k kh l m n ng ngh nh p ph qu r s t th tr v x"))
_RIMES = _words(
    "a ac ach ai am an ang anh ao ap at au ay ăc ăm ăn ăng ăt âc âm ân âng âp ât âu ây e em en eng eo ep et ê êm "
    "ên ênh êt êu i ia ich im in inh ip it iu iêc iêm iên iêng iêt iêu o oa oai oan oang oanh oat oc oe oi om on "
    "ong op ot ô ôc ôi ôm ôn ông ôp ôt ơ ơi ơm ơn ơp ơt u ua uân uât uê ui um un ung up ut uy uyên uyêt uynh uôc "
    "uôi uôm uôn uông uôt ư ưa ưc ưi ưng ươc ươi ươm ươn ương ươt ưt ưu y yên yêu",
)
_TONES = ("", "\u0300", "\u0301", "\u0309", "\u0303", "\u0323")
_FAMILY = _words(
    "Nguyễn Trần Lê Phạm Hoàng Huỳnh Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Đào Đoàn Vương Trịnh Trương Đinh Lâm "
    "Phùng Mai Tô Hà Tạ Lương Nông Chu Triệu Quách Thái Cao Tống Kiều Lưu Thân Từ Châu Hứa Giang Đàm Tăng Nghiêm "
    "Mạc Doãn Lù Giàng Thào Sùng Lò Vàng Hầu Cà Điểu Rơ Ksor",
)
_GIVEN = _words(
    "Văn Thị Đức Hữu Minh Thanh Ngọc Quang Xuân Hồng Thành Hải Hùng Dũng Tuấn Anh Long Sơn Hà Nam Bình Hòa An "
    "Phúc Lộc Thọ Cường Kiên Trung Hiếu Nghĩa Tín Tâm Lan Hương Mai Cúc Trúc Đào Liên Hoa Hạnh Phương Thảo Nga "
    "Loan Yến Oanh Giang Thủy Hằng Nguyệt Kim Ngân Châu Thúy Diệp Huy Khánh Khoa Khôi Lâm Lợi Mạnh Nhân Nhật "
    "Phong Phú Quân Quốc Quý Sáng Tài Tân Thái Thắng Thế Thiên Thiện Thông Thuận Tiến Toàn Tùng Tường Uy Việt "
    "Vinh Vũ Vượng Đạt Đông Định Công Chí Bá Đăng Đình",
)
_OFFICES = _words(
    "CHỦ TỊCH;PHÓ CHỦ TỊCH;THỦ TƯỚNG;PHÓ THỦ TƯỚNG;BỘ TRƯỞNG;THỨ TRƯỞNG;CHỦ NHIỆM;PHÓ CHỦ NHIỆM;GIÁM ĐỐC;"
    "PHÓ GIÁM ĐỐC;TỔNG GIÁM ĐỐC;PHÓ TỔNG GIÁM ĐỐC;CHÁNH VĂN PHÒNG;PHÓ CHÁNH VĂN PHÒNG;CHÁNH THANH TRA;CHÁNH ÁN;"
    "VIỆN TRƯỞNG;CỤC TRƯỞNG;PHÓ CỤC TRƯỞNG;TỔNG CỤC TRƯỞNG;VỤ TRƯỞNG;PHÓ VỤ TRƯỞNG;HIỆU TRƯỞNG;PHÓ HIỆU TRƯỞNG;"
    "TRƯỞNG BAN;PHÓ BAN;TRƯỞNG PHÒNG;PHÓ TRƯỞNG PHÒNG;TRƯỞNG KHOA;TRƯỞNG ĐOÀN;TRẠM TRƯỞNG;ĐỘI TRƯỞNG;TỔ TRƯỞNG;"
    "TỔNG THANH TRA;TỔNG KIỂM TOÁN;TỔNG THƯ KÝ;BÍ THƯ;PHÓ BÍ THƯ;THỐNG ĐỐC;PHÓ THỐNG ĐỐC;THỦ TRƯỞNG;"
    "CHỈ HUY TRƯỞNG;CHÍNH ỦY;TƯ LỆNH;KẾ TOÁN TRƯỞNG;ỦY VIÊN;ỦY VIÊN THƯỜNG TRỰC",
    ";",
)
_BODIES = _words(
    "ỦY BAN NHÂN DÂN;UBND TỈNH;HỘI ĐỒNG NHÂN DÂN;CHÍNH PHỦ;BỘ TÀI CHÍNH;BỘ Y TẾ;SỞ Y TẾ;SỞ NỘI VỤ;ỦY BAN DÂN TỘC;"
    "BAN CHẤP HÀNH;BAN THƯỜNG VỤ;ỦY BAN THƯỜNG VỤ QUỐC HỘI;BAN GIÁM HIỆU;ĐẢNG ỦY;TẬP THỂ LÃNH ĐẠO",
    ";",
)
_BEFORE_NAMES = _words("ThS. TS. PGS.TS. GS.TS. BS. BSCKII. KS. CN. DS. Đại tá Thượng tá Trung tá Thiếu tướng")
_ASIDES = ("(Đã ký)", "(đã ký)", "Đã ký", "Nơi nhận:", "(ký tên, đóng dấu)", "Ký bởi:")
#: Of one letter, so many texts have a mark changed: what is one tone mark away must be told apart.
_ALTERED = 0.25


def fonts_at(paths: Sequence[str], random: Random) -> str:
    """A font file, mostly one that looks like Times, as documents are set in it, and mostly upright."""
    if random.random() < 0.7:
        paths = [path for path in paths if "italic" not in path.lower() and "oblique" not in path.lower()]
    times = [path for path in paths if "iberationSerif" in path or "termes" in path]
    return str(random.choice(times if times and random.random() < 0.7 else list(paths)))


def syllable(random: Random) -> str:
    """Some syllable, in small letters; not all are words."""
    onset, rime = str(random.choice(_ONSETS)), str(random.choice(_RIMES))
    return _toned(onset + rime, len(onset), random)


def _toned(text: str, start: int, random: Random) -> str:
    """The text with a tone on one of its vowels from a place on."""
    vowels = [at for at in range(start, len(text)) if text[at] in "aăâeêioôơuưy"]
    if not vowels:
        return text
    at = vowels[min(len(vowels) - 1, int(random.integers(0, 2)))]
    return unicodedata.normalize("NFC", text[: at + 1] + str(random.choice(_TONES)) + text[at + 1 :])


def _altered(text: str, random: Random) -> str:
    """The text with another letter, or other marks, in one place."""
    places = [at for at, letter in enumerate(text) if letter.isalpha()]
    if not places:
        return text
    at = int(random.choice(places))
    old = text[at]
    base = unicodedata.normalize("NFD", old)[0].lower()
    if base in "aeiouyd" and random.random() < 0.8:
        family = [c for c in LETTERS if c.islower() and unicodedata.normalize("NFD", c)[0].replace("đ", "d") == base]
    else:
        family = [c for c in LETTERS if c.islower()]
    new = str(random.choice(family))
    return text[:at] + (new.upper() if old.isupper() else new) + text[at + 1 :]


def a_text(random: Random, longest: int = 26) -> str:
    """The text of a line, at most so many letters long."""
    while True:
        text = _any_text(random)
        if random.random() < _ALTERED:
            text = _altered(text, random)
        text = " ".join(text.split())
        if 2 <= len(text) <= longest and all(letter in LETTERS for letter in text):
            return text


def _any_text(random: Random) -> str:
    kind = random.random()
    if kind < 0.30:
        return _an_office(random)
    if kind < 0.62:
        return _a_name(random)
    if kind < 0.92:
        words = [syllable(random) for _ in range(random.integers(1, 6))]
        text = " ".join(words)
        return [text.upper(), text.title(), text, text.capitalize()][random.choice(4, p=[0.4, 0.35, 0.1, 0.15])]
    if kind < 0.95:
        return str(random.choice(_ASIDES))
    letters = [str(random.choice(list(LETTERS))) for _ in range(random.integers(2, 12))]
    return "".join(letters)


def _an_office(random: Random) -> str:
    words = str(random.choice(_OFFICES if random.random() < 0.75 else _BODIES)).split()
    if random.random() < 0.3:
        words[random.integers(len(words))] = syllable(random).upper()
    elif random.random() < 0.2:
        words = [str(random.choice(str(random.choice(_OFFICES)).split())) for _ in range(random.integers(1, 4))]
    text = " ".join(words)
    before = random.random()
    if before < 0.3:
        sign = str(random.choice(["TM", "KT", "TL", "TUQ", "Q"]))
        text = f"{sign}{random.choice(['. ', '.', ' '], p=[0.8, 0.1, 0.1])}{text}"
    if random.random() < 0.06:
        text += str(random.choice([",", ".", ":"]))
    return text.title() if random.random() < 0.04 else text


def _a_name(random: Random) -> str:
    first = str(random.choice(_FAMILY)) if random.random() < 0.8 else syllable(random).capitalize()
    rest = [
        str(random.choice(_GIVEN)) if random.random() < 0.65 else syllable(random).capitalize()
        for _ in range(random.choice([1, 2, 3], p=[0.25, 0.55, 0.2]))
    ]
    text = " ".join([first, *rest])
    if random.random() < 0.15:
        return text.upper()
    if random.random() < 0.15:
        text = f"{random.choice(_BEFORE_NAMES)}{random.choice([' ', ''])}{text}"
    return text


@lru_cache(maxsize=512)
def _font(path: str, size: int) -> tuple[ImageFont.FreeTypeFont, int]:
    """A font, and how high its capitals are in pixels."""
    font = ImageFont.truetype(path, size)
    box = font.getbbox("H")
    return font, round(box[3] - box[1])


def _print(text: str, path: str, capital: int, random: Random, gap: float = 1.0) -> tuple[np.ndarray, int]:
    """A text as ink, 0 to 255, cut at its sides; and the row of its capitals' feet."""
    font, _ = _font(path, round(capital / 0.66))
    widths = [font.getlength(word) for word in text.split(" ")]
    space = font.getlength(" ") * gap
    up = round(1.9 * capital)
    picture = Image.new("L", (round(sum(widths) + space * (len(widths) - 1)) + capital, up + capital))
    pen = ImageDraw.Draw(picture)
    x = capital / 2
    for word, width in zip(text.split(" "), widths, strict=True):
        pen.text((x, up), word, 255, font, anchor="ls")
        x += width + space
    ink = np.asarray(picture)
    return ink, up


@dataclass(frozen=True)
class Stamps:
    """Seals to stamp on lines: ink 0 to 255 in squares, whose rims are circles of :data:`_RIM` about their centres."""

    pictures: tuple[np.ndarray, ...]


_SQUARE, _RIM = 400, 180
#: The order in which an area fills with dots (Bayer 1973).
_DITHER = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], np.float32)


def make_stamps(count: int, paths: Sequence[str], random: Random) -> Stamps:
    """So many seals: rings, letters along them, a star or an emblem or the name of a body in the middle."""
    return Stamps(tuple(_a_seal(paths, random) for _ in range(count)))


def _a_seal(paths: Sequence[str], random: Random) -> np.ndarray:
    seal = np.zeros((_SQUARE, _SQUARE), np.uint8)
    middle = (_SQUARE // 2, _SQUARE // 2)
    outer = int(random.integers(2, 13))
    cv2.circle(seal, middle, _RIM - outer // 2, 255, outer, cv2.LINE_AA)
    if random.random() < 0.6:
        second = _RIM - outer - int(random.integers(4, 8))
        cv2.circle(seal, middle, second, 255, int(random.integers(1, 4)), cv2.LINE_AA)
    inner = int(random.uniform(0.62, 0.75) * _RIM)
    cv2.circle(seal, middle, inner, 255, int(random.integers(1, 5)), cv2.LINE_AA)
    path = str(random.choice([p for p in paths if "Bold" in p or "bold" in p] or list(paths)))
    capital = int((_RIM - outer - inner) * random.uniform(0.35, 0.55))
    words = "* ".join(" ".join(syllable(random) for _ in range(random.integers(3, 6))) for _ in range(2)).upper()
    step = 2 * np.pi / max(len(words), 18)
    for at, letter in enumerate(words):
        if letter == " ":
            continue
        glyph, feet = _print(letter, path, max(8, capital), random)
        glyph = glyph[feet - round(1.5 * capital) : feet + capital // 3]
        angle = at * step
        _stamp(seal, glyph, middle[0] + (inner + _RIM - outer) / 2 * np.sin(angle),
               middle[1] - (inner + _RIM - outer) / 2 * np.cos(angle), -np.degrees(angle))  # fmt: skip
    core = random.random()
    if core < 0.3:
        star = [
            (middle[0] + r * np.sin(a), middle[1] - r * np.cos(a))
            for r, a in ((inner * (0.75 if n % 2 == 0 else 0.3), n * np.pi / 5) for n in range(10))
        ]
        cv2.fillPoly(seal, [np.array(star, np.int32)], 255, cv2.LINE_AA)
    elif core < 0.6:
        texture = cv2.GaussianBlur(random.normal(0, 1, (_SQUARE, _SQUARE)).astype(np.float32), (0, 0), 2.0)
        disc = np.zeros_like(seal)
        cv2.circle(disc, middle, int(0.9 * inner), 255, -1)
        seal[(texture > texture.std() * random.uniform(-0.3, 0.6)) & (disc > 0)] = 255
    else:
        for row in range(int(random.integers(1, 4))):
            name = " ".join(syllable(random) for _ in range(2)).upper()
            glyph, _ = _print(name, path, int(random.integers(16, 30)), random)
            _stamp(seal, glyph, middle[0], middle[1] + (row - 1) * 48, 0.0)
    if random.random() < 0.5:  # badly inked
        grain = random.normal(0, 1, (_SQUARE, _SQUARE)).astype(np.float32)
        blot = cv2.GaussianBlur(grain, (0, 0), random.uniform(1, 12))
        seal[blot > blot.std() * random.uniform(0.5, 1.5)] = 0
    return seal


def _stamp(page: np.ndarray, glyph: np.ndarray, x: float, y: float, degrees: float) -> None:
    turn = cv2.getRotationMatrix2D((glyph.shape[1] / 2, glyph.shape[0] / 2), degrees, 1.0)
    turn[:, 2] += (x - glyph.shape[1] / 2, y - glyph.shape[0] / 2)
    np.maximum(page, cv2.warpAffine(glyph, turn, page.shape[::-1]), out=page)


def _seal_over(shape: tuple[int, int], capital: int, stamps: Stamps, random: Random) -> np.ndarray:
    """A seal of which some part lies over a line."""
    seal = stamps.pictures[random.integers(len(stamps.pictures))]
    scale = random.uniform(4.2, 7.5) * capital / _RIM
    far = _RIM * scale * random.choice([random.uniform(0, 0.6), random.uniform(0.6, 1.02)], p=[0.25, 0.75])
    angle = random.uniform(0, 2 * np.pi)
    # The place of the seal that comes to lie on a place of the line.
    x = random.uniform(0, shape[1]) + far * np.cos(angle)
    y = shape[0] / 2 + random.uniform(-0.8, 0.8) * capital + far * np.sin(angle)
    place = cv2.getRotationMatrix2D((_SQUARE / 2, _SQUARE / 2), random.uniform(-180, 180), scale)
    place[:, 2] += (x - _SQUARE / 2, y - _SQUARE / 2)
    return cv2.warpAffine(seal, place, shape[::-1])


def _strokes(shape: tuple[int, int], capital: int, random: Random) -> np.ndarray:
    """Strokes of a pen over a line: long flat ones, loops, and the up and down of a signature."""
    ink = np.zeros(shape, np.uint8)
    height, width = shape
    for _ in range(random.integers(1, 4)):
        thick = max(1, round(random.choice([random.uniform(0.06, 0.16), random.uniform(0.1, 0.35)]) * capital))
        start = np.array([random.uniform(-0.1, 1.0) * width, random.uniform(-0.2, 1.2) * height])
        if random.random() < 0.45:  # one flat stroke
            end = start + np.array([random.uniform(2, 14), random.uniform(-2.5, 1.0)]) * capital
            bend = (start + end) / 2 + random.normal(0, 0.4 * capital, 2)
            corners = np.array([start, bend, end])
        else:
            steps = random.normal(0, 1, (int(random.integers(3, 8)), 2)) * (1.3 * capital, 1.6 * capital)
            steps[:, 0] += random.uniform(0, 1.2) * capital
            corners = start + np.vstack([[0, 0], np.cumsum(steps, axis=0)])
        curve = _curve(corners)
        for piece in np.array_split(np.arange(len(curve)), random.integers(1, 4)):
            if len(piece):
                points = curve[max(0, piece[0] - 1) : piece[-1] + 1]
                wide = max(1, thick + int(random.integers(-1, 2)))
                cv2.polylines(ink, [np.round(points * 8).astype(np.int32)], False, 255, wide, cv2.LINE_AA, 3)
    return ink


def _curve(corners: np.ndarray) -> np.ndarray:
    """A smooth curve through some points (Catmull and Rom 1974)."""
    p = np.vstack([2 * corners[0] - corners[1], corners, 2 * corners[-1] - corners[-2]])
    t = np.linspace(0, 1, 9)[:, None]
    pieces = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False)
    ]
    return np.vstack(pieces)


def _worn(ink: np.ndarray, capital: int, random: Random) -> np.ndarray:
    """Print as a stamp or a bad printer leaves it: thick, thin, hollow or blotted."""
    kind = random.random()
    if kind < 0.12:
        return cv2.dilate(ink, np.ones((2, 2), np.uint8))
    if kind < 0.17 and capital > 17:
        return cv2.dilate(ink, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3)))
    if kind < 0.24 and capital > 20:
        return cv2.erode(ink, np.ones((2, 1), np.uint8))
    if kind < 0.31:
        inside = cv2.erode(ink, np.ones((3, 3), np.uint8))
        hole = cv2.GaussianBlur(random.normal(0, 1, ink.shape).astype(np.float32), (0, 0), capital * 0.6) > 0
        return np.where(hole, np.maximum(cv2.subtract(ink, inside), 0), ink).astype(np.uint8)
    if kind < 0.38:
        spots = cv2.GaussianBlur(random.normal(0, 1, ink.shape).astype(np.float32), (0, 0), random.uniform(0.6, 1.5))
        return np.where(spots > spots.std() * random.uniform(1.0, 2.0), 0, ink).astype(np.uint8)
    return ink


def _blend(ink: np.ndarray, over: np.ndarray, shade: float) -> np.ndarray:
    return 1 - (1 - ink) * (1 - over.astype(np.float32) * (shade / 255))


def _taken_off(ink: np.ndarray, over: np.ndarray, random: Random) -> np.ndarray:
    """A line from which what lay over it was erased, with what was under it or leaving its edges, as programs do."""
    gone = cv2.dilate(over, np.ones((2, 2), np.uint8)) if random.random() < 0.4 else over
    kept = random.uniform(0, 0.9) if random.random() < 0.6 else 0.0
    out = np.where(gone > 127, ink * kept, ink)
    if random.random() < 0.5:
        edges = cv2.morphologyEx(over, cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8))
        edges[random.random(edges.shape) < random.uniform(0.2, 0.8)] = 0
        out = _blend(out.astype(np.float32), edges, random.uniform(0.3, 1.0))
    return np.asarray(out, np.float32)


def _scanned(ink: np.ndarray, random: Random) -> np.ndarray:
    """Ink, 0 to 1, as a scanner makes grey of it: blurred, noisy, in two shades, dithered, compressed."""
    blur = random.uniform(0.2, 1.1)
    grey = cv2.GaussianBlur(ink, (0, 0), blur)
    paper, black = random.uniform(215, 255), random.uniform(0, 70)
    grey = paper + (black - paper) * grey
    grey += random.normal(0, 1, grey.shape).astype(np.float32) * random.uniform(0, 14)
    grey = grey.clip(0, 255)
    kind = random.random()
    if kind < 0.5:
        limit = black + (paper - black) * random.uniform(0.35, 0.75)
        grey = np.where(grey < limit, random.choice([0.0, 20.0]), 255.0)
    elif kind < 0.56:
        times = (grey.shape[0] // 4 + 1, grey.shape[1] // 4 + 1)
        pattern = np.tile(_DITHER, times)[: grey.shape[0], : grey.shape[1]]
        grey = np.where(grey < (pattern + 0.5) * 16, 0.0, 255.0)
    out: np.ndarray = grey.astype(np.uint8)
    if random.random() < 0.3:
        packed = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(20, 75))])[1]
        out = np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE))
    if kind < 0.5 and random.random() < 0.5:
        out = np.asarray(cv2.GaussianBlur(out, (0, 0), random.uniform(0.4, 0.9)))
    return out


def a_line(
    random: Random, paths: Sequence[str], stamps: Stamps, width: int, over: float = 0.85
) -> tuple[np.ndarray, str]:
    """A line, ``(HEIGHT, width)`` grey, and its text; empty where there is nothing but what was stamped and written.

    Args:
        over: share of the lines with something over them.
    """
    while True:
        text = "" if random.random() < 0.04 else a_text(random)
        path, capital = fonts_at(paths, random), int(random.integers(12, 31))
        scale = CAPITALS / capital * random.uniform(0.84, 1.18)
        stretch = random.uniform(0.8, 1.15)
        printed, feet = _print(text, path, capital, random, random.uniform(0.8, 1.8))
        wide = printed.shape[1] * scale * stretch
        if wide < width - 8:
            break
    room_left = random.uniform(0, min(2.5 * CAPITALS, width - wide))
    room_right = random.uniform(0, min(random.choice([2.0, 10.0]) * CAPITALS, width - wide - room_left))
    room = round((room_left + room_right) / scale / stretch)
    canvas = np.zeros((round(2.6 * capital) + 6, printed.shape[1] + room), np.uint8)
    at, base = round(room_left / scale / stretch), round(1.8 * capital)
    _lay(canvas, _worn(printed, capital, random), at, base - feet)
    if random.random() < 0.4:
        _beside(canvas, paths, capital, base, random)
    ink = _overprinted(canvas, capital, stamps, random) if random.random() < over else canvas / np.float32(255)
    grey = _scanned(ink.astype(np.float32), random)
    paper = int(np.percentile(grey, 90))
    leans = scale * stretch * np.sin(np.radians(random.normal(0, 0.8)))
    drop = FEET + random.uniform(-3.5, 3.5)
    # From the canvas to the picture: the feet of the letters to their row, a little turned about their middle.
    down = drop - scale * base - leans * canvas.shape[1] / 2
    move = np.array([[scale * stretch, 0, 0], [leans, scale, down]])
    move[0, 1] = random.normal(0, 0.03) * scale
    line = cv2.warpAffine(
        grey, move, (width, HEIGHT), flags=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT, borderValue=paper,
    )  # fmt: skip
    return line, text


def _lay(canvas: np.ndarray, ink: np.ndarray, left: int, top: int) -> None:
    """Ink on a canvas, the darker of both, what goes beyond the canvas cut off."""
    first, last = max(0, top), min(canvas.shape[0], top + ink.shape[0])
    start, end = max(0, left), min(canvas.shape[1], left + ink.shape[1])
    if first < last and start < end:
        part = canvas[first:last, start:end]
        np.maximum(part, ink[first - top : last - top, start - left : end - left], out=part)


def _beside(canvas: np.ndarray, paths: Sequence[str], capital: int, base: int, random: Random) -> None:
    """The line above or below, whose tails or heads come into the picture; or a word of another column."""
    other, feet = _print(a_text(random), fonts_at(paths, random), round(capital * random.uniform(0.85, 1.05)), random)
    away = random.uniform(1.05, 2.2) * capital * random.choice([-1, 1])
    left = int(random.integers(-canvas.shape[1] // 3, max(1, canvas.shape[1] // 2)))
    _lay(canvas, other, left, round(base + away) - feet)


def _overprinted(canvas: np.ndarray, capital: int, stamps: Stamps, random: Random) -> np.ndarray:
    ink = canvas.astype(np.float32) / 255 * random.uniform(0.75, 1.0)
    kind = random.random()
    if kind < 0.65:
        seal = _seal_over(canvas.shape, capital, stamps, random)
        if random.random() < 0.3:
            ink = _taken_off(ink, seal, random)
        else:
            ink = _blend(ink, seal, random.uniform(0.25, 1.0))
    if kind > 0.4:
        pen = _strokes(canvas.shape, capital, random)
        if random.random() < 0.12:
            ink = _taken_off(ink, pen, random)
        else:
            ink = _blend(ink, pen, random.uniform(0.5, 1.0))
    return ink
