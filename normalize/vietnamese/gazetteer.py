"""Places of Vietnam by name: provinces, districts and communes of before and since July 2025, and rivers.

``data/places.txt`` lists them; ``make_gazetteer.py`` makes it, ``data/README.md`` says from what, by which rights.
Names are compared by their :func:`~normalize.vietnamese.syllable.key`, so that Hoà Bình is Hòa Bình.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from normalize.vietnamese.syllable import TONE_MARKS, key, parse

DATA = Path(__file__).parent / "data" / "places.txt"
#: In syllables: Cư Dliê M'Nông, Bà Rịa - Vũng Tàu is two names.
LONGEST = 4

Level = Literal["province", "district", "commune", "river"]


@dataclass(frozen=True, slots=True)
class Unit:
    """A place that has a name of its own.

    Attributes:
        level: a town that is a district is a district, and so is a city within a province.
        province, district: what it belongs to, as keys; empty where it belongs to none, or that is not known.
        abroad: a neighbour's province, which papers name, too.
    """

    level: Level
    province: str = ""
    district: str = ""
    abroad: bool = False


Gazetteer = Mapping[str, Sequence[Unit]]
"""The units that have a name, by its key: lower case, the tones where the old style has them."""


@lru_cache(maxsize=2)
def load_gazetteer(path: Path = DATA) -> Gazetteer:
    """The places of a file that ``make_gazetteer.py`` wrote.

    Raises:
        FileNotFoundError: it is missing.
    """
    places: dict[str, list[Unit]] = defaultdict(list)
    province = ""
    for line in path.read_text(encoding="utf-8").lower().splitlines():
        first, *rest = line.split("\t")
        if first in _HEADINGS:
            for one in _names(rest[0]):
                places[one].append(_HEADINGS[first])
        elif first:
            province = first
            for one in _names(first):
                places[one].append(Unit("province"))
        else:
            district, communes = rest
            for one in _names(district) if district else ():
                places[one].append(Unit("district", province))
            for one in _names(communes) if communes else ():
                places[one].append(Unit("commune", province, district))
    return dict(places)


_HEADINGS = {
    "[former]": Unit("province"),
    "[abroad]": Unit("province", abroad=True),
    "[rivers]": Unit("river"),
}


def _names(listed: str) -> Iterator[str]:
    """The names in a line; of a joined one its parts, which stand alone as well: Bà Rịa - Vũng Tàu."""
    for name in listed.split(", "):
        yield from name.split(" - ")


def one_mark_away(name: str, gazetteer: Gazetteer) -> Iterator[str]:
    """The known names, as keys, that differ from a key in the marks of one letter of a Vietnamese syllable.

    The languages of the highlands are spelt in more than one way (Đắk, Đăk), and none of them is wrong.

    >>> sorted(one_mark_away("trảng định", load_gazetteer())), list(one_mark_away("tràng định", load_gazetteer()))
    (['tràng định'], [])
    """
    for at, letter in enumerate(name):
        for other in _MARKED.get(_bare(letter), ""):
            if other == letter:
                continue
            found = name[:at] + other + name[at + 1 :]
            if found in gazetteer and parse(_word_at(found, at)) is not None:
                yield found


def _word_at(text: str, at: int) -> str:
    """The word that has the character at a place."""
    return text[text.rfind(" ", 0, at) + 1 :].split(" ", 1)[0]


def _bare(letter: str) -> str:
    return "d" if letter == "đ" else unicodedata.normalize("NFD", letter)[0]


def _marked(vowels: str) -> str:
    """Each of some vowels with each of the tones."""
    return "".join(unicodedata.normalize("NFC", vowel + tone) for vowel in vowels for tone in TONE_MARKS)


#: Bare letter -> the letters it is the base of.
_MARKED = {vowels[0]: _marked(vowels) for vowels in ("aăâ", "eê", "i", "oôơ", "uư", "y")} | {"d": "dđ"}


def as_key(words: Sequence[str]) -> str:
    """The words of a name as the gazetteer has them.

    >>> as_key(["HOÀ", "Bình"])
    'hòa bình'
    """
    return " ".join(map(key, words))
