"""Train the network that fills a gap with one of the syllables of the same letters: ``data/cloze.npz``.

    python -m normalize.vietnamese.train_cloze OWN.txt.gz=10:2.5 LAWS.txt.gz=1:0.5 ... --out FILE --minutes 40

Needs PyTorch, which the program itself never does. A TEXT is one of those that ``train_language.py`` takes, with the
weight that it has there (which says what is left out of training, here as there) and how much it counts here. The
vocabulary is that of the language model.

Gaps are drawn by chance, those of common letters less often: "cua" stands in every other sentence, and is learned from
a few thousands. All syllables of the same letters are drawn alike, so that the odds between them are those of the
texts. Some symbols around a gap are hidden and others stand for a neighbour of the same letters, because other engines
misread them.
"""

from __future__ import annotations

import argparse
import time
from array import array
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from normalize.vietnamese.cloze import ARE_FAR, ARE_NEAR, FAR_TIMES, NEAR, OFFSETS, REACH
from normalize.vietnamese.language import DATA, OTHER, RESERVED, START, LanguageModel, symbols
from normalize.vietnamese.train_language import is_left_out, paragraphs

#: Numbers in the vectors of the symbols around, in the hidden layers, and in those of what may stand in the gap.
AROUND, HIDDEN, INSIDE = 128, 512, 192
#: Gaps at a time, and the shares of the symbols near them that are hidden and that are misread.
BATCH, HIDE, MISREAD = 2048, 0.08, 0.03
#: The share of the gaps near which the text begins and ends.
SHORT = 0.15
#: The share of the numbers that are left out of what the layers are given (dropout, Srivastava et al. 2014): without
#: it, 76 million gaps are learned by heart, own texts with 0.1 % of errors where others of their kind have 0.9.
DROPPED = 0.15
#: Letters that make up more of all gaps than this are drawn less often, by the root of it.
COMMON = 3e-4
RATE, LEAST_RATE, WARM = 2e-3, 2e-5, 200

Ids = npt.NDArray[np.int64]


class Net(nn.Module):
    """The network as it learns; ``cloze.py`` says what it computes."""

    def __init__(self, groups: Ids) -> None:
        """``groups``: the syllables of the same letters, a row each, filled up with 0."""
        super().__init__()
        size = int(groups.max()) + 1
        self.groups = torch.from_numpy(groups)
        self.near, self.far = nn.Embedding(size, AROUND), nn.EmbeddingBag(size, AROUND, mode="sum")
        self.first = nn.Linear(AROUND * (2 * NEAR + 1), 2 * HIDDEN)
        self.second, self.last = nn.Linear(HIDDEN, 2 * HIDDEN), nn.Linear(HIDDEN, INSIDE)
        self.chance = np.random.default_rng(2)
        self.out, self.bias = nn.Embedding(size, INSIDE), nn.Embedding(size, 1)
        for table, spread in ((self.near, 0.3), (self.far, 0.3), (self.out, 0.1)):
            nn.init.normal_(table.weight, 0, spread)
        nn.init.zeros_(self.bias.weight)

    def forward(
        self, near: torch.Tensor, far: torch.Tensor, is_there: torch.Tensor, group: torch.Tensor
    ) -> torch.Tensor:
        """Log odds of the syllables of a group in each gap.

        Shapes (n, 2 * NEAR), (n, 2 * FAR), (n, 2 * FAR), (n,) -> (n, k); ``is_there`` is 0 beyond the ends of a text.
        """
        topic = self.far(far, per_sample_weights=is_there * (FAR_TIMES / far.shape[1]))
        x = self._dropped(torch.cat([self.near(near).flatten(1), topic], 1))
        # In halves a processor that has matrix tiles is eight times as fast; what is added up stays as it was.
        with torch.autocast("cpu", torch.bfloat16):
            hidden = functional.glu(self.first(x)).float()
            hidden = hidden + functional.glu(self.second(functional.layer_norm(hidden, (HIDDEN,))))
            vector = self.last(self._dropped(functional.layer_norm(hidden, (HIDDEN,)))).float()
        syllables = self.groups[group]
        there = syllables > 0
        gap, _ = there.nonzero(as_tuple=True)
        some = syllables[there]
        odds = torch.full(syllables.shape, -1e9)
        odds[there] = (self.out(some) * vector[gap]).sum(1) + self.bias(some)[:, 0]
        return odds

    def _dropped(self, values: torch.Tensor) -> torch.Tensor:
        """Values some of which are 0; drawn as bytes, which takes half as long as PyTorch's own dropout."""
        drawn = np.frombuffer(self.chance.bytes(values.numel()), np.uint8).reshape(values.shape)
        return values * torch.from_numpy(drawn >= round(256 * DROPPED)) / (1 - DROPPED)


def same_letters(model: LanguageModel) -> tuple[Ids, Ids]:
    """The group of each symbol, 0 for those that share their letters with none, and the groups, a row each."""
    by_letters = dict.fromkeys(tuple(model.same_letters(word)) for word in model.words[len(RESERVED) :])
    many = [one for one in by_letters if len(one) > 1]
    rows = np.zeros((len(many) + 1, max(map(len, many))), np.int64)
    group = np.zeros(len(model.words), np.int64)
    for number, members in enumerate(many, 1):
        rows[number, : len(members)] = members
        group[list(members)] = number
    return group, rows


