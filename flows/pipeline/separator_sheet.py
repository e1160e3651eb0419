"""The separator sheet that people print: what lies behind one in a scan begins a new document."""

from __future__ import annotations

from pathlib import Path

SHEET = Path(__file__).parent / "data" / "separator_sheet.pdf"
"""Made by :mod:`flows.pipeline.make_separator_sheet`; A4, one page."""


def sheet() -> bytes:
    """The sheet, as a PDF."""
    return SHEET.read_bytes()
