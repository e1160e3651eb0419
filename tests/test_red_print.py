"""Red print that is no seal is found: stamps are read by themselves, print stays on the page, the rest stays off."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from normalize.document import Source
from normalize.structure.build import build_document
from ocr.image.clean import clean
from ocr.image.red_print import find_red_print
from ocr.layout.unread_ink import InkAccount, together
from ocr.page import Box, Line, Word, Zone, hull, letter
from ocr.reread.red_stamps import read_stamps
from tests.typeset import line, page

FONT = cv2.FONT_HERSHEY_DUPLEX


def paper() -> np.ndarray:
    """A mask of A4 at 300 dpi without ink."""
    return np.zeros((3508, 2480), np.uint8)


def write(ink: np.ndarray, text: str, left: int, baseline: int, size: float = 2.0) -> Box:
    (width, height), _ = cv2.getTextSize(text, FONT, size, 5)
    cv2.putText(ink, text, (left, baseline), FONT, size, 255, 5)
    return Box(left, baseline - height, left + width, baseline)


def turned(ink: np.ndarray, degrees: float, about: tuple[int, int]) -> np.ndarray:
    return cv2.warpAffine(ink, cv2.getRotationMatrix2D(about, degrees, 1), ink.shape[::-1])


def framed(text: str, degrees: float = 0.0) -> np.ndarray:
    ink = paper()
    place = write(ink, text, 500, 800)
    cv2.rectangle(ink, (place.left - 30, place.top - 30), (place.right + 30, place.bottom + 30), 255, 6)
    return turned(ink, degrees, (500, 800))


@pytest.mark.parametrize("text", ["HOA TOC", "MAT", "THUONG KHAN"])
@pytest.mark.parametrize("degrees", [0.0, 5.0, -5.0])
def test_what_stands_in_a_frame_is_a_stamp(text: str, degrees: float) -> None:
    found = find_red_print(framed(text, degrees), [])
    assert found.letters is None
    assert len(found.stamps) == 1
    # OpenCV turns counter-clockwise: lines rise, and y falls along them.
    assert np.degrees(np.arctan(found.stamps[0].slope)) == pytest.approx(-degrees, abs=1.0)
    assert found.stamped is not None
    # The frame itself is no letter.
    assert 0.2 < cv2.countNonZero(found.stamped) / cv2.countNonZero(framed(text, degrees)) < 0.8


@pytest.mark.parametrize("text", ["SO 152", "UY BAN NHAN DAN", "Le Van Hai"])
def test_a_level_row_of_letters_is_print(text: str) -> None:
    ink = paper()
    place = write(ink, text, 700, 2000)
    found = find_red_print(ink, [])
    assert found.stamped is None
    assert found.letters is not None
    assert cv2.countNonZero(found.letters[place.top : place.bottom]) > 0.9 * cv2.countNonZero(ink)


def test_a_row_that_was_set_askew_is_a_stamp() -> None:
    ink = paper()
    write(ink, "DA PHAT HANH", 700, 2000)
    found = find_red_print(turned(ink, 7.0, (700, 2000)), [])
    assert found.letters is None
    assert len(found.stamps) == 1


def half_seal(ink: np.ndarray, centre: tuple[int, int] = (2480, 1500), radius: int = 200) -> None:
    cv2.circle(ink, centre, radius, 255, 7)
    cv2.circle(ink, centre, round(0.6 * radius), 255, 3)
    for at in range(0, 360, 15):
        x, y = (round(c + 0.8 * radius * f(np.radians(at))) for c, f in zip(centre, (np.cos, np.sin), strict=True))
        write(ink, "H", x - 15, y + 15, 1.2)
    write(ink, "TAN PHU", centre[0] - 110, centre[1] + 15, 1.2)


def pen(ink: np.ndarray) -> None:
    points = [(900 + 11 * step, round(2500 + 90 * np.sin(step / 3))) for step in range(60)]
    cv2.polylines(ink, [np.array(points, np.int32)], False, 255, 8)


def rule(ink: np.ndarray) -> None:
    cv2.line(ink, (400, 600), (900, 600), 255, 5)


def specks(ink: np.ndarray) -> None:
    for x, y in np.random.default_rng(1).integers((0, 0), (2480, 3508), (300, 2)):
        cv2.circle(ink, (int(x), int(y)), 3, 255, -1)


@pytest.mark.parametrize("draw", [half_seal, pen, rule, specks])
def test_what_is_no_print_stays_off(draw: object) -> None:
    ink = paper()
    draw(ink)  # type: ignore[operator]
    found = find_red_print(ink, [])
    assert (found.letters, found.stamped, found.stamps) == (None, None, [])


def test_a_grey_page_has_no_red_print() -> None:
    assert find_red_print(None, []).letters is None


def test_on_the_clean_page_red_print_stays_and_stamps_go() -> None:
    red = framed("KHAN")
    print_at = write(red, "SO 152", 500, 1500)
    red = red[:1700]
    image = np.full((*red.shape, 3), 255, np.uint8)
    image[red > 0] = (210, 30, 40)
    found = clean(image)
    assert cv2.countNonZero(found.ink[print_at.top : print_at.bottom, print_at.left : print_at.right])
    assert not cv2.countNonZero(found.ink[600:900])
    assert found.stamped is not None
    assert found.stamped[600:900].min() < 128


def read(text: str, box: Box) -> Line:
    word = Word(text, box, 95.0, tuple(map(letter, text)))
    return Line((word,), box, float(box.bottom), 30.0)


def test_a_stamp_that_was_not_read_is_told_with_its_place() -> None:
    found = find_red_print(framed("KHAN", 4.0), [])
    assert found.stamped is not None
    grey = 255 - found.stamped
    whole, ink = read_stamps(grey, found.stamps, 300, lambda part, place: [read("KHẨN", place)])
    assert [one.text for one in whole] == ["KHẨN"]
    assert (ink.explained, ink.unread) == (1.0, ())
    nothing, ink = read_stamps(grey, found.stamps, 300, lambda part, place: [])
    assert nothing == []
    assert ink.explained == 0.0
    assert ink.unread == (found.stamps[0].box,)


def test_accounts_are_weighed_by_their_ink() -> None:
    assert together([]) == InkAccount()
    one, other = InkAccount(1.0, (), 300.0), InkAccount(0.0, (Box(1, 2, 3, 4),), 100.0)
    assert together([one, other]) == InkAccount(0.75, (Box(1, 2, 3, 4),), 400.0)


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (["HỎA TỐC"], "stamp"),
        (["SAO Y BẢN CHÍNH", "Ngày 20 tháng 5"], "stamp"),
        (["SỞ Y TẾ", "CÔNG VĂN ĐẾN", "Số: ......"], "received stamp"),
    ],
)
def test_stamps_in_red_are_dropped_with_their_text(texts: list[str], reason: str) -> None:
    typeset = page(1, ["T Báo cáo kết quả thực hiện nhiệm vụ năm 2024 của huyện.<"])
    lines = tuple(line(text + "<", "T", 900 + 90 * at) for at, text in enumerate(texts))
    stamp = Zone("stamp", lines, hull([one.box for one in lines]))
    document = build_document([replace(typeset, zones=(*typeset.zones, stamp))], Source("a.pdf", "0" * 64, 1, 1))
    assert {(one.text, one.reason) for one in document.dropped} == {(text, reason) for text in texts}
    assert not any(text in block.text for block in document.blocks for text in texts)


@pytest.mark.parametrize(
    ("text", "dropped"),
    [
        ("HỎA TỐC", True),
        ("THƯỢNG KHẨN", True),
        ("TUYỆT MẬT", True),
        ("Khẩn", False),
        ("MẬT ONG", False),
        ("KHẨN TRƯƠNG THỰC HIỆN", False),
    ],
)
def test_degrees_of_urgency_and_secrecy_in_black(text: str, dropped: bool) -> None:
    typeset = page(1, ["T Báo cáo kết quả thực hiện nhiệm vụ năm 2024 của huyện.<", f"T |{text}<"])
    document = build_document([typeset], Source("a.pdf", "0" * 64, 1, 1))
    assert [one.text for one in document.dropped if one.reason == "stamp"] == [text] * dropped
