"""Tesseract's library in this process: parts of a page are read without starting the command for each.

A start of the command costs about as much as reading a line, and a page has two to ten parts that are read by
themselves. The library that belongs to the command reads them letter for letter as the command does, in whatever order
they come: Tesseract's networks learn nothing while they read. The page itself is read by the command, which can be
killed, and dies alone where it crashes; so is all else where the library is not there or is another than the command's.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
import time
from functools import cache
from pathlib import Path

import numpy as np

from ocr import messages

#: Its functions are the same in every version 5.
_LIBRARY = "libtesseract.so.5"
#: Tesseract's name for "whichever engine the model is for".
_DEFAULT_ENGINE = 3
#: Leptonica's name for "say nothing".
_SILENT = 6
#: The longest that a deadline can be told, in milliseconds.
_LONGEST = 2**31 - 1

_LOCK = threading.Lock()
"""A reader reads one image at a time."""
_READERS: dict[str, int] = {}
"""What reads each language, made when first needed; lives as long as the process."""


def hocr(
    image: np.ndarray, language: str, command_version: str, *, psm: int, rivals: bool, timeout: float
) -> bytes | None:
    """The hOCR of an image, the same as the command's but for what stands around ``ocr_page``.

    Args:
        image: ``(height, width)`` grey.
        language: of the model.
        command_version: of the command that the library must read like.
        psm: Tesseract's page segmentation mode.
        rivals: whether the letters come with those that compete with them.
        timeout: seconds after which it is given up. They are counted between the lines of the image: finding them
            takes as long as it takes.

    Returns:
        None where the command must be asked: the library cannot be loaded, or could not read this image.

    Raises:
        Timeout: it took too long.
    """
    begun = time.monotonic()
    library = _library()
    if library is None:
        return None
    with _LOCK:
        if not _is_the_commands(library, language, command_version):
            return None
        found = _read(library, _READERS[language], image, psm, rivals, timeout)
        if found is None:  # what it was in the middle of does not go on in the next image
            library.TessBaseAPIDelete(_READERS.pop(language))
            if time.monotonic() - begun >= timeout:
                raise messages.SLOW_TO_READ.fault(f"{_LIBRARY}: deadline", seconds=timeout)
    return found


def _is_the_commands(library: ctypes.CDLL, language: str, command_version: str) -> bool:
    """Whether there is a reader of the language that is of the command's version and has the command's models."""
    if library.TessVersion().decode().partition("-")[0] != command_version:
        return False
    if language not in _READERS:
        reader = library.TessBaseAPICreate()
        if library.TessBaseAPIInit2(reader, None, language.encode(), _DEFAULT_ENGINE):
            library.TessBaseAPIDelete(reader)
            return False
        _READERS[language] = reader
    models = library.TessBaseAPIGetDatapath(_READERS[language])
    return bool(models) and Path(os.fsdecode(models)) == _models_of_command()


def _read(library: ctypes.CDLL, reader: int, image: np.ndarray, psm: int, rivals: bool, timeout: float) -> bytes | None:
    height, width = image.shape
    pixels = np.ascontiguousarray(image, np.uint8)
    library.TessBaseAPISetVariable(reader, b"hocr_char_boxes", b"1")
    library.TessBaseAPISetVariable(reader, b"lstm_choice_mode", b"2" if rivals else b"0")
    library.TessBaseAPISetPageSegMode(reader, psm)
    monitor = library.TessMonitorCreate()
    library.TessMonitorSetDeadlineMSecs(monitor, min(int(timeout * 1000), _LONGEST))
    try:
        library.TessBaseAPISetImage(reader, pixels.ctypes.data, width, height, 1, width)
        if library.TessBaseAPIRecognize(reader, monitor):
            return None
        text = library.TessBaseAPIGetHOCRText(reader, 0)
        if not text:
            return None
        try:
            return ctypes.string_at(text)
        finally:
            library.TessDeleteText(text)
    finally:
        library.TessMonitorDelete(monitor)
        library.TessBaseAPIClear(reader)


@cache
def _models_of_command() -> Path | None:
    """The folder of the command's models, as the first line of its list tells it."""
    import pytesseract

    command = [pytesseract.pytesseract.tesseract_cmd, "--list-langs"]
    try:
        listed = subprocess.run(command, capture_output=True, timeout=60).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    parts = listed.partition(b"\n")[0].split(b'"')
    return Path(os.fsdecode(parts[1])) if len(parts) == 3 else None


@cache
def _library() -> ctypes.CDLL | None:
    """The library, which from here on says nothing on standard error; None where it cannot be loaded."""
    try:
        library = ctypes.CDLL(_LIBRARY)
        _declare(library)
    except (OSError, AttributeError):
        return None
    library.setMsgSeverity(_SILENT)
    reader = library.TessBaseAPICreate()
    library.TessBaseAPISetVariable(reader, b"debug_file", os.fsencode(os.devnull))  # of the library, not of a reader
    library.TessBaseAPIDelete(reader)
    return library


def _declare(library: ctypes.CDLL) -> None:
    """Tell the types of the functions that are called; raises ``AttributeError`` where one is missing."""
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    signatures: dict[str, tuple[type | None, list[type]]] = {
        "TessVersion": (text, []),
        "TessBaseAPICreate": (pointer, []),
        "TessBaseAPIDelete": (None, [pointer]),
        "TessBaseAPIInit2": (number, [pointer, text, text, number]),
        "TessBaseAPIGetDatapath": (text, [pointer]),
        "TessBaseAPISetVariable": (number, [pointer, text, text]),
        "TessBaseAPISetPageSegMode": (None, [pointer, number]),
        "TessBaseAPISetImage": (None, [pointer, pointer, number, number, number, number]),
        "TessBaseAPIRecognize": (number, [pointer, pointer]),
        "TessBaseAPIGetHOCRText": (pointer, [pointer, number]),
        "TessBaseAPIClear": (None, [pointer]),
        "TessDeleteText": (None, [pointer]),
        "TessMonitorCreate": (pointer, []),
        "TessMonitorSetDeadlineMSecs": (None, [pointer, number]),
        "TessMonitorDelete": (None, [pointer]),
        "setMsgSeverity": (number, [number]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
