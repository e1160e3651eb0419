"""How the networks of :mod:`ocr.image.sign_network` are trained: on signs drawn in the machine's fonts.

Needs fontconfig and some fonts (Debian: fonts-liberation fonts-dejavu-core fonts-freefont-ttf fonts-texgyre).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import ImageFont

from ocr.image.sign_network import probabilities

HIDDEN = 96

Choose = Callable[[np.random.Generator], tuple[str, str]]
"""A sign, and a text that it, or something else where it is empty, is printed as."""
Draw = Callable[[str, ImageFont.FreeTypeFont, np.random.Generator], np.ndarray | None]
"""A text as a scanner would see it, cut close; ``None`` when the font lacks it."""


def find_fonts() -> list[str]:
    """Paths of fonts that documents are set in: upright and italic, regular and bold, serif and sans."""
    listing = subprocess.run(
        ["fc-list", ":lang=vi", "file"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    wanted = (
        "liberation",
        "dejavu",
        "freeserif",
        "freesans",
        "termes",
        "heros",
        "bonum",
        "notoserif-",
        "notosans-",
    )
    paths = sorted(line.rstrip(": ").strip() for line in listing)
    return [
        path
        for path in paths
        if any(name in path.lower() for name in wanted) and "mono" not in path.lower() and "cn" not in path[-8:]
    ]


def make_examples(
    count: int,
    seed: int,
    fonts: Sequence[str],
    *,
    signs: Sequence[str],
    sizes: tuple[int, int],
    choose: Choose,
    draw: Draw,
    picture: Callable[[np.ndarray], np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """``count`` pictures ``(count, height * width)`` and the index of each one's sign.

    Args:
        sizes: of the type in pixels, from and below; it is drawn at three times that.
        picture: what the network sees of what was drawn.
    """
    random = np.random.default_rng(seed)
    cache: dict[tuple[str, int], ImageFont.FreeTypeFont] = {}
    pictures: list[np.ndarray] = []
    answers: list[int] = []
    while len(pictures) < count:
        sign, text = choose(random)
        key = (str(random.choice(fonts)), 3 * int(random.integers(*sizes)))
        if key not in cache:
            cache[key] = ImageFont.truetype(*key)
        drawn = draw(text, cache[key], random)
        if drawn is not None:
            pictures.append(picture(drawn))
            answers.append(signs.index(sign))
    return np.stack(pictures), np.array(answers)


def train(pictures: np.ndarray, answers: np.ndarray, epochs: int, seed: int, signs: int) -> dict[str, np.ndarray]:
    """Weights of one hidden layer, by Adam (Kingma and Ba 2015) on the cross-entropy; ``signs``: how many there are."""
    random = np.random.default_rng(seed)
    inputs = pictures.shape[1]
    weights = {
        "w1": random.normal(0, (2 / inputs) ** 0.5, (inputs, HIDDEN)).astype(np.float32),
        "b1": np.zeros(HIDDEN, np.float32),
        "w2": random.normal(0, (2 / HIDDEN) ** 0.5, (HIDDEN, signs)).astype(np.float32),
        "b2": np.zeros(signs, np.float32),
    }
    mean = {name: np.zeros_like(value) for name, value in weights.items()}
    square = {name: np.zeros_like(value) for name, value in weights.items()}
    step, batch = 0, 128
    for epoch in range(epochs):
        rate = 2e-3 * 0.5 * (1 + np.cos(np.pi * epoch / epochs))
        order = random.permutation(len(pictures))
        for start in range(0, len(order) - batch + 1, batch):
            chosen = order[start : start + batch]
            x, y = pictures[chosen], answers[chosen]
            hidden = np.maximum(x @ weights["w1"] + weights["b1"], 0)
            score = hidden @ weights["w2"] + weights["b2"]
            score = np.exp(score - score.max(axis=1, keepdims=True))
            error = score / score.sum(axis=1, keepdims=True)
            error[np.arange(batch), y] -= 1
            error /= batch
            back = (error @ weights["w2"].T) * (hidden > 0)
            slopes = {"w2": hidden.T @ error, "b2": error.sum(0), "w1": x.T @ back, "b1": back.sum(0)}
            step += 1
            for name, slope in slopes.items():
                mean[name] = 0.9 * mean[name] + 0.1 * slope
                square[name] = 0.999 * square[name] + 0.001 * slope**2
                rise = mean[name] / (1 - 0.9**step) / (np.sqrt(square[name] / (1 - 0.999**step)) + 1e-8)
                weights[name] = weights[name] - rate * (rise + 1e-4 * weights[name])
    return weights


def train_by_command(
    about: str | None,
    examples: int,
    make: Callable[[int, int, Sequence[str]], tuple[np.ndarray, np.ndarray]],
    signs: Sequence[str],
    path: Path,
) -> None:
    """The command line of a training: draw, train, say how fonts that were held out are read, write the weights."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--examples", type=int, default=examples)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    fonts = find_fonts()
    if len(fonts) < 4:
        sys.exit("Too few fonts; install fonts-liberation fonts-dejavu-core fonts-freefont-ttf fonts-texgyre")
    held_out = fonts[::5]
    pictures, answers = make(options.examples, options.seed, [f for f in fonts if f not in held_out])
    weights = train(pictures, answers, options.epochs, options.seed, len(signs))
    unseen, truth = make(5_000, options.seed + 1, held_out)
    guess = probabilities(unseen, weights).argmax(axis=1)
    print(f"{len(fonts)} fonts, {len(held_out)} of them held out; right on those: {(guess == truth).mean():.4f}")
    for index, sign in enumerate(signs):
        taken = (guess == index) & (truth != index)
        print(f"  {sign or 'other':6} {(guess[truth == index] == index).mean():.3f}, taken for it {taken.mean():.4f}")
    small = {name: value.astype(np.float16) for name, value in weights.items()}
    np.savez_compressed(path, allow_pickle=False, **small)
    print(f"wrote {path} ({path.stat().st_size // 1024} kB)")