def within(gaps: int, chance: np.random.Generator) -> npt.NDArray[np.bool_]:
    """What stands around each gap, as if the text began and ended near some; shape (gaps, 2 * REACH + 1)."""
    before, after = chance.integers(0, REACH + 1, (2, gaps, 1))
    is_long = chance.random((gaps, 1)) >= SHORT
    return is_long | ((-before <= OFFSETS) & (after >= OFFSETS))


def misread(near: Ids, group: Ids, rows: Ids, chance: np.random.Generator) -> Ids:
    """Symbols some of which are hidden, and some another syllable of the same letters; shape (n, k) -> (n, k).

    Args:
        group, rows: as :func:`same_letters` gives them.
    """
    drawn = chance.random(near.shape)
    groups = group[near]
    others = rows[groups, (chance.random(near.shape) * (rows > 0).sum(axis=1)[groups]).astype(np.int64)]
    near = np.where((drawn < MISREAD) & (groups > 0), others, near)
    return np.where(drawn > 1 - HIDE, OTHER, near)


def read(path: Path, weight: float, model: LanguageModel) -> npt.NDArray[np.uint16]:
    """The symbols of a text, without what training leaves out.

    Args:
        weight: of the text in the language model.
    """
    out = array("H", [0] * REACH)
    known: dict[str, tuple[int, ...]] = {}
    for number, text in enumerate(paragraphs(path)):
        if is_left_out(text, number, weight):
            continue
        out.append(START)
        for token in text.split():
            if token not in known:
                known[token] = tuple(model.id(piece.symbol) for piece in symbols(token))
            out.extend(known[token])
    out.extend([0] * REACH)
    return np.frombuffer(out, np.uint16)


def train(texts: list[tuple[Path, float, float]], out: Path, minutes: float) -> None:
    """Train for some minutes; what there is so far is written every five.

    Args:
        texts: each with its weight in the language model, and its weight here.
    """
    torch.manual_seed(1)
    chance = np.random.default_rng(1)
    model = LanguageModel(DATA)
    group, rows = same_letters(model)
    streams = [read(path, weight, model) for path, weight, _ in texts]
    text = np.concatenate(streams)
    counts = np.concatenate([np.full(len(one), times) for one, (_, _, times) in zip(streams, texts, strict=True)])
    share = np.bincount(group[text], counts, len(rows))
    kept = np.minimum(1, np.sqrt(COMMON * share.sum() / np.maximum(share, 1e-9)))
    kept[0] = 0
    drawn = np.cumsum(kept[group[text]] * counts)

    net = Net(rows)
    steps = torch.optim.Adam(net.parameters(), betas=(0.9, 0.99), fused=True)
    started, written, mean, number = time.monotonic(), 0.0, 0.0, 0
    while (passed := time.monotonic() - started) < 60 * minutes:
        for one in steps.param_groups:
            one["lr"] = RATE * min(1, number / WARM) * (1 - passed / 60 / minutes) ** 0.7 + LEAST_RATE
        at = np.searchsorted(drawn, chance.random(BATCH) * drawn[-1])
        around = text[at[:, None] + OFFSETS].astype(np.int64)
        here, is_there = group[text[at]], within(BATCH, chance)
        near = np.where(is_there[:, ARE_NEAR], misread(around[:, ARE_NEAR], group, rows, chance), OTHER)
        far, beyond = around[:, ARE_FAR], is_there[:, ARE_FAR].astype(np.float32)
        odds = net(*map(torch.from_numpy, (near, far, beyond, here)))
        loss = functional.cross_entropy(odds, torch.from_numpy((rows[here] == text[at][:, None]).argmax(1)))
        steps.zero_grad()
        loss.backward()
        steps.step()
        number += 1
        mean += (loss.item() - mean) / min(number, 100)
        if passed - written > 300:
            written = passed
            save(net, out)
            print(f"{passed:6.0f} s  {number * BATCH:,} gaps, {mean:.4f} nats", flush=True)
    save(net, out)
    print(f"{number * BATCH:,} gaps, {mean:.4f} nats")


def save(net: Net, out: Path) -> None:
    """Write what ``cloze.load_cloze`` reads: vectors in steps of 8 bits, the rest as halves."""
    values = {name: value.detach().numpy() for name, value in net.state_dict().items()}
    kept: dict[str, npt.NDArray[np.generic]] = {}
    for name in ("near", "far", "out"):
        vectors = values[f"{name}.weight"]
        size = np.abs(vectors).max(axis=1, keepdims=True) / 127 + 1e-12
        kept[name] = np.round(vectors / size).astype(np.int8)
        kept[f"{name}_size"] = size.astype(np.float16)
    for name in ("first", "second", "last"):
        kept[f"{name}_weights"] = values[f"{name}.weight"].T.astype(np.float16)
        kept[f"{name}_bias"] = values[f"{name}.bias"].astype(np.float16)
    kept["bias"] = values["bias.weight"][:, 0].astype(np.float16)
    np.savez_compressed(out, allow_pickle=False, **kept)


def _text(argument: str) -> tuple[Path, float, float]:
    name, _, weights = argument.partition("=")
    there, _, here = weights.partition(":")
    return Path(name), float(there or 1), float(here or 1)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m normalize.vietnamese.train_cloze", description=__doc__.split("\n")[0]
    )
    parser.add_argument("texts", nargs="+", metavar="TEXT[=WEIGHT[:WEIGHT HERE]]", type=_text)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    parser.add_argument("--minutes", type=float, default=50)
    given = parser.parse_args()
    train(given.texts, given.out, given.minutes)


if __name__ == "__main__":
    main()
