"""Output names never collide; files are whole or not there."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.host.names import NAME_BYTES, fitted, readable
from flows.pipeline import publish

LETTERS = st.text(alphabet="bBà.~ -", min_size=1, max_size=3)
SUFFIXES = st.sampled_from([".pdf", ".PDF", ".tif", ".tiff", ".TIF", ".png", ".jpg", ".txt", ".json", ".file", ""])
NAMES = st.builds(lambda stem, one, two: stem + one + two, LETTERS, SUFFIXES, SUFFIXES).filter(
    lambda name: name not in (".", "..")
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a/b.pdf", "a/b.txt"),
        ("b.tif", "b.tif.txt"),
        ("b.PDF", "b.PDF.txt"),
        ("b.tif.pdf", "b.tif.pdf.txt"),
        ("Báo cáo.pdf", "Báo cáo.txt"),
        ("Ba\u0301o ca\u0301o.pdf", "Ba\u0301o ca\u0301o.txt"),
        ("v1.2.pdf", "v1.2.txt"),
        ("-rf.pdf", "-rf.txt"),
        ("b", "b.file.txt"),
        ("b.txt", "b.txt.file.txt"),
        ("b.txt.pdf", "b.txt.txt"),
        ("b.file.pdf", "b.file.pdf.txt"),
    ],
)
def test_output_names(name: str, expected: str) -> None:
    assert publish.output_names(name, ("txt", "json"))["txt"] == PurePosixPath(expected)


@settings(max_examples=400)
@given(st.sets(NAMES, min_size=2, max_size=20))
def test_two_inputs_never_share_an_output(names: set[str]) -> None:
    outputs = [str(place) for name in names for place in publish.output_names(name, ("txt", "md", "json")).values()]
    assert len(set(outputs)) == len(names) * 3


@given(st.sampled_from([".txt", ".json", ".reason.txt"]), st.text("aố漢", min_size=60, max_size=400))
def test_long_names_fit_and_stay_text(suffix: str, name: str) -> None:
    short = fitted(name, suffix)
    assert len(os.fsencode(short)) <= NAME_BYTES
    assert short.endswith(suffix)
    short.encode()  # no letter was cut in two
    assert fitted(name + "x", suffix) != short


FOLDERS = st.lists(st.sampled_from(["x", "y", "x-y", "b"]), max_size=3)


@settings(max_examples=200)
@given(
    st.sets(
        st.builds(
            lambda parts, name: "/".join([*parts, name]),
            FOLDERS,
            st.sampled_from(["b.pdf", "b.tif", "x-b.pdf", "y-b.pdf", "b-b.pdf", "b.tif.pdf"]),
        ),
        min_size=1,
        max_size=8,
    ),
    st.randoms(),
)
def test_convert_names_differ_and_do_not_depend_on_order(names: set[str], random) -> None:
    inputs = [(Path("/scans", name), Path("/scans", name).parent) for name in sorted(names)]
    stems = dict(zip(inputs, publish.target_stems(inputs), strict=True))
    assert len(set(stems.values())) == len(inputs)
    random.shuffle(inputs)
    assert dict(zip(inputs, publish.target_stems(inputs), strict=True)) == stems


def test_convert_names_of_twins() -> None:
    twins = [(Path("/s/x/b.pdf"), Path("/s/x")), (Path("/s/y/b.pdf"), Path("/s/y")), (Path("/s/c.pdf"), Path("/s"))]
    assert [str(stem) for stem in publish.target_stems(twins)] == ["x-b", "y-b", "c"]


def test_folders_below_a_given_folder_are_kept() -> None:
    inputs = [(Path("/s/a/b.pdf"), Path("/s")), (Path("/s/b.pdf"), Path("/s"))]
    assert [str(stem) for stem in publish.target_stems(inputs)] == ["a/b", "b"]


class Crash(BaseException):
    """Stands for kill -9: nothing of ours may catch it."""


@pytest.mark.parametrize("step", range(16))
def test_a_crash_at_any_step_leaves_old_or_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Old or new, never half, in each file; the JSON is new only when all is."""
    out, staging = tmp_path / "published", tmp_path / "staging"
    names = ["b.txt", "b.md", "b.json"]
    old = {out / name: f"old {name}".encode() * 1000 for name in names}
    new = {out / name: f"new {name}".encode() * 2000 for name in names}
    publish.publish(old, staging)

    steps = 0

    def crashing(real):
        def call(*args, **kwargs):
            nonlocal steps
            steps += 1
            if steps > step:
                raise Crash
            return real(*args, **kwargs)

        return call

    monkeypatch.setattr(os, "replace", crashing(os.replace))
    monkeypatch.setattr(os, "fsync", crashing(os.fsync))
    monkeypatch.setattr(Path, "unlink", lambda self, missing_ok=False: None)  # a killed process cleans up nothing
    crashed = False
    try:
        publish.publish(new, staging)
    except Crash:
        crashed = True
    monkeypatch.undo()

    assert sorted(path.name for path in out.iterdir()) == sorted(names)
    states = {path: path.read_bytes() for path in old}
    assert all(states[path] in (old[path], new[path]) for path in states)
    if states[out / "b.json"] == new[out / "b.json"]:
        assert states == new
    if not crashed:
        assert states == new
        assert step >= 6  # three files flushed, three renamed: earlier steps must have crashed
    publish.publish(new, staging)
    assert {path: path.read_bytes() for path in old} == new


