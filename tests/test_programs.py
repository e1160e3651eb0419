"""Which programs are installed, as `doctor` and the commands that need them say it."""

from __future__ import annotations

import pytest

from flows import doctor
from flows.host import programs
from flows.host.programs import PACKAGES, Programs, missing_tools
from ocr.messages import POPPLER_MISSING, TESSERACT_MISSING

ALL = dict.fromkeys(PACKAGES, "/usr/bin/true")


@pytest.mark.parametrize(
    ("found", "said", "bad"),
    [
        (Programs(ALL, True), [], []),
        (Programs(ALL, False), ["Tesseract has no Vietnamese data"], [("Vietnamese data", True)]),
        (Programs(ALL, None), [], [("Vietnamese data", False)]),
        (Programs({**ALL, "tesseract": None}, False), [TESSERACT_MISSING.english], [("tesseract", True)]),
        (Programs({**ALL, "pdfinfo": None}, True), [POPPLER_MISSING.english], [("pdfinfo", True)]),
        (
            Programs(dict.fromkeys(PACKAGES), False),
            [TESSERACT_MISSING.english, POPPLER_MISSING.english],
            [("tesseract", True), ("pdftoppm", True), ("pdfinfo", True)],
        ),
    ],
)
def test_what_is_said_of_what_was_found(
    monkeypatch: pytest.MonkeyPatch, found: Programs, said: list[str], bad: list[tuple[str, bool]]
) -> None:
    monkeypatch.setattr(programs, "find_programs", lambda: found)
    monkeypatch.setattr(doctor, "find_programs", lambda: found)
    missing = missing_tools()
    assert [sentence[: len(begin)] for sentence, begin in zip(missing, said, strict=True)] == said
    assert [(one.what, one.is_program) for one in doctor._programs() if not one.ok] == bad
