"""Which run of Prefect published a document, noted beside the index by the run itself: the page of the document leads
to the run, and the run's report to the page.

A note that is lost costs a link and nothing else.
"""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from flows.host.files import make_folder, replace_file
from flows.review.index import Library, document_id, of_service
from flows.settings import Folders


def note_run(folders: Folders, record: Path, run: str) -> None:
    """Note which run published a document.

    Args:
        record: its JSON.
        run: id of the flow run.

    Raises:
        OSError: it cannot be noted.
    """
    library = of_service(folders)
    note = _note(library, document_id(str(record.relative_to(library.root))))
    if not note.parent.is_dir():
        make_folder(note.parent)
        note.parent.chmod(0o700)
    replace_file(note, run.encode(), at_once=False)


def run_of(library: Library, id: str) -> str:
    """The run that published a document; empty where none is known, as of what ``convert`` wrote."""
    try:
        return str(UUID(_note(library, id).read_text("ascii").strip()))
    except (OSError, ValueError):
        return ""


def _note(library: Library, id: str) -> Path:
    return library.place / "runs" / id
