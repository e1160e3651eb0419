"""Kills (-9) a process that saves changes of published documents, and looks at what it leaves.

    python -m benchmarks.killed_saves [--kills 1000] [--seed 1]

Each time a process changes three documents by turns as fast as it can, until it is killed at a random moment of its
first or second save. Then what it left is finished as at the next start, and each document must be one that somebody
saved: its JSON byte for byte as it was written, its other files those that the JSON names, and never an earlier one
than was seen before.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from flows.pipeline import publish, revise, saves
from flows.pipeline.stages import PublishPlan, publish_document
from flows.pipeline.versions import Shelf
from normalize.document import Block, Document, Source, Token
from normalize.edits.edit import new
from ocr.page import Box

_DOCUMENTS = 3
_FORMATS = ("txt", "md", "html")
_FIRST_GUESS = 0.1
"""Seconds that a save takes, until one was measured."""


@dataclass(frozen=True, slots=True)
class Told:
    """What came of it.

    Attributes:
        kills: of processes.
        saves: changes that were found saved.
        finished: saves that a process left and that were put in place after it.
        halves: documents that were found mixed, damaged or older than before.
    """

    kills: int
    saves: int
    finished: int
    halves: int


def kill_saves(root: Path, kills: int, seed: int) -> Told:
    """Publish some documents below a folder and kill processes that change them."""
    chance = random.Random(seed)
    shelf = Shelf(root, root / ".staging", None, keeps_formats=True)
    for number in range(_DOCUMENTS):
        targets = {form: root / f"{number}.{form}" for form in (*_FORMATS, "json")}
        publish_document(_document(number), PublishPlan("off", "paragraph", 70.0, targets, shelf.staging, root=root))
    seen = [0] * _DOCUMENTS
    finished = halves = 0
    usual = _FIRST_GUESS
    for _ in range(kills):
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.killed_saves", "--save-in", str(root)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.readline()  # it begins
        if chance.random() < 0.5:
            usual = float(process.stdout.readline())
        time.sleep(chance.uniform(0, usual))
        process.kill()
        process.wait()
        process.stdout.close()
        finished += saves.finish_saves(shelf)
        for number in range(_DOCUMENTS):
            count = _edits_of_a_whole(root / f"{number}.json")
            halves += count is None or count < seen[number]
            seen[number] = max(seen[number], count or 0)
    return Told(kills, sum(seen), finished, halves)


def _document(number: int) -> Document:
    blocks = tuple(
        Block("paragraph", tuple(Token(f"chữ{at}", 1, Box(0, 0, 9, 9), 90.0) for at in range(40)), 1) for _ in range(30)
    )
    return Document(Source(f"{number}.pdf", f"{number:064}", 1, 1), blocks)


def _edits_of_a_whole(record: Path) -> int | None:
    """How many edits a document has; ``None`` if its files are not one published set."""
    raw = record.read_bytes()
    data = json.loads(raw)
    told = {one["name"]: one["sha256"] for one in data["files"]}
    lies = {f"{record.stem}.{form}": record.with_suffix(f".{form}").read_bytes() for form in _FORMATS}
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in lies.items()}
    said = [one["after"] for one in data["edits"]]
    is_in_text = not said or said[-1] in lies[f"{record.stem}.txt"].decode()
    return len(said) if publish.is_as_written(raw) and told == hashes and is_in_text else None


def save_for_ever(root: Path) -> None:
    """Change the documents by turns; say how many seconds each change took."""
    shelf = Shelf(root, root / ".staging", None, keeps_formats=True)
    print("ready", flush=True)
    while True:
        for number in range(_DOCUMENTS):
            record = root / f"{number}.json"
            data = json.loads(record.read_bytes())
            word = data["blocks"][0]["text"].split(" ")[0]
            edit = new("text", "", "blocks/0", before=word, after=f"chữ{len(data['edits'])}x")
            began = time.monotonic()
            revise.revise(shelf, record, data["this_file"], [edit], "An")
            print(time.monotonic() - began, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--save-in", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.save_in:
        save_for_ever(given.save_in)
        return
    with tempfile.TemporaryDirectory() as folder:
        told = kill_saves(Path(folder), given.kills, given.seed)
    print(
        f"{told.kills} kills, {told.saves} changes saved, {told.finished} saves finished afterwards, "
        f"{told.halves} documents half-saved"
    )
    sys.exit(told.halves > 0)


if __name__ == "__main__":
    main()
