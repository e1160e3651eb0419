"""What stands in English in published files and in our own records, told in the language of the moment.

Warnings, and why a page could not be read, are part of the JSON, which is the same in every language. Where people read
them (a terminal, a report) the sentence is looked up by its form. One that is not known stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from string import Formatter

from flows import faults
from flows.language import N_, _, language
from ocr import messages
from ocr.messages import Message

WARNINGS = (
    N_("page {number}: {what}"),
    N_("The page could not be read: {what}"),
    N_("The page was hard to read: compare it with the scan."),
    N_("The page is blank."),
    N_("The page holds only what is not the document's text, such as a stamp or a page number."),
    N_("No words were found on the page, and yet it is not blank: look at it."),
    N_("Print that was not read stands {left} cm from the left and {top} cm from the top: look at the page."),
    N_(
        "A streak runs across the print {left} cm from the left and {top} cm from the top: "
        "look at the words that it crosses."
    ),
    N_("A line that cannot be read stands {left} cm from the left and {top} cm from the top: look at the page."),
    N_("About {share} % of what looks like print on this page was not read: compare it with the scan."),
    N_("The printed page numbers go from {before} to {after}: pages between them may not have been scanned."),
    N_("Two pages stand side by side on this one, and their lines may be mixed: scan them one by one."),
    N_("Footnote mark {mark} has no note."),
    N_("The mark of footnote {mark} was not found."),
    N_("The mark of footnote {mark} was read as {sign}; it stands where its number was expected."),
    N_("A raised {sign} has no note and belongs to no numbering; it stands as printed."),
    N_("The text below the footnote rule begins without a number."),
    N_("Plain digits were taken for the numbers of footnotes: {marks}."),
    N_("The numbers in row {row} of a table do not agree as in the others: {values}."),
    N_("The last row of a table says {said} in column {column}; the rows above it add up to {sum}."),
    N_("A change by {who} found no place when the scan was read again: “{before}” had become “{after}”."),
    N_("Another document begins on page {page}; its metadata are under documents."),
    N_("Another document begins with “{text}”; its metadata are under documents."),
    N_("signer and signer_title are left open: no signature could be read (box {box})."),
    N_("signer and signer_title are left open: no signature could be read ."),
    N_("signer is left open: the name could not be read for sure (box {box})."),
    N_("signer is left open: the name could not be read for sure."),
    N_("signer_title is left open: the office could not be read for sure (box {box})."),
    N_("signer_title is left open: the office could not be read for sure."),
    # What a person should compare with the scan (flows.pipeline.to_check), and what the table of the day tells.
    N_("{fact}: “{value}” was read with a confidence of {sure}."),
    N_("A second reading of the number “{text}” gave “{second}”."),
    N_("“{words}” was read with a confidence of {sure}."),
    N_("“{text}” was left out as noise."),
    N_("The page was hard to read."),
    N_("Another document is published under this name: {name}."),
    N_("The {field} {doubt}; it is left empty. It stands at {left}, {top} to {right}, {bottom} (pixels)."),
    N_(
        "The recipients cannot be read surely; they are left empty. "
        "A line of them stands at {left}, {top} to {right}, {bottom} (pixels)."
    ),
    N_("The recipients cannot be read surely; they are left empty."),
    # Fields and doubts, as they stand in the sentence about both.
    N_("Number"),
    N_("Symbol"),
    N_("Type"),
    N_("Subject"),
    N_("Agency"),
    N_("Place"),
    N_("Date"),
    N_("Signer"),
    N_("Signer title"),
    N_("Recipients"),
    N_("number"),
    N_("symbol"),
    N_("type"),
    N_("subject"),
    N_("agency"),
    N_("place"),
    N_("date"),
    N_("cannot be read surely"),
    N_("holds signs that are not printed so"),
    N_("is left open or written by hand"),
    N_("cannot be read; it may be written by hand"),
    N_("has a year, {year}, that does not go with the years in the text"),
    N_("has a year, {year}, that is not that of the number, {other}"),
    N_("was not found below the motto"),
    N_("has lost its first word"),
    # Why print was left out.
    N_("page number"),
    N_("running header"),
    N_("page separator"),
    N_("separator sheet"),
    N_("received stamp"),
    N_("electronic signature"),
    N_("copy line"),
    N_("stamp"),
    N_("image link"),
    N_("noise"),
)
"""Every form of a warning of ``normalize/``."""

EVIDENCE = (
    N_("the page also showed {new} ({share}) beside {old} ({least})"),
    N_("the page also showed {new} ({share}) beside {old}, and the next number is 2"),
    N_("the page also showed {new} ({share}) beside {old}"),
    N_("the page showed {old} alone"),
    N_("no page to look at"),
    N_("in its sentence the new reading is {decimal} orders of magnitude likelier"),
    N_("a network that sees both sides of it finds it {decimal} orders of magnitude likelier"),
    N_("the document has {new} {times} times, {old} {fewer} times"),
    N_("the document has {phrase} {times} times"),
    N_("beside the same word the document has it {times} times elsewhere, and as read {fewer} times"),
    N_("misread together with its neighbour; the document has the two {times} times elsewhere"),
    N_("the document has {phrase} {times} times, also after {words}"),
    N_("official texts write {new}, not {old}"),
    N_("no document symbol has {old}"),
    N_("the text names it so between the same words: {name}"),
    N_("it closes a round bracket"),
    N_("an address has no bracket at its @"),
    N_("a number with its unit is multiplied by another: a length, not pupils"),
    N_("a fixed formula of Decree 30/2020/NĐ-CP"),
    N_("a speck behind a comma"),
    N_("a speck between two words"),
    N_("a speck read as a hyphen: no compound has this word, or the document has the two without one"),
    N_("a speck between two words: without the sign the text is {decimal} nats likelier"),
    N_("a full stop before a small letter: nothing is {decimal} nats likelier there"),
    N_("a full stop before a small letter: a comma is {decimal} nats likelier there"),
    N_("a letter of another alphabet inside a Vietnamese word"),
    N_("a capital letter inside a small word"),
    N_("the markup of a formula around plain figures"),
    N_("capital and small letters have one shape here, and the words around it are small"),
    N_("an item of a list goes on in small letters after a comma, not after a full stop"),
    N_("list items count in letters: the one before is {neighbour}, the one after {other_neighbour}"),
    N_("items count in numbers: the item before it is {neighbour}, the one after {other_neighbour}"),
    N_("no sign of an item is followed by a line"),
    N_("in the sixty-year cycle {stem} meets {branch} and no other branch of these letters"),
    N_("a number"),
    N_("a roman numeral"),
    N_("its word is as wide as {strokes} strokes"),
    N_("its word is as wide as 1 stroke"),
    N_("a roman numeral: the next ones are {following}"),
    N_("a roman numeral: the next one is {following}"),
    N_("a roman numeral: the one before it is {neighbour}"),
    N_("a roman numeral: the ones around it are {neighbour} and {other_neighbour}"),
    N_("a speck before the number of an item"),
    N_("a speck between a quarter and its number"),
    N_("a speck before a line of the letterhead"),
    N_("a speck behind the end of a paragraph"),
    N_("a speck before a paragraph"),
    N_("a second reader read {second}, which has the form of a number"),
    N_("{first} has none"),
    N_("the seal hides the beginning of a family name that no other ends like"),
    N_("no family name is written so"),
    N_("the page also showed another mark, which makes it one"),
    N_("the national title goes on so, and the motto stands under it"),
    N_("something was printed over it"),
    N_("a raised d behind an amount of money is a đ"),
    N_("a word and its number run together"),
    N_("{word} is no syllable"),
    N_("in one the text is {decimal} nats likelier"),
    N_("{word} is no word"),
    N_("for two it fits by {decimal} nats"),
    N_("no such place is known, and the document names {name} {times} times"),
    N_("no such place is known, and the page also showed {name}"),
    N_("no such place is known, and the document names what {name} belongs to"),
    N_("no such place is known, but {name}"),
    N_("the document names {name} {times} times, and nothing that the other place belongs to"),
    N_("none"),
)
"""Every form of what a correction gives as its evidence; several stand in one with semicolons between."""

_TOLD_AGAIN = frozenset({"what", "field", "doubt", "fact", "neighbour", "other_neighbour"})
"""Values that are sentences, or parts of one, themselves."""


def retold(english: str) -> str:
    """A sentence of a published JSON, or of a note of ours, in the language of the moment.

    >>> retold("Footnote mark 3 has no note.")
    'Footnote mark 3 has no note.'
    """
    if language() == "en":
        return english
    return _retold(english, _forms(language()))


def evidence_told(english: str) -> str:
    """The evidence of a correction, as its JSON has it, in the language of the moment.

    >>> evidence_told("a speck behind a comma")
    'a speck behind a comma'
    """
    if language() == "en":
        return english
    forms = _evidence_forms(language())
    return "; ".join(_retold(part, forms) for part in english.split("; "))


def _retold(english: str, forms: Sequence[tuple[re.Pattern[str], str]]) -> str:
    for form, wording in forms:
        if found := form.fullmatch(english):
            return wording.format(**{name: _value(name, told, forms) for name, told in found.groupdict().items()})
    return english


def _value(name: str, told: str, forms: Sequence[tuple[re.Pattern[str], str]]) -> str:
    if name == "decimal":
        return told.replace(".", ",")
    return _retold(told, forms) if name in _TOLD_AGAIN else told


@cache
def _forms(speak: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """What each known sentence looks like in English, and how it is said."""
    tables = [one for table in (messages, faults) for one in vars(table).values() if isinstance(one, Message)]
    known = [(one.english, one.vietnamese) for one in tables] + [(english, _(english)) for english in WARNINGS]
    return tuple((_form(english), _without_formats(wording)) for english, wording in known)


@cache
def _evidence_forms(speak: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((_form(english), _without_formats(_(english))) for english in EVIDENCE)


def _form(sentence: str) -> re.Pattern[str]:
    """A sentence with any value where it has one."""
    parts = Formatter().parse(sentence)
    return re.compile("".join(re.escape(text) + (f"(?P<{name}>.+?)" if name else "") for text, name, *_how in parts))


def _without_formats(sentence: str) -> str:
    """A sentence whose values come as text."""
    return "".join(text + (f"{{{name}}}" if name else "") for text, name, *_how in Formatter().parse(sentence))
