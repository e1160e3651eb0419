"""Another document under a used name: people scan to ``scan.pdf`` again and again.

A new scan of the same document replaces the text of the one before, however bad either is. A document that has nothing
in common with what is published gets a name of its own beside it, ``b~2.txt``, and later scans of it replace its text
there. Which it is depends on nothing but what is published, so it is the same from run to run and after a crash.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from unidecode import unidecode

from flows.faults import Passing
from flows.host.names import fitted
from flows.pipeline.outcome import Replaced, mean_confidence
from flows.pipeline.publish import read_published

SHINGLE = 4
"""Syllables in a row that count as one piece of text. Of three, offices say much the same in all that they write."""

LEAST_PIECES = 60
"""Pieces that a text must have to tell anything: a letterhead by itself has some forty."""

LEAST_COMMON = 0.10
"""Share of the shorter text's pieces below which two texts have nothing in common.

Measured on 41 documents of ministries, provinces and one university. Of 818 pairs of different ones 97.6 % share less;
the rest are papers of one office or under the same laws, and replace each other as a new scan would. Eight of them
scanned again at 120 dpi, blurred and noisy (mean confidence 70 to 91), shared 35 to 82 % with themselves. With 30 % of
the syllables of one text replaced by others, and two fifths of it cut off or not, none of 246 shared less than 14.9 %.
Text that is read worse than that is not asked.
"""

_SYLLABLE = re.compile(r"[a-z]+|\d+")


@dataclass(frozen=True, slots=True)
class Told:
    """What a published JSON tells of its document.

    Attributes:
        sha256: of the scan; empty if it does not tell.
        title: number and symbol, or the name of the scan.
        numbers: number and symbol of each document in it.
        pieces: all runs of :data:`SHINGLE` syllables, without marks; empty if the text was read too badly.
    """

    sha256: str
    title: str
    numbers: frozenset[str]
    pieces: frozenset[tuple[str, ...]]


NOTHING = Told("", "", frozenset(), frozenset())


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document is to be published.

    Attributes:
        targets: format -> file.
        replaced: the document of another scan whose text it replaces there, if there is one.
        beside: name of the file that another document's text has and this one's would have had; empty if none has.
    """

    targets: dict[str, Path]
    replaced: Replaced | None = None
    beside: str = ""


def place_for(
    data: Mapping[str, Any], targets: Mapping[str, Path], root: Path, low_confidence: float, timezone: str = ""
) -> Place:
    """Where a document is to be published.

    Args:
        data: its JSON.
        targets: format -> file that the name of its scan gives.
        root: folder of all that is published.
        low_confidence: mean confidence of its words (0 to 100) below which a text tells nothing.
        timezone: in which times are told; empty for UTC.
    """
    new = tell(data, low_confidence)
    used = [(one, tell(record, low_confidence)) for one, record in published_under(targets, root)]
    taken = [one for one, _ in used]
    usual = next(iter(targets.values())).name if targets in taken else ""

    def place(one: dict[str, Path], replaced: Replaced | None = None) -> Place:
        return Place(one, replaced, "" if one == targets else usual)

    for one, old in used:
        if old.sha256 and old.sha256 == new.sha256:
            return place(one)
    for one, old in used:
        if not have_nothing_in_common(new, old):
            return place(one, Replaced(old.title or one["json"].name, _published_at(one["json"], timezone)))
    return place(next(one for one in names_like(targets) if one not in taken))


def names_like(targets: Mapping[str, Path]) -> Iterator[dict[str, Path]]:
    """The files that a name gives, then those of further documents under it: ``b.txt``, ``b~2.txt``, ``b~3.txt``."""
    yield dict(targets)
    for number in count(2):
        yield {
            form: target.with_name(fitted(f"{target.name.removesuffix(f'.{form}')}~{number}", f".{form}"))
            for form, target in targets.items()
        }


def published_under(targets: Mapping[str, Path], root: Path) -> Iterator[tuple[dict[str, Path], Any]]:
    """The files of each document that is published under a name, with its JSON; ``None`` for one that is none.

    Raises:
        OSError: one cannot be read.
    """
    for number, one in enumerate(names_like(targets), 1):
        try:
            raw = read_published(root, one["json"])
        except Passing:  # what lies in the way is said when it is published there
            raw = None
        if raw is not None:
            yield one, _parsed(raw)
        elif number > 1:
            return


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def tell(data: Any, low_confidence: float) -> Told:
    """What a JSON tells; :data:`NOTHING` where it is none of ours.

    Args:
        low_confidence: mean confidence of its words (0 to 100) below which a text tells nothing.
    """
    try:
        known = [data["metadata"], *(part["metadata"] for part in data.get("documents", ()))]
        numbers = [f"{one['number']}/{one['symbol']}" for one in known if one["number"] and one["symbol"]]
        title = numbers[0] if known[0]["number"] and known[0]["symbol"] else str(data["source"]["name"])
        confidence = mean_confidence(data["pages"])
        pieces = _pieces(data) if confidence is not None and confidence >= low_confidence else frozenset()
        return Told(str(data["source"]["sha256"]), title, frozenset(numbers), pieces)
    except (KeyError, TypeError, ValueError, AttributeError):
        return NOTHING


def _pieces(data: Any) -> frozenset[tuple[str, ...]]:
    texts = [str(one["text"]) for one in (*data["blocks"], *data["footnotes"])]
    syllables = _SYLLABLE.findall(unidecode(" ".join(texts)).lower())
    return frozenset(zip(*(syllables[at:] for at in range(SHINGLE)), strict=False))


def have_nothing_in_common(one: Told, other: Told) -> bool:
    """Whether two documents are surely not the same: no number in common, and hardly any text.

    Short texts and texts that were read badly tell nothing: such a scan may be of the same document.
    """
    fewest = min(len(one.pieces), len(other.pieces))
    if fewest < LEAST_PIECES or one.numbers & other.numbers:
        return False
    return len(one.pieces & other.pieces) < LEAST_COMMON * fewest


def _published_at(record: Path, timezone: str) -> datetime:
    zone = ZoneInfo(timezone) if timezone else UTC
    try:
        return datetime.fromtimestamp(record.lstat().st_mtime, zone)
    except (OSError, ValueError, OverflowError):  # gone just now, or a time stamp that is no date
        return datetime.now(zone)
