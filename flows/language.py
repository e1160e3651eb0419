"""The language that nambat speaks with people: English, as it stands in the code, or Vietnamese from the catalogue.

``NAMBAT_LANG`` says which, else the locale does. What people read is marked with :func:`_` where it is said, and with
:func:`N_` where it stands; its Vietnamese is in ``locale/vi/LC_MESSAGES/nambat.po``, and ``python -m
flows.make_catalogue`` keeps that up to date. What programs read stays English: keys, tags, formats, logs of others.

Only ``flows/`` speaks with people. Faults bring both languages with them from wherever they come (:mod:`ocr.messages`,
:mod:`flows.faults`); :func:`told` chooses.
"""

from __future__ import annotations

import gettext
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from ocr.faults import Fault

LOCALE = Path(__file__).with_name("locale")
DOMAIN = "nambat"
LANGUAGES = ("vi", "en")

_ASKED_IN: ContextVar[str] = ContextVar("the language of the one who asks just now", default="")

_VIETNAMESE = re.compile(r"vi(?:[_.@]|\Z)", re.IGNORECASE)


def language() -> str:
    """The language to speak, ``vi`` or ``en``: what :func:`speaking` or ``NAMBAT_LANG`` says, else the locale."""
    if asked := _ASKED_IN.get():
        return asked
    chosen = os.environ.get("NAMBAT_LANG", "").strip().lower()
    if chosen in LANGUAGES:
        return chosen
    locale = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(name))), "")
    return "vi" if _VIETNAMESE.match(locale) else "en"


@contextmanager
def speaking(speak: str) -> Iterator[None]:
    """Within the block this is the language of the moment, for this thread or request alone.

    Args:
        speak: ``vi`` or ``en``.
    """
    before = _ASKED_IN.set(speak)
    try:
        yield
    finally:
        _ASKED_IN.reset(before)


@cache
def _catalogue(name: str) -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, LOCALE, [name], fallback=True)


def _(english: str) -> str:
    """What is said for this English sentence in the language of the moment."""
    return _catalogue(language()).gettext(english)


def ngettext(one: str, many: str, number: int) -> str:
    """The same for a sentence that is another one where ``number`` is not 1."""
    return _catalogue(language()).ngettext(one, many, number)


def counted(one: str, many: str, number: int) -> str:
    """A number of things in words: ``counted("{count} page", "{count} pages", 2)``."""
    return ngettext(one, many, number).format(count=number)


def N_(english: str) -> str:
    """Marks a sentence for the catalogue that is said elsewhere, by :func:`_`."""
    return english


def NN_(one: str, many: str) -> tuple[str, str]:
    """Marks a sentence with its plural for the catalogue."""
    return one, many


def told(fault: Exception) -> str:
    """What is wrong, in the language of the moment: a fault knows both, others were made in it."""
    return fault.vietnamese if isinstance(fault, Fault) and language() == "vi" else str(fault)


def cause(fault: OSError, speak: str = "") -> str:
    """Why the machine refused, in the language of the moment.

    Args:
        speak: ``vi`` or ``en`` where it is not that.
    """
    return _catalogue(speak or language()).gettext(fault.strerror or type(fault).__name__)


def in_one_line(fault: Exception) -> str:
    """What another program's fault says first, in its own language; its kind where it says nothing."""
    return next(iter(str(fault).splitlines()), "") or type(fault).__name__


def shown_time(seconds: float, timezone: str, *, speak: str = "") -> str:
    """A moment as people write it, in the time zone of the settings: 26/11/2026 09:05, or 2026-11-26 09:05.

    Args:
        seconds: since the epoch.
        speak: ``vi`` or ``en`` where it is not the language of the moment.
    """
    return shown_moment(datetime.fromtimestamp(seconds, ZoneInfo(timezone)), speak)


def shown_moment(moment: datetime, speak: str = "") -> str:
    """The same for a moment that knows its time zone."""
    form = "%d/%m/%Y %H:%M" if (speak or language()) == "vi" else "%Y-%m-%d %H:%M"
    return moment.strftime(form)


def let_click_speak() -> None:
    """Give click our catalogue: its own words ("Usage:", "No such option") come from the program's domain."""
    if language() == "vi":
        os.environ["LANGUAGE"] = "vi"
        gettext.bindtextdomain(DOMAIN, LOCALE)
        gettext.textdomain(DOMAIN)


OF_CLICK = (
    N_("Usage:"),
    N_("Options"),
    N_("Commands"),
    N_("Positional arguments"),
    N_("Show this message and exit."),
    N_("Error: {message}"),
    N_("Try '{command} {option}' for help."),
    N_("Missing command."),
    N_("Missing argument"),
    N_("Missing option"),
    N_("Missing parameter"),
    N_("Choose from:\n\t{choices}"),
    N_("Invalid value: {message}"),
    N_("Invalid value for {param_hint}: {message}"),
    N_("No such option {name!r}."),
    N_("No such command {name!r}."),
    NN_("Did you mean {possibility}?", "(Did you mean one of: {possibilities}?)"),
    NN_("Got unexpected extra argument ({args})", "Got unexpected extra arguments ({args})"),
    NN_("Option {name!r} requires an argument.", "Option {name!r} requires {nargs} arguments."),
    N_("Option {name!r} does not take a value."),
    NN_("{value!r} is not {choice}.", "{value!r} is not one of {choices}."),
    N_("{value!r} is not a valid {number_type}."),
    N_("{value} is not in the range {range}."),
    N_("{name} {filename!r} does not exist."),
    N_("{name} {filename!r} is a file."),
    N_("{name} {filename!r} is a directory."),
    N_("{name} {filename!r} is not readable."),
    N_("{name} {filename!r} is not writable."),
    N_("file"),
    N_("directory"),
    N_("path"),
    N_("required"),
)
"""What users of nambat can meet of click's own words."""

OF_THE_MACHINE = (
    N_("No such file or directory"),
    N_("Permission denied"),
    N_("Operation not permitted"),
    N_("No space left on device"),
    N_("Disk quota exceeded"),
    N_("Read-only file system"),
    N_("Input/output error"),
    N_("Stale file handle"),
    N_("Too many open files"),
    N_("File exists"),
    N_("Is a directory"),
    N_("Not a directory"),
    N_("Directory not empty"),
    N_("File name too long"),
    N_("Device or resource busy"),
    N_("Cannot allocate memory"),
    N_("Too many levels of symbolic links"),
    N_("Transport endpoint is not connected"),
    N_("Host is down"),
    N_("Connection timed out"),
)
"""What the kernel says when it refuses (its C library speaks English to us)."""