def test_a_full_disk_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, staging = tmp_path / "published", tmp_path / "staging"
    publish.publish({out / "b.txt": b"old", out / "b.json": b"old"}, staging)
    calls = 0

    def full(handle: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        publish.publish({out / "b.txt": b"new", out / "b.json": b"new"}, staging)
    assert (out / "b.txt").read_bytes() == b"old"
    assert list(staging.iterdir()) == []


def test_undecodable_names_can_be_shown() -> None:
    assert readable(os.fsdecode(b"b\xff\n.pdf")) == "b\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}.pdf"


@given(st.lists(st.builds(Path, NAMES), min_size=1, max_size=6, unique=True))
def test_a_scan_given_by_name_is_published_under_its_stem(names: list[Path]) -> None:
    """`nambat ingest` names each scan so that the flow arrives at the very stem that was planned for it."""
    inputs = [(Path("/scans") / name, Path("/scans")) for name in names]
    for (path, _), stem in zip(inputs, publish.target_stems(inputs), strict=True):
        named = PurePosixPath(publish.name_for(stem, path))
        assert named.parent / publish.stem_of(named.name) == stem


def test_a_scan_without_a_suffix_is_marked_once() -> None:
    (stem,) = publish.target_stems([(Path("/scans/b"), Path("/scans"))])
    assert publish.output_names(publish.name_for(stem, Path("/scans/b")), ("txt",))["txt"] == PurePosixPath(
        "b.file.txt"
    )


PLAIN = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4))
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text('aé-"', max_size=2), inner, max_size=3)
    ),
)
NUMBER = r"(?:null|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)"
BOX = re.compile(rf"\[\n\s+{NUMBER}(?:,\n\s+{NUMBER})*\n\s*\]")
VALUE = rf'"\w+": (?:{NUMBER}|\[{NUMBER}(?:,{NUMBER})*\])'
RECORD = re.compile(rf"{{\n\s+{VALUE}(?:,\n\s+{VALUE})*\n\s*}}")


@settings(max_examples=400)
@given(st.dictionaries(st.text("ab", min_size=1, max_size=2), VALUES, max_size=4))
def test_a_json_is_written_as_json_does_with_boxes_and_records_of_numbers_in_a_line(data: dict[str, Any]) -> None:
    written = publish.manifest(data, {}).decode()
    whole = {**data, "files": [], "this_file": publish.seal_of(written.encode())}
    plain = json.dumps(whole, ensure_ascii=False, indent=1) + "\n"
    for form in (BOX, RECORD):
        plain = form.sub(lambda found: re.sub(r"\s+", "", found[0]), plain)
    assert written == plain.encode("utf-8", "replace").decode()
    assert publish.is_as_written(written.encode())
