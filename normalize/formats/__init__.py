"""Documents to published files. A new format is a module here and a line in :data:`WRITERS`.

The JSON record is none of them: it is always published, last, and names the others with their hashes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from normalize.document import Document
from normalize.formats.html import to_html
from normalize.formats.markdown import to_markdown
from normalize.formats.plain_text import FOOTNOTE_STYLES, to_text
from normalize.formats.record import SCHEMA, to_dict

__all__ = ["FOOTNOTE_STYLES", "SCHEMA", "WRITERS", "Writer", "to_dict", "to_html", "to_markdown", "to_text", "write"]


@dataclass(frozen=True, slots=True)
class Writer:
    """One format.

    Attributes:
        name: by which it is asked for; its files end in a point and this.
        write: document and footnote style (of :data:`FOOTNOTE_STYLES`) -> text.
    """

    name: str
    write: Callable[[Document, str], str]


WRITERS = {
    writer.name: writer
    for writer in (
        Writer("txt", to_text),
        Writer("md", to_markdown),
        Writer("html", to_html),
    )
}


def write(document: Document, name: str, footnotes: str) -> bytes:
    """The document in one format, as UTF-8.

    Raises:
        ValueError: there is no such format or footnote style.
    """
    if name not in WRITERS:
        raise ValueError(f"unknown format {name!r}; there are {', '.join(WRITERS)}")
    return WRITERS[name].write(document, footnotes).encode()
