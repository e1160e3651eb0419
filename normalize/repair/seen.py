"""What repair keeps of a document between two looks at it.

Text without a page is looked at again after what was mended, when few of its texts are other than before.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from normalize.document import Tokens

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Gains:
    """By how much candidates make the text likelier, one row each; those of a slot stand together.

    Attributes:
        text: index of the text.
        slot: number of the slot, among those of its text.
        candidate: which of the slot's candidates.
        gains: of each of the four symbols that it touches, nats; shape (n, 4).
    """

    text: npt.NDArray[np.int64]
    slot: npt.NDArray[np.int64]
    candidate: npt.NDArray[np.int64]
    gains: npt.NDArray[np.float64]


class Seen:
    """What earlier looks at a document left.

    Attributes:
        fresh: the texts whose slots the last look made anew.
        gains: of the candidates that are not hopeless, as of the last look.
    """

    def __init__(self) -> None:
        self.fresh: set[int] = set()
        self.gains: Gains | None = None
        self._kept: dict[tuple[Hashable, int], tuple[Tokens, Any]] = {}

    def has(self, what: Hashable, number: int, tokens: Tokens) -> bool:
        """Whether something was made of a text that is still the same."""
        kept = self._kept.get((what, number))
        return kept is not None and kept[0] is tokens

    def keep(self, what: Hashable, number: int, tokens: Tokens, made: object) -> None:
        """Keep what was made of a text."""
        self._kept[what, number] = (tokens, made)

    def of(self, what: Hashable, number: int, tokens: Tokens, make: Callable[[], Made]) -> Made:
        """What was made of a text before, or what is made of it now.

        Args:
            what: its name, with all else that it depends on.
            number: of the text.
        """
        if not self.has(what, number, tokens):
            self.keep(what, number, tokens, make())
        made: Made = self._kept[what, number][1]
        return made
