"""Print corpus text, spoil it as scanners do, and read it with Tesseract: pairs of true and read words by the 10,000.

    python -m benchmarks.noisy_pages TEXT.gz=PAGES ... --out PAIRS.jsonl.gz

Takes the paragraphs that training left out, so that the language model has not seen what the channel is learned
from. Each line of the output is one page: ``{"font", "condition", "truth": [word], "read": [[word, letters]]}`` where
letters are ``[text, [choice, confidence], ...]``.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import random
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from normalize.vietnamese.train_language import held_out, paragraphs
from ocr.tesseract import recognize

WIDTH, HEIGHT, DPI = 2480, 3508, 300
FONTS = Path("/usr/share")
# Official documents are set in Times New Roman; Liberation Serif has its measures and nearly its shapes. Debian:
# fonts-liberation2, fonts-texgyre, fonts-freefont-ttf, fonts-dejavu-extra. Those that are not there are left out.
FACES = {
    "fonts/truetype/liberation2/LiberationSerif-Regular.ttf": 10,
    "fonts/truetype/liberation2/LiberationSerif-Italic.ttf": 2,
    "fonts/truetype/liberation2/LiberationSerif-Bold.ttf": 2,
    "texmf/fonts/opentype/public/tex-gyre/texgyretermes-regular.otf": 4,
    "fonts/truetype/freefont/FreeSerif.ttf": 3,
    "fonts/truetype/dejavu/DejaVuSerifCondensed.ttf": 1,
}
CONDITIONS = ("bilevel300", "bilevel200", "grey200", "grey300", "fax")


def print_page(source: Iterator[str], face: Path, points: float, rng: random.Random) -> tuple[np.ndarray, list[str]]:
    """A page of paragraphs, ``(height, width)`` grey, and its words."""
    image = Image.new("L", (WIDTH, HEIGHT), 255)
    draw = ImageDraw.Draw(image)
    font = ImageFont.truetype(str(face), round(points * DPI / 72))
    step = round(points * DPI / 72 * rng.uniform(1.2, 1.5))
    left, right, bottom = 330, WIDTH - 200, HEIGHT - 250
    space = font.getlength(" ")
    words: list[str] = []
    y = 250
    while y < bottom - 3 * step:
        x = left + 150.0
        for word in next(source).split():
            length = font.getlength(word)
            if x + length > right:
                x, y = float(left), y + step
                if y > bottom:
                    return np.asarray(image), words
            draw.text((x, y), word, font=font, fill=0)
            words.append(word)
            x += length + space
        y += step + 20
    return np.asarray(image), words


def spoil(image: np.ndarray, condition: str, rng: random.Random) -> np.ndarray:
    """The page as a scanner or a fax machine delivers it, brought to 300 dpi."""
    noise = np.random.default_rng(rng.randrange(1 << 30))
    height, width = image.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-0.4, 0.4), 1)
    image = cv2.warpAffine(image, turn, (width, height), borderValue=255, flags=cv2.INTER_CUBIC)
    resolution = {"bilevel300": 300, "grey300": 300, "fax": 180}.get(condition, 200)
    if resolution != DPI:
        scale = resolution / DPI
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    blur = rng.uniform(0.6, 1.5) * resolution / 300
    page: np.ndarray = np.asarray(cv2.GaussianBlur(image, (0, 0), blur), np.float32)
    page += noise.normal(0, rng.uniform(4, 22), page.shape).astype(np.float32)
    if condition.startswith(("bilevel", "fax")):
        page = np.where(page < rng.uniform(95, 205), 0, 255).astype(np.float32)
    else:
        page = 245 - (245 - page) * rng.uniform(0.5, 0.9)
        quality = [cv2.IMWRITE_JPEG_QUALITY, rng.randrange(35, 80)]
        coded = cv2.imencode(".jpg", np.clip(page, 0, 255).astype(np.uint8), quality)[1]
        page = np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE))
    page = np.clip(page, 0, 255).astype(np.uint8)
    if page.shape != (height, width):
        page = cv2.resize(page, (width, height), interpolation=cv2.INTER_CUBIC)
    return page


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("texts", nargs="+", metavar="TEXT.gz=PAGES")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rng = random.Random(given.seed)
    faces = {name: share for name, share in FACES.items() if (FONTS / name).exists()}
    if not faces:
        parser.error(f"none of the fonts is in {FONTS}: {', '.join(FACES)}")
    jobs = []
    for argument in given.texts:
        name, _, pages = argument.partition("=")
        chosen = [text for text in paragraphs(Path(name)) if held_out(text)]
        rng.shuffle(chosen)
        jobs += [itertools.cycle(chosen)] * int(pages)
    rng.shuffle(jobs)
    with gzip.open(given.out, "wt", encoding="utf-8") as out:
        for source in jobs:
            face = rng.choices(list(faces), list(faces.values()))[0]
            condition = rng.choice(CONDITIONS)
            page, words = print_page(source, FONTS / face, rng.choice((12, 13, 13, 14, 14)), rng)
            read = [
                [word.text, [[one.text, *one.choices] for one in word.letters]]
                for line in recognize(spoil(page, condition, rng))
                for word in line.words
            ]
            record = {"font": face, "condition": condition, "truth": words, "read": read}
            out.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")
            out.flush()


if __name__ == "__main__":
    main()
