"""Train the network of :mod:`ocr.superscripts.raised_digits` on digits rendered here.

    python -m ocr.superscripts.train_raised_digits

Digits, asterisks and signs that are neither are drawn in every Latin text font of the machine, small as footnote
references are, then blurred, thresholded, speckled and enlarged like scans. Nothing but the machine's fonts goes in.
Needs fontconfig and some fonts (Debian: fonts-liberation fonts-dejavu-core fonts-freefont-ttf fonts-texgyre).
"""

from __future__ import annotations

import argparse
import subprocess
import sys

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ocr.image.components import find_components
from ocr.superscripts.raised_digits import HEIGHT, SIGNS, WEIGHTS, WIDTH, cut_out, normalized

#: Raised signs that are no footnote references. Letters that look like digits (o, l, s, z) are left out.
OTHERS = "\"'’”“‘´`^~?!°ªaenmcrtvxkhuwyAENHTKVX(),.-–=+/%&@;:§ơưăđ"
HIDDEN = 96


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


def draw(text: str, font: ImageFont.FreeTypeFont, random: np.random.Generator) -> np.ndarray | None:
    """One sign as a scanner would see it, cut close; ``None`` when the font lacks it."""
    size = round(font.size)
    canvas = Image.new("L", (size * 3, size * 3), 255)
    ImageDraw.Draw(canvas).text((size, size // 2), text, font=font, fill=int(random.integers(0, 130)))
    image: np.ndarray = np.asarray(canvas, np.float32)
    if image.min() > 200:
        return None
    # Drawn at three times the size: brought down with a random phase, as a scanner's grid falls.
    shift = random.uniform(0, 3, 2)
    matrix = np.array([[1 / 3, random.uniform(-0.03, 0.03), shift[0]], [0, 1 / 3, shift[1]]], np.float32)
    side = image.shape[0] // 3 + 6
    image = cv2.GaussianBlur(image, (0, 0), random.uniform(0.8, 4.2))
    image = cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_AREA, borderValue=255.0)
    image = image + random.normal(0, random.uniform(0, 14), image.shape)
    if random.random() < 0.4:  # bilevel, like a fax
        image = np.where(image < random.uniform(110, 190), 0.0, 255.0)
        flips = random.random(image.shape) < random.uniform(0, 0.01)
        image[flips] = 255 - image[flips]
    if random.random() < 0.5:  # 200 dpi brought to 300
        image = cv2.resize(image.astype(np.float32), None, fx=1.5, fy=1.5, interpolation=cv2.INTER_CUBIC)
    grey = image.clip(0, 255).astype(np.uint8)
    _, ink = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)
    parts = find_components(ink)
    if not parts.count:
        return None
    largest = int(parts.area.argmax())
    box = parts.box(largest)
    if parts.area[largest] < 8 or box.height < 6:
        return None
    return cut_out(grey, *box, margin=int(random.integers(1, 4)))


def make_examples(count: int, seed: int, fonts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """``count`` pictures ``(count, HEIGHT * WIDTH)`` and the index of each one's sign."""
    random = np.random.default_rng(seed)
    cache: dict[tuple[str, int], ImageFont.FreeTypeFont] = {}
    pictures: list[np.ndarray] = []
    answers: list[int] = []
    while len(pictures) < count:
        kind = int(random.integers(0, 14))
        sign = SIGNS[kind] if kind < 11 else ""
        text = sign or str(random.choice(list(OTHERS)))
        key = (str(random.choice(fonts)), 3 * int(random.integers(17, 40)))
        if key not in cache:
            cache[key] = ImageFont.truetype(*key)
        picture = draw(text, cache[key], random)
        if picture is not None:
            pictures.append(normalized(picture).ravel())
            answers.append(SIGNS.index(sign))
    return np.stack(pictures), np.array(answers)


def train(
    pictures: np.ndarray, answers: np.ndarray, epochs: int, seed: int, signs: int = len(SIGNS)
) -> dict[str, np.ndarray]:
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=60_000)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    fonts = find_fonts()
    if len(fonts) < 4:
        sys.exit("Too few fonts; install fonts-liberation fonts-dejavu-core fonts-freefont-ttf fonts-texgyre")
    held_out = fonts[::5]
    pictures, answers = make_examples(options.examples, options.seed, [f for f in fonts if f not in held_out])
    weights = train(pictures, answers, options.epochs, options.seed)
    unseen, truth = make_examples(5_000, options.seed + 1, held_out)
    hidden = np.maximum(unseen @ weights["w1"] + weights["b1"], 0)
    guess = (hidden @ weights["w2"] + weights["b2"]).argmax(axis=1)
    print(f"{len(fonts)} fonts, {len(held_out)} of them held out; right on those: {(guess == truth).mean():.4f}")
    for index, sign in enumerate(SIGNS):
        print(f"  {sign or 'other':6} {(guess[truth == index] == index).mean():.3f}")
    small = {name: value.astype(np.float16) for name, value in weights.items()}
    np.savez_compressed(WEIGHTS, allow_pickle=False, **small)
    print(f"wrote {WEIGHTS} ({WEIGHTS.stat().st_size // 1024} kB, {HEIGHT} x {WIDTH} pixels)")


if __name__ == "__main__":
    main()
