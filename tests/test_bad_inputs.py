"""No file hangs, crashes or stops the line: each ends as it should, and the good one after it is published."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows import convert
from flows.pipeline.faults import as_fault
from flows.pipeline.outcome import Outcome
from flows.pipeline.page_policy import GRACE
from flows.settings import load
from tests.bad_inputs import BadInput, bad_inputs, endless_page, good_pdf, picture

PAGE_SECONDS = 30.0
"""Limit for a page here; none of these files is allowed to need it all."""

CORPUS = list(bad_inputs())


def _how_published(outcome: Outcome) -> str:
    return "warned" if outcome.failed_pages or outcome.damaged_pages else "published"


def run(
    files: dict[str, bytes], folder: Path, page_timeout: float = PAGE_SECONDS
) -> tuple[dict[str, str], dict[str, str], float]:
    """Convert files in their order.

    Returns:
        How each ended, its fault's class if it was refused, and the longest pause between two events in seconds.
    """
    scans, out, work = folder / "in", folder / "out", folder / "work"
    for place in (scans, out, work):
        place.mkdir(parents=True)
    for name, data in files.items():
        (scans / name).write_bytes(data)
    wanted = convert.plan([(scans / name, scans) for name in files], out, ("txt", "json"))
    limits = load(
        page_timeout=page_timeout, document_timeout=4 * PAGE_SECONDS, worker_memory=2 * 1024**3, repair="off", jobs=2
    )
    ends: dict[str, str] = {}
    faults: dict[str, str] = {}
    last, longest = time.monotonic(), 0.0
    for event in convert.convert(wanted, limits, work):
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
        if isinstance(event, convert.Published):
            ends[event.wanted.name] = _how_published(event.outcome)
            assert all(path.is_file() for path in event.outcome.files)
        elif isinstance(event, convert.Failed):
            ends[event.wanted.name] = "refused"
            faults[event.wanted.name] = type(event.fault).__name__
            assert "report it" not in str(event.fault), event.fault.detail
            assert event.fault.vietnamese != str(event.fault)
            assert not list(out.rglob(Path(event.wanted.name).stem + ".txt"))
    return ends, faults, longest


def test_the_corpus_is_large_and_covers_the_classes() -> None:
    assert len({one.name for one in CORPUS}) == len(CORPUS) >= 120
    assert {one.kind[0] for one in CORPUS} == set("13456789")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_each_ends_as_it_should_and_the_next_is_published(tmp_path: Path) -> None:
    good = good_pdf()
    files: dict[str, bytes] = {}
    for number, one in enumerate(CORPUS):
        files[one.name] = one.make()
        files[f"good {number}.pdf"] = good
    ends, faults, longest = run(files, tmp_path)

    def is_wrong(one: BadInput) -> bool:
        return ends[one.name] not in one.ends or bool(one.fault and faults.get(one.name) != one.fault)

    assert [(one.name, ends[one.name], faults.get(one.name), one.ends) for one in CORPUS if is_wrong(one)] == []
    assert {ends[f"good {number}.pdf"] for number in range(len(CORPUS))} == {"published"}
    assert longest < PAGE_SECONDS + GRACE


def test_a_page_without_end_is_given_up_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not rendered twice; the pages of the next document are read meanwhile and after."""
    (tmp_path / "bin").mkdir()
    for program in ("pdfimages", "pdftoppm"):
        script = tmp_path / "bin" / program
        script.write_text(f'#!/bin/sh\necho "$@" >>"{tmp_path}/calls"\nexec {shutil.which(program)} "$@"\n')
        script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    begun = time.monotonic()
    ends, faults, _ = run({"endless.pdf": endless_page(), "good.pdf": good_pdf()}, tmp_path, page_timeout=4)
    assert ends == {"endless.pdf": "refused", "good.pdf": "published"}
    assert faults["endless.pdf"].startswith("TooManyPages")
    assert time.monotonic() - begun < 4 + GRACE
    assert (tmp_path / "calls").read_text().count("endless.pdf") == 1


@pytest.mark.parametrize(
    ("program", "behaviour"),
    [
        ("tesseract", "kill -SEGV $$"),
        ("tesseract", "kill -KILL $$"),
        ("tesseract", "exec sleep 600"),
        ("tesseract", "exit 0"),
        ("tesseract", 'printf junk > "$2.hocr"'),
        ("tesseract", 'printf "<html><body><div class=ocr_page>" > "$2.hocr"'),
        ("tesseract", "echo 'Image too large' >&2; exit 1"),
        ("tesseract", "echo 'read_params_file: cannot open hocr' >&2; exit 0"),
        ("pdftoppm", "exit 0"),
        ("pdftoppm", "exec sleep 600"),
        ("pdftoppm", "printf 'P5 4 4 255 short'"),
        ("pdfinfo", "kill -SEGV $$"),
        ("pdfinfo", "echo 'Pages: many'"),
    ],
)
def test_programs_that_fail_cost_their_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, behaviour: str
) -> None:
    """Each leaves a clear fault, in time; an image, which asks only Tesseract, is not harmed by poppler's."""
    real = shutil.which(program)
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / program
    script.write_text(
        '#!/bin/sh\ncase "$*" in *--list-langs*|*--version*|-v) exec ' + f'{real} "$@";; esac\n{behaviour}\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    begun = time.monotonic()
    ends, faults, _ = run({"a.pdf": good_pdf(), "b.png": picture("PNG")}, tmp_path / "run", page_timeout=3)
    assert ends["a.pdf"] == "refused"
    assert faults["a.pdf"] in ("TooManyPagesFailed", "TooManyPagesTimedOut", "NotAScan")
    assert ends["b.png"] == ("refused" if program == "tesseract" else "published")
    assert time.monotonic() - begun < 4 * (3 + GRACE)


PIECES = st.one_of(
    st.tuples(st.just("set"), st.floats(0, 1), st.binary(min_size=1, max_size=8)),
    st.tuples(st.just("drop"), st.floats(0, 1), st.integers(1, 400)),
    st.tuples(st.just("twice"), st.floats(0, 1), st.integers(1, 400)),
    st.tuples(st.just("cut"), st.floats(0.3, 1), st.just(0)),
)


def mutated(data: bytes, changes: list[tuple[str, float, bytes | int]]) -> bytes:
    """``data`` with bytes changed, dropped, doubled or cut off, at places given as shares of its length."""
    for what, share, value in changes:
        at = int(share * len(data))
        if isinstance(value, bytes):
            data = data[:at] + value + data[at + len(value) :]
        elif what == "drop":
            data = data[:at] + data[at + value :]
        elif what == "twice":
            data = data[: at + value] + data[at:]
        else:
            data = data[:at]
    return data


@settings(
    max_examples=3,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
)
@given(st.lists(st.lists(PIECES, min_size=1, max_size=6), min_size=8, max_size=8))
def test_mutated_scans_end(tmp_path_factory: pytest.TempPathFactory, several: list) -> None:
    good = good_pdf(2)
    files = {f"{number}.pdf": mutated(good, changes) for number, changes in enumerate(several)}
    ends, _, longest = run({**files, "good.pdf": good}, tmp_path_factory.mktemp("mutated"))
    assert set(ends) == {*files, "good.pdf"}
    assert ends["good.pdf"] == "published"
    assert longest < PAGE_SECONDS + GRACE


def test_faults_of_the_machine_and_of_ours_are_told_apart() -> None:
    assert not as_fault(OSError(28, "No space left on device")).permanent
    assert as_fault(KeyError("x")).permanent
