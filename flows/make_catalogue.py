"""Bring the catalogue of translations up to date with the code: ``python -m flows.make_catalogue``.

Each sentence that is marked in ``flows/`` gets its entry in the ``.po``; what no code says any more goes. Then the
``.mo`` is made, which is what nambat reads. It says which entries have no Vietnamese yet. Needs Babel (a development
package).
"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from flows.cli import helps, nambat
from flows.language import DOMAIN, LOCALE
from flows.settings import Settings

PO = LOCALE / "vi" / "LC_MESSAGES" / f"{DOMAIN}.po"
MO = PO.with_suffix(".mo")

NO_DATE = datetime(2000, 1, 1, tzinfo=UTC)

KEYWORDS = {"_": None, "N_": None, "ngettext": (1, 2), "counted": (1, 2), "NN_": (1, 2)}
"""The functions that mark a sentence, and which of their arguments are it and its plural."""


def marked() -> Catalog:
    """Every sentence that is marked in the code, with the file it stands in; help texts and settings need no mark."""
    found = Catalog()
    room = Path(__file__).parent
    kinds = [("**.py", "python"), ("review/templates/**.html", "jinja2")]
    sentences = extract_from_dir(room, kinds, keywords=KEYWORDS)
    for file, _line, sentence, _comments, context in sentences:
        # Without line numbers, which would change with each line of code.
        found.add(sentence, locations=[(f"{room.name}/{file}", None)], context=context)  # type: ignore[list-item]
    for name, field in Settings.model_fields.items():
        found.add(field.description or name, locations=[("flows/settings.py", None)])  # type: ignore[list-item]
    for text in helps(nambat):
        found.add(text, locations=[("flows/cli.py", None)])  # type: ignore[list-item]
    return found


def catalogue() -> Catalog:
    """The catalogue as it lies in the tree."""
    with PO.open("rb") as file:
        found = read_po(file, locale="vi")
    found.creation_date = found.revision_date = NO_DATE  # the same sentences give the same file
    return found


def as_po(translations: Catalog, head: str) -> str:
    """A catalogue for translators, below the head that they wrote themselves."""
    out = io.BytesIO()
    write_po(out, translations, width=120, sort_by_file=True, ignore_obsolete=True, omit_header=True)
    return f"{head}\n\n{out.getvalue().decode().strip()}\n"


def as_mo(translations: Catalog) -> bytes:
    """A catalogue as gettext reads it."""
    out = io.BytesIO()
    write_mo(out, translations)
    return out.getvalue()


def is_translated(message: Message) -> bool:
    """Whether an entry has its Vietnamese."""
    return all([message.string] if isinstance(message.string, str) else message.string or [""])


def main() -> None:
    """Bring both files up to date and list what has no Vietnamese."""
    translations = catalogue()
    translations.update(marked(), no_fuzzy_matching=True, update_creation_date=False)
    head, _, _ = PO.read_text("utf-8").partition("\n\n")
    PO.write_text(as_po(translations, head), "utf-8")
    MO.write_bytes(as_mo(translations))
    for message in translations:
        if message.id and not is_translated(message):
            print(f"no Vietnamese: {message.id}")


if __name__ == "__main__":
    main()
