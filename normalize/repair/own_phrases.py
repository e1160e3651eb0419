"""What the document itself says for a reading: its own phrases, as a cache beside the language model.

A word that stands beside the same neighbour elsewhere in the document is likelier than the language model knows (Kuhn
and De Mori 1990, "A cache-based natural language model for speech recognition"). Only phrases of two count, and only
where the document never has the word as it was read there: a page that has a word wrong throughout is no witness.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from normalize.repair.candidates import Slot
from normalize.vietnamese.language import RESERVED

WORTH = 2.5
"""What it is worth that only the other reading stands elsewhere beside a neighbour, nats. On 30 real papers and 40 made
ones eight changes come of it, all right; from 4 on one is wrong ("Thủ trưởng" read "Thủ tưởng", beside "Thủ tướng")."""


class OwnPhrases:
    """How often the document has each two syllables in a row."""

    def __init__(self, ids: npt.NDArray[np.int64], slots: Sequence[Slot]) -> None:
        self._ids = ids
        self._pairs = Counter(zip(ids[:-1].tolist(), ids[1:].tolist(), strict=True))
        # "gia đình" says nothing about Gia Định: for names, only capitalised neighbours count.
        capitalised = [slot.at for slot in slots if not slot.read.islower()]
        self._names = Counter(
            (int(ids[one]), int(ids[two])) for one, two in itertools.pairwise(capitalised) if two == one + 1
        )

    def elsewhere(self, slot: Slot, symbol: int) -> tuple[int, int]:
        """How often the document has a candidate and the reading beside the same neighbour, this place left out."""
        ids, at = self._ids, slot.at
        pairs = self._names if slot.name else self._pairs
        was, before, after, new, old = int(ids[at]), int(ids[at - 1]), int(ids[at + 1]), 0, 0
        if before >= len(RESERVED):
            new, old = pairs[before, symbol], pairs[before, was] - 1
        if after >= len(RESERVED):
            new = max(new, pairs[symbol, after])
            old = max(old, pairs[was, after] - 1)
        return new, old

    def cheapened(self, slot: Slot) -> Slot:
        """A slot on a page whose candidates cost less where the document speaks for them; a name's stay as they are."""
        if slot.name or not slot.letters:
            return slot
        worth = [WORTH if self.only_so(slot, symbol) else 0.0 for symbol, _, _ in slot.candidates]
        if not any(worth):
            return slot
        priced = zip(slot.candidates, worth, strict=True)
        return slot._replace(candidates=tuple((symbol, form, cost - one) for (symbol, form, cost), one in priced))

    def only_so(self, slot: Slot, symbol: int) -> int:
        """How often the document has a candidate beside the same neighbour, where it never has the reading there."""
        new, old = self.elsewhere(slot, symbol)
        return new if old < 1 else 0
