"""How the network of :mod:`ocr.reread.overprinted.network` is trained: on lines drawn while it learns.

    python -m ocr.reread.overprinted.train OUT --fonts FOLDER --minutes 7 [--workers 15] [--on cuda]

Needs PyTorch, which the program itself never does, and Pillow; a GPU for as many lines as the weights in ``data/`` saw.
The weights so far are written to OUT every minute, so that a training that is cut off leaves some.
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Sequence
from multiprocessing import get_context
from multiprocessing.queues import Queue
from pathlib import Path
from queue import Empty
from typing import Any

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ocr.reread.overprinted import drawn_lines, network
from ocr.reread.overprinted.network import HEIGHT, LETTERS, STRIDE

#: Columns of a picture; letters of a text at most; lines that a worker hands over at once.
WIDTH, LONGEST, CHUNK = 576, 26, 256
#: Lines that learning draws from, the newest ones.
KEPT = 1_200_000
#: Fonts that the network never sees before it is measured.
HELD_OUT = ("bonum", "DejaVuSerif", "pagella")
_CHANNELS = (32, 64, 96, 96, 128, 128)
_STRIDES = ((2, 2), (2, 2), (1, 1), (1, 1), (2, 1), (1, 1))
_WIDE, _BLOCKS, _SPREAD = 256, 4, 9


class _Along(nn.Module):
    """What stands beside each column, channel by channel, then all channels together."""

    def __init__(self) -> None:
        super().__init__()
        self.depth = nn.Conv1d(_WIDE, _WIDE, _SPREAD, padding=_SPREAD // 2, groups=_WIDE, bias=False)
        self.point = nn.Conv1d(_WIDE, _WIDE, 1, bias=False)
        self.norm = nn.BatchNorm1d(_WIDE)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + functional.relu(self.norm(self.point(self.depth(x))))


class Net(nn.Module):
    """The network as it learns, with what keeps the layers even (Ioffe and Szegedy 2015)."""

    def __init__(self) -> None:
        super().__init__()
        before = 1
        self.down, self.norms = nn.ModuleList(), nn.ModuleList()
        for at, (channels, stride) in enumerate(zip(_CHANNELS, _STRIDES, strict=True)):
            size = 5 if at == 0 else 3
            self.down.append(nn.Conv2d(before, channels, size, stride, size // 2, bias=False))
            self.norms.append(nn.BatchNorm2d(channels))
            before = channels
        self.flat = nn.Conv2d(before, _WIDE, (HEIGHT // 8, 1), bias=False)
        self.flat_norm = nn.BatchNorm2d(_WIDE)
        self.along = nn.ModuleList(_Along() for _ in range(_BLOCKS))
        self.drop = nn.Dropout(0.1)
        self.head = nn.Conv1d(_WIDE, 1 + len(LETTERS), 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for convolution, norm in zip(self.down, self.norms, strict=True):
            x = functional.relu(norm(convolution(x)))
        x = functional.relu(self.flat_norm(self.flat(x))).squeeze(2)
        for block in self.along:
            x = block(x)
        return self.head(self.drop(x))


def exported(net: Net) -> dict[str, np.ndarray]:
    """The weights as :func:`network.odds` wants them, what evens the layers worked into them."""
    out: dict[str, np.ndarray] = {}

    def fold(at: int, kernel: torch.Tensor, norm: Any) -> None:
        factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        shape = (-1, *([1] * (kernel.dim() - 1)))
        out[f"k{at}"] = (kernel * factor.reshape(shape)).detach().cpu().numpy()
        out[f"b{at}"] = (norm.bias - norm.running_mean * factor).detach().cpu().numpy()

    for at, (convolution, norm) in enumerate(zip(net.down, net.norms, strict=True)):
        fold(at, convolution.weight, norm)
    fold(6, net.flat.weight[:, :, :, 0], net.flat_norm)
    for at, block in enumerate(net.along, 7):
        fold(at, block.point.weight[:, :, 0], block.norm)
        out[f"d{at}"] = block.depth.weight[:, 0].detach().cpu().numpy()
    out["k11"] = net.head.weight[:, :, 0].detach().cpu().numpy()
    out["b11"] = net.head.bias.detach().cpu().numpy()
    return {name: value.astype(np.float16) for name, value in out.items()}


def _draw(found: Queue[Any], paths: Sequence[str], seed: int) -> None:
    """Draw lines for ever, and hand them over in chunks: pictures, letters and how many there are."""
    cv2.setNumThreads(1)
    random = np.random.default_rng(seed)
    stamps, drawn = drawn_lines.make_stamps(16, paths, random), 0
    while True:
        found.put(_chunk(random, paths, stamps, CHUNK))
        drawn += CHUNK
        if drawn % (40 * CHUNK) == 0:
            stamps = drawn_lines.make_stamps(16, paths, random)


def _chunk(random: np.random.Generator, paths: Sequence[str], stamps: drawn_lines.Stamps, count: int) -> Any:
    pictures = np.empty((count, HEIGHT, WIDTH), np.uint8)
    letters, lengths = np.zeros((count, LONGEST), np.int64), np.empty(count, np.int64)
    for at in range(count):
        line, text = drawn_lines.a_line(random, paths, stamps, WIDTH)
        pictures[at] = np.round(255 * network.even(line))
        letters[at, : len(text)] = [1 + LETTERS.index(letter) for letter in text]
        lengths[at] = len(text)
    return pictures, letters, lengths


def _blurred(pictures: torch.Tensor) -> torch.Tensor:
    """The pictures with other contrasts and a little noise: a line that is learnt twice is another one then."""
    count = len(pictures)
    x = pictures.float().unsqueeze(1) / 255
    contrast = torch.empty(count, 1, 1, 1, device=x.device).uniform_(0.75, 1.35)
    noise = torch.empty(count, 1, 1, 1, device=x.device).uniform_(0, 0.06)
    return (x**contrast + noise * torch.randn_like(x)).clamp(0, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--fonts", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=7.0)
    parser.add_argument("--workers", type=int, default=15)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--rate", type=float, default=2.5e-3)
    parser.add_argument("--on", default="cuda")
    parser.add_argument("--from", dest="start", type=Path, help="go on from the state of an earlier training")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    paths = sorted(map(str, [*options.fonts.glob("*.ttf"), *options.fonts.glob("*.otf")]))
    seen = [path for path in paths if not any(name in path for name in HELD_OUT)]
    unseen = [path for path in paths if path not in seen]
    context = get_context("spawn")
    chunks: Queue[Any] = context.Queue(maxsize=4 * options.workers)
    workers = [
        context.Process(target=_draw, args=(chunks, seen, 1000 * int(time.time()) + n), daemon=True)
        for n in range(options.workers)
    ]
    for worker in workers:
        worker.start()
    try:
        net = _learnt(chunks, options)
    finally:
        for worker in workers:
            worker.kill()
    for name, fonts in (("seen fonts", seen), ("unseen fonts", unseen)):
        _measure(net, fonts, options.on, name)


def _learnt(chunks: Queue[Any], options: argparse.Namespace) -> Net:
    """A network trained by what comes from the queue, for so many minutes."""
    device = torch.device(options.on)
    net = Net().to(device)
    if options.start:
        net.load_state_dict(torch.load(options.start, map_location=device))
    steady = copy.deepcopy(net).eval()  # the mean of the network over its last steps
    adam = torch.optim.AdamW(net.parameters(), lr=options.rate, weight_decay=1e-3)
    size = min(KEPT, 60_000) if device.type == "cpu" else KEPT
    kept = [torch.empty((size, *shape), dtype=kind, device=device) for shape, kind in
            (((HEIGHT, WIDTH), torch.uint8), ((LONGEST,), torch.long), ((), torch.long))]  # fmt: skip
    filled, step, begun = 0, 0, time.monotonic()
    written = begun
    columns = torch.full((options.batch,), WIDTH // STRIDE, dtype=torch.long)
    while (share := (time.monotonic() - begun) / (60 * options.minutes)) < 1:
        filled = _taken(chunks, kept, filled, wait=filled < 4 * options.batch)
        for group in adam.param_groups:
            group["lr"] = options.rate * min(1.0, (step + 1) / 300) * (0.5 * (1 + np.cos(np.pi * share)) + 0.003)
        chosen = torch.randint(0, min(filled, size), (options.batch,), device=device)
        pictures, letters, lengths = (one[chosen] for one in kept)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            score = net(_blurred(pictures))
        likely = functional.log_softmax(score.float(), 1).permute(2, 0, 1)
        loss = functional.ctc_loss(likely, letters, columns, lengths, zero_infinity=True)
        adam.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        adam.step()
        step += 1
        with torch.no_grad():
            pace = min(0.999, (step + 1) / (step + 20))
            for mean, now in zip(steady.state_dict().values(), net.state_dict().values(), strict=True):
                mean.lerp_(now, 1 - pace) if mean.is_floating_point() else mean.copy_(now)
        if step % 500 == 0 or (device.type == "cpu" and step % 20 == 0):
            seconds = time.monotonic() - begun
            print(f"{seconds:6.0f} s  step {step}  lines {filled}  loss {float(loss.detach()):.4f}", flush=True)
        if time.monotonic() - written > 60:
            _write(steady, options.out)
            written = time.monotonic()
    _write(steady, options.out)
    return steady


def _taken(chunks: Queue[Any], kept: list[torch.Tensor], filled: int, *, wait: bool) -> int:
    """Put what has come into what is kept, over the oldest; how many lines have come by now."""
    for _ in range(4):
        try:
            chunk = chunks.get(timeout=120) if wait else chunks.get_nowait()
        except Empty:
            break
        wait = False
        at = filled % len(kept[0])
        count = min(CHUNK, len(kept[0]) - at)
        for one, new in zip(kept, chunk, strict=True):
            one[at : at + count] = torch.from_numpy(new[:count]).to(one.device)
        filled += count
    return filled


def _write(net: Net, folder: Path) -> None:
    np.savez_compressed(folder / "letters.npz", allow_pickle=False, **exported(net))
    torch.save(net.state_dict(), folder / "state.pt")


def _measure(net: Net, paths: Sequence[str], on: str, name: str) -> None:
    """How many lines the network reads without a fault, and how often it is sure of a wrong one."""
    random = np.random.default_rng(7)
    stamps = drawn_lines.make_stamps(16, paths, random)
    pictures, letters, lengths = _chunk(random, paths, stamps, 2000)
    readings = []
    with torch.no_grad():
        for start in range(0, len(pictures), 250):
            batch = torch.from_numpy(pictures[start : start + 250]).to(on).float().unsqueeze(1) / 255
            odds = functional.softmax(net(batch).float(), 1).permute(0, 2, 1).cpu().numpy()
            readings += [network.decoded(one) for one in odds]
    texts = ["".join(LETTERS[letter - 1] for letter in row[:n]) for row, n in zip(letters, lengths, strict=True)]
    right = np.array([reading.text == text for reading, text in zip(readings, texts, strict=True)])
    least = np.array([reading.least for reading in readings])
    print(f"{name}: whole lines right {right.mean():.4f}")
    for sure in (0.5, 0.8, 0.9, 0.95, 0.98, 0.99):
        told = least >= sure
        wrong = (~right[told]).mean()
        print(f"  every letter surer than {sure}: {told.mean():.3f} of the lines, wrong of them {wrong:.4f}")


if __name__ == "__main__":
    main()
