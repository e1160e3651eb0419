"""Page image to words: one Tesseract call a page, which yields boxes, confidence and the competing letters.

Tesseract is asked for hOCR with ``lstm_choice_mode=2``: for each letter it lists those that competed with it, the
best evidence that repair will ever get, for a tenth more time. It runs with one thread (several fight each
other; pages run side by side instead) and is killed when it takes longer than its limit. Parts of a page that are read
by themselves are read in this process, without a start of Tesseract for each.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import signal
import tempfile
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path

import cv2
import numpy as np
from lxml import etree

from ocr import messages, tesseract_library
from ocr.page import Box, Letter, hull, letter
from ocr.signs.misread import signs_for

LANGUAGE = "vie"
#: Debian's Tesseract brings it along. It was trained by itself, on other text, and so errs on other digits: on 1,759
#: printed numbers of five kinds of bad scans it saw 90 of 92 wrong ones and doubted 38 of 1,617 right ones; Vietnamese
#: at its best (tessdata_best) saw 88 and doubted 83.
SECOND_LANGUAGE = "eng"
#: Tesseract scales text lines to 36 pixels anyway; it reads at least as well at this resolution as at 300, and faster.
READING_DPI = 200
#: Letters that are in Tesseract's Vietnamese alphabet and in no Vietnamese document.
NEVER_PRINTED = "ØøÆæŒœƒŸÿžŠšŽÄäÖöåÅ¥‡ïÏëËßñÑçÇûÛîÎ"
#: Choices below this confidence say nothing, unless they differ from the chosen letter in diacritics only.
_LEAST_CONFIDENCE = 1.0

_BOX = re.compile(r"bbox (-?\d+) (-?\d+) (-?\d+) (-?\d+)")
_CHAR_BOX = re.compile(r"x_bboxes (-?\d+) (-?\d+) (-?\d+) (-?\d+)")
_NUMBER = r"(-?[\d.]+)"
_BASELINE = re.compile(rf"baseline {_NUMBER} {_NUMBER}")
_SIZES = re.compile(rf"x_size {_NUMBER}; x_descenders {_NUMBER}; x_ascenders {_NUMBER}")
_X_CONFS = re.compile(rf"x_confs {_NUMBER}")
_X_WCONF = re.compile(rf"x_wconf {_NUMBER}")


@dataclass(frozen=True, slots=True)
class ReadWord:
    """A word as Tesseract read it: a :class:`ocr.page.Word` with the box of each letter."""

    text: str
    box: Box
    confidence: float
    letters: tuple[Letter, ...]
    letter_boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class ReadLine:
    """A line as Tesseract read it.

    Attributes:
        baseline: y of the baseline at the left end of ``box``.
        slope: pixels down for each pixel to the right.
        x_height: pixels.
        block: number of Tesseract's own text block; lines of different blocks were apart on paper.
    """

    words: tuple[ReadWord, ...]
    box: Box
    baseline: float
    slope: float
    x_height: float
    block: int


@cache
def engine_versions() -> dict[str, str]:
    """The version of Tesseract and the name of the model it reads with; looked up once a process.

    Raises:
        ToolMissing: Tesseract or its Vietnamese data is not installed.
    """
    import pytesseract

    languages = _languages()
    if LANGUAGE not in languages:
        raise messages.VIETNAMESE_MISSING.fault()
    return {
        "tesseract": str(pytesseract.get_tesseract_version()),
        "model": LANGUAGE,
        **({"numbers": SECOND_LANGUAGE} if SECOND_LANGUAGE in languages else {}),
        "opencv": cv2.__version__,
    }


@cache
def _languages() -> tuple[str, ...]:
    """The models that are installed.

    Raises:
        ToolMissing: Tesseract is not installed.
    """
    import pytesseract

    try:
        return tuple(pytesseract.get_languages())
    except (pytesseract.TesseractNotFoundError, OSError) as fault:
        raise messages.TESSERACT_MISSING.fault(str(fault)) from fault


def recognize(
    image: np.ndarray,
    *,
    dpi: int = 300,
    timeout: float = 180.0,
    one_block: bool = False,
    is_part: bool = False,
    language: str = LANGUAGE,
    rivals: bool = True,
) -> list[ReadLine]:
    """Read a page image.

    Args:
        image: ``(height, width)`` grey.
        dpi: of the image; above :data:`READING_DPI` it is read reduced to that, and boxes are scaled back.
        timeout: seconds after which Tesseract is killed.
        one_block: the image is one block of lines; Tesseract does not look for pictures and columns in it.
        is_part: the image is but a part of a page, and need not have a process of its own.
        language: of the model.
        rivals: whether the letters come with those that compete with them; without them reading is a little faster.

    Returns:
        Lines in Tesseract's own reading order.

    Raises:
        Timeout: it took too long.
        Killed: Tesseract was killed from outside.
        PageFault: Tesseract failed on this page.
        ToolMissing: Tesseract or its Vietnamese data is not installed.
        OSError: the disk of the temporary folder is full.
    """

    os.environ["OMP_THREAD_LIMIT"] = "1"  # pytesseract hands its own environment on; the library looks when loaded.
    scale = min(1.0, READING_DPI / dpi)
    if scale < 0.95:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    else:
        scale = 1.0
    psm = 6 if one_block else 3
    hocr = None
    if is_part:
        version = engine_versions()["tesseract"]
        hocr = tesseract_library.hocr(image, language, version, psm=psm, rivals=rivals, timeout=timeout)
    if hocr is None:
        hocr = _hocr_of_command(image, language, psm, rivals, timeout)
    lines = parse_hocr(hocr)
    return lines if scale == 1.0 else [moved(line, 1 / scale) for line in lines]


def _hocr_of_command(image: np.ndarray, language: str, psm: int, rivals: bool, timeout: float) -> bytes:
    """What the command makes of an image; raises what :func:`recognize` raises."""
    # No --dpi: Tesseract estimates the resolution from the type size, which suits its own layout analysis better.
    config = f"--psm {psm} -c hocr_char_boxes=1" + (" -c lstm_choice_mode=2" if rivals else "")
    with tempfile.TemporaryDirectory(prefix="nambat-page-") as folder:
        # A path, not an array: pytesseract would write a PNG, and compressing it takes longer than reading it.
        path = Path(folder) / "page.pgm"
        if not cv2.imwrite(str(path), image):
            _check_room(path.parent)
            raise messages.NO_SCRATCH.fault()
        return _whole_hocr(path, language, config, timeout)


def _whole_hocr(path: Path, language: str, config: str, timeout: float) -> bytes:
    """What Tesseract makes of an image file, from its head to its end; raises what :func:`recognize` raises.

    What is cut short parses all the same, without the words behind the cut. The page is read once more: what cut it (a
    disk that was full for a moment) may be gone.
    """
    for is_last in (False, True):
        hocr = _hocr(path, language, config, timeout)
        begins = b"ocr_page" in hocr  # a blank page has that too
        if begins and hocr.rstrip().endswith(b"</html>"):
            return hocr
        _check_room(Path(tempfile.gettempdir()))
        if is_last:
            break
    raise (messages.TESSERACT_CUT if begins else messages.TESSERACT_SILENT).fault(repr(hocr[-200:]))


def _hocr(path: Path, language: str, config: str, timeout: float) -> bytes:
    """What Tesseract makes of an image file; raises what :func:`recognize` raises."""
    import pytesseract

    try:
        return bytes(
            pytesseract.image_to_pdf_or_hocr(str(path), lang=language, config=config, timeout=timeout, extension="hocr")
        )
    except pytesseract.TesseractNotFoundError as fault:
        raise messages.TESSERACT_MISSING.fault(str(fault)) from fault
    except pytesseract.TesseractError as fault:
        message = str(fault)
        if fault.status == -signal.SIGKILL:
            raise messages.READER_KILLED.fault(message) from fault
        _check_room(path.parent)
        if "Error opening data file" in message or "load any languages" in message:
            raise messages.VIETNAMESE_MISSING.fault(message) from fault
        raise messages.TESSERACT_FAILED.fault(message) from fault
    except RuntimeError as fault:  # pytesseract's only word for a timeout
        raise messages.SLOW_TO_READ.fault(str(fault), seconds=timeout) from fault


def read_rows(rows: Sequence[np.ndarray], *, timeout: float = 180.0) -> list[str]:
    """Read small pieces of a page, one below the other, with the second model: what it makes of each, without spaces.

    Args:
        rows: each ``(height, width)`` grey with paper around its letters.

    Returns:
        A text for each row, empty where nothing was read; all empty where the second model is not installed.

    Raises:
        ocr.faults.Fault: as :func:`recognize`.
    """
    if not rows or SECOND_LANGUAGE not in _languages():
        return [""] * len(rows)
    ends = np.cumsum([row.shape[0] for row in rows])
    width = max(row.shape[1] for row in rows)
    sheet = np.vstack([np.pad(row, ((0, 0), (0, width - row.shape[1])), constant_values=255) for row in rows])
    texts = [""] * len(rows)
    reading = recognize(
        sheet,
        dpi=READING_DPI,
        timeout=timeout,
        one_block=True,
        is_part=True,
        language=SECOND_LANGUAGE,
        rivals=False,
    )
    for line in reading:
        for word in line.words:
            at = int(np.searchsorted(ends, word.box.y, side="right"))
            if at < len(texts):
                texts[at] += word.text
    return texts


def moved(line: ReadLine, factor: float, left: int = 0, top: int = 0) -> ReadLine:
    """The line with all its pixels multiplied by ``factor``, then moved right by ``left`` and down by ``top``."""

    def box(one: Box) -> Box:
        return Box(
            round(one.left * factor) + left,
            round(one.top * factor) + top,
            round(one.right * factor) + left,
            round(one.bottom * factor) + top,
        )

    words = tuple(
        replace(word, box=box(word.box), letter_boxes=tuple(box(one) for one in word.letter_boxes))
        for word in line.words
    )
    return replace(
        line,
        words=words,
        box=box(line.box),
        baseline=line.baseline * factor + top,
        x_height=line.x_height * factor,
    )


def find_rotation(image: np.ndarray, *, timeout: float = 60.0) -> tuple[int, float]:
    """Degrees (0, 90, 180, 270) by which the page must be turned clockwise to stand upright, and how sure that is.

    Tesseract's orientation detection; 0 and 0.0 where it cannot tell (too few letters).

    Raises:
        Killed: Tesseract was killed from outside.
    """
    import pytesseract

    os.environ["OMP_THREAD_LIMIT"] = "1"
    with tempfile.TemporaryDirectory(prefix="nambat-osd-") as folder:
        path = Path(folder) / "page.pgm"
        cv2.imwrite(str(path), image)
        try:
            found = pytesseract.image_to_osd(
                str(path), config="--psm 0", timeout=timeout, output_type=pytesseract.Output.DICT
            )
        except pytesseract.TesseractError as fault:
            if fault.status == -signal.SIGKILL:
                # A page upside down must not pass for an upright one.
                raise messages.READER_KILLED.fault(str(fault)) from fault
            return 0, 0.0
        except (RuntimeError, KeyError):
            return 0, 0.0
    return int(found["rotate"]), float(found["orientation_conf"])


LEAST_ROOM = 16 * 1024**2
"""Free bytes below which a temporary folder counts as full."""


def _check_room(folder: Path) -> None:
    """Raises ``OSError`` where a failure is explained by a full disk."""
    if shutil.disk_usage(folder).free < LEAST_ROOM:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def parse_hocr(hocr: bytes) -> list[ReadLine]:
    """The lines of an hOCR page (the format's specification: hOCR 1.2), empty words left out."""
    try:
        root = etree.fromstring(hocr, etree.XMLParser(recover=True, huge_tree=True))
    except etree.XMLSyntaxError:  # empty: Tesseract wrote nothing
        return []
    if root is None:
        return []
    lines: list[ReadLine] = []
    block = 0
    for element in root.iter("{*}div", "{*}span"):
        kind = element.get("class")
        if kind == "ocr_carea":
            block += 1
        # Tesseract calls some lines headers, captions or floats; to us they are lines all the same.
        elif kind in ("ocr_line", "ocr_header", "ocr_caption", "ocr_textfloat"):
            line = _parse_line(element, block)
            if line:
                lines.append(line)
    return lines


def _parse_line(element: etree._Element, block: int) -> ReadLine | None:
    title = element.get("title") or ""
    box = _box(_BOX, title)
    words = tuple(word for child in element if (word := _parse_word(child)))
    if not words:
        return None
    slope, offset = 0.0, 0.0
    if found := _BASELINE.search(title):
        slope, offset = float(found[1]), float(found[2])
    x_height = box.height / 2
    if found := _SIZES.search(title):
        size, descenders, ascenders = (float(part) for part in found.groups())
        x_height = max(1.0, size - descenders - ascenders)
    return ReadLine(words, box, box.bottom + offset, slope, x_height, block)


def _parse_word(element: etree._Element) -> ReadWord | None:
    if element.get("class") != "ocrx_word":
        return None
    title = element.get("title") or ""
    letters: list[Letter] = []
    boxes: list[Box] = []
    pending: tuple[str, Box] | None = None

    def settle(choices: tuple[tuple[str, int], ...] = ()) -> None:
        nonlocal pending
        if pending:
            letters.append(letter(pending[0], choices))
            boxes.append(pending[1])
            pending = None

    for child in element:
        found = child.get("title") or ""
        if found.startswith("x_bboxes"):
            settle()
            pending = (_printed(child.text or ""), _box(_CHAR_BOX, found))
        elif pending and child.get("class") == "ocrx_cinfo":
            raw = tuple(
                (choice.text or "", sure)
                for choice in child
                if (sure := _choice_confidence(choice.get("title") or "")) is not None
            )
            settle(_telling_choices(pending[0], raw))
    settle()
    for first, last, sign in signs_for(letters):
        letters[first:last] = [sign]
        boxes[first:last] = [hull(boxes[first:last])]
    printed = [at for at, one in enumerate(letters) if one.text.strip()]
    if not printed:
        return None
    inner = slice(printed[0], printed[-1] + 1)  # a speck at a word's edge may be read as a blank
    letters, boxes = letters[inner], boxes[inner]
    text = "".join(one.text for one in letters)
    confidence = _X_WCONF.search(title)
    return ReadWord(text, _box(_BOX, title), float(confidence[1]) if confidence else 0.0, tuple(letters), tuple(boxes))


@lru_cache(maxsize=4096)
def _choice_confidence(title: str) -> float | None:
    """To one decimal; most of a page's thousands of choices have one of few confidences, 0 above all."""
    found = _X_CONFS.search(title)
    return round(float(found[1]), 1) if found else None


@lru_cache(maxsize=4096)
def _printed(text: str) -> str:
    """A letter in NFC; the slash of 3/4, for which Tesseract has a sign of its own, as a slash."""
    return unicodedata.normalize("NFC", text).replace("\N{FRACTION SLASH}", "/")


@lru_cache(maxsize=1 << 16)
def _telling_choices(chosen: str, raw: tuple[tuple[str, float], ...]) -> tuple[tuple[str, int], ...]:
    """Those of the raw choices that say something, each letter once, most confident first."""
    best: dict[str, float] = {}
    for text, confidence in raw:
        text = _printed(text)
        if text and (confidence >= _LEAST_CONFIDENCE or _base(text) == _base(chosen)):
            best[text] = max(best.get(text, 0.0), confidence)
    return tuple((text, round(confidence)) for text, confidence in sorted(best.items(), key=lambda c: -c[1]))


def plain_letters(text: str) -> str:
    """A word without marks, in lower case."""
    return "".join(map(_base, text))


@lru_cache(maxsize=4096)
def _base(text: str) -> str:
    """The letter without its diacritics, in lower case; the bar of đ counts as one."""
    plain = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    return plain.lower().replace("đ", "d")


def _box(pattern: re.Pattern[str], title: str) -> Box:
    found = pattern.search(title)
    return Box(*map(int, found.groups())) if found else Box(0, 0, 0, 0)
