"""Which of the programs that nambat starts are installed, and whether Tesseract can read Vietnamese."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from flows.language import _, told
from ocr.messages import POPPLER_MISSING, TESSERACT_MISSING

PACKAGES = {"tesseract": "tesseract-ocr", "pdftoppm": "poppler-utils", "pdfinfo": "poppler-utils"}
"""Programs, and the packages of Debian and Ubuntu that they come with."""


@dataclass(frozen=True, slots=True)
class Programs:
    """What was found.

    Attributes:
        places: each of :data:`PACKAGES` and where it lies; ``None`` for one that is not installed.
        reads_vietnamese: whether Tesseract has the data for it; ``None`` if Tesseract did not live to tell.
    """

    places: Mapping[str, str | None]
    reads_vietnamese: bool | None

    @property
    def has_tesseract(self) -> bool:
        return self.places["tesseract"] is not None

    @property
    def has_poppler(self) -> bool:
        return self.places["pdftoppm"] is not None and self.places["pdfinfo"] is not None


def find_programs() -> Programs:
    """Look for them.

    Raises:
        OSError, subprocess.TimeoutExpired: Tesseract is there and cannot be asked.
    """
    places = {name: shutil.which(name) for name in PACKAGES}
    return Programs(places, places["tesseract"] is not None and _reads_vietnamese())


def _reads_vietnamese() -> bool | None:
    listed = subprocess.run(["tesseract", "--list-langs"], capture_output=True, text=True, timeout=60)
    if listed.returncode < 0:
        return None  # it was killed, which says nothing about what is installed
    return "vie" in (listed.stdout + listed.stderr).split()


def missing_tools() -> list[str]:
    """What is not installed of Tesseract, its Vietnamese data and poppler: one sentence each."""
    found = find_programs()
    missing: list[str] = []
    if not found.has_tesseract:
        missing.append(told(TESSERACT_MISSING.fault()))
    elif found.reads_vietnamese is False:
        missing.append(
            _(
                "Tesseract has no Vietnamese data (vie); install it with: apt-get install tesseract-ocr-vie "
                "(or set TESSDATA_PREFIX to the folder that holds vie.traineddata)"
            )
        )
    if not found.has_poppler:
        missing.append(told(POPPLER_MISSING.fault()))
    return missing
