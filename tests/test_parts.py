"""A bundle in parts: nothing added, nothing lost, names that never collide, publishing that ends with one JSON."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.pipeline import parts, publish
from flows.pipeline.stages import PublishPlan, publish_document
from normalize.document import (
    Block,
    Correction,
    Document,
    Dropped,
    Footnote,
    Metadata,
    PageReport,
    PageWarning,
    Part,
    Reference,
    Source,
    Token,
)
from normalize.formats import to_text
from normalize.plaintext.parse import parse_text
from normalize.split import split
from tests.test_metadata import BODY, CLOSING, built, letterhead
from tests.test_plaintext import DECISION, LETTER
from tests.test_publish import NAMES, Crash

SOURCE = Source("b.pdf", "ab" * 32, 9, 1)


def letter(number: int) -> list[str]:
    """The rows of a document of one page."""
    return [*letterhead(f"Số: {number}/QĐ-SXD"), "T |QUYẾT ĐỊNH", "T |Về việc giao đất", *BODY, *CLOSING]


def bundle(*numbers: int) -> Document:
    return replace(built(*map(letter, numbers)), source=SOURCE)


# -- taking apart ---------------------------------------------------------------------------------------------------


@st.composite
def bundles(draw: st.DrawFn) -> Document:
    """Blocks on rising pages, cited and uncited notes, and all else that has a place."""
    count = draw(st.integers(2, 12))
    steps = draw(st.lists(st.integers(0, 2), min_size=count, max_size=count))
    pages = [1 + sum(steps[: index + 1]) for index in range(count)]
    labels = draw(st.lists(st.sampled_from("12345"), max_size=5, unique=True))
    cites = [draw(st.lists(st.sampled_from([*labels, "9"]), max_size=2)) for _ in range(count)]
    kinds = st.sampled_from(["paragraph", "heading", "recipients", "signature"])
    blocks = tuple(
        Block(draw(kinds), (Token(f"w{index}", references=tuple(Reference(2, one) for one in cited)),), page)
        for index, (page, cited) in enumerate(zip(pages, cites, strict=True))
    )
    inner = {label: draw(st.lists(st.sampled_from(labels), max_size=1)) for label in labels}
    cited = {one for row in [*cites, *inner.values()] for one in row}
    notes = tuple(
        Footnote(
            label,
            label,
            ((Token("n" + label, references=tuple(Reference(2, one) for one in inner[label])),),),
            (draw(st.integers(1, pages[-1])),),
            label in cited,
        )
        for label in labels
    )
    starts = sorted(draw(st.sets(st.integers(1, count - 1), max_size=3)))
    found = [Part(pages[at], pages[at], Metadata(number=str(at)), first_block=at) for at in [0, *starts]]
    dropped = tuple(
        Dropped(page, None, f"d{page}", "noise") for page in sorted(draw(st.lists(st.integers(1, pages[-1]))))
    )
    texts = [f"blocks/{index}" for index in range(count)] + [f"footnotes/{label}/0" for label in labels]
    texts += [f"dropped/{index}" for index in range(len(dropped))]
    return Document(
        SOURCE,
        blocks,
        notes,
        found[0].metadata,
        tuple(found),
        tuple(Correction(where, 0, "a", where, "tone", 1.0, "") for where in texts),
        tuple(PageReport(number, 300, 0.0, 1, 90.0, 90.0, 1.0) for number in range(1, pages[-1] + 1)),
        dropped,
        tuple(PageWarning(page, f"look {page}") for page in range(pages[-1] + 1)),
    )


@given(bundles(), st.sampled_from(["paragraph", "inline"]))
def test_the_texts_of_the_parts_are_the_text_of_the_whole(document: Document, style: str) -> None:
    taken = split(document, range(len(document.parts)))
    assert len(taken) == len(document.parts)
    assert "\n\n".join(to_text(one, style).rstrip("\n") for one in taken) + "\n" == to_text(document, style)


@given(bundles())
def test_everything_is_in_just_one_part(document: Document) -> None:
    taken = split(document, range(len(document.parts)))
    for kind in ("blocks", "pages", "dropped", "warnings"):
        assert [one for part in taken for one in getattr(part, kind)] == list(getattr(document, kind))
    assert sorted(note.label for part in taken for note in part.footnotes) == sorted(
        n.label for n in document.footnotes
    )
    assert sorted(c.after for part in taken for c in part.corrections) == sorted(c.after for c in document.corrections)
    for part in taken:
        names = {where for where, _ in part.texts()} | {f"dropped/{index}" for index in range(len(part.dropped))}
        assert {one.where for one in part.corrections} == names  # what each names is there, and has one
        assert part.metadata == part.parts[0].metadata
        assert part.parts[0].first_block == 0


@given(bundles())
def test_a_correction_names_the_same_text_as_before(document: Document) -> None:
    def named(one: Document) -> dict[str, str]:
        texts = {where: " ".join(token.text for token in tokens) for where, tokens in one.texts()}
        texts |= {f"dropped/{index}": dropped.text for index, dropped in enumerate(one.dropped)}
        return {correction.after: texts[correction.where] for correction in one.corrections}

    whole = named(document)
    for part in split(document, range(len(document.parts))):
        for after, text in named(part).items():
            assert whole[after] == text


def test_a_bundle_of_letters_is_taken_apart_at_each() -> None:
    one, two, three = split(bundle(11, 12, 13), [0, 1, 2])
    assert [part.metadata.number for part in (one, two, three)] == ["11", "12", "13"]
    assert [[page.number for page in part.pages] for part in (one, two, three)] == [[1], [2], [3]]
    assert not any(part.warnings for part in (one, two, three))  # that another one begins is no news now
    both, last = split(bundle(11, 12, 13), [0, 2])
    assert [part.metadata.number for part in both.parts] == ["11", "12"]
    assert [warning.page for warning in both.warnings] == [2]
    assert last.metadata.number == "13"


# -- names ----------------------------------------------------------------------------------------------------------


LIKE_PARTS = st.builds(lambda name, end: name.replace("~", end), NAMES, st.sampled_from(["-1", "-2", "~"]))


@given(st.lists(LIKE_PARTS, min_size=1, max_size=6, unique=True))
def test_no_part_has_the_name_of_another_scan(names: list[str]) -> None:
    owners: dict[PurePosixPath, str] = {}
    for name in names:
        whole = {form: Path(place) for form, place in publish.output_names(name, ("txt", "json"), split=True).items()}
        for targets in (whole, *(parts.part_targets(whole, number) for number in (1, 2))):
            for place in targets.values():
                assert owners.setdefault(PurePosixPath(place), name) == name


def test_a_scan_that_could_be_a_part_keeps_its_suffix_where_bundles_are_split() -> None:
    def text(name: str, split: bool) -> str:
        return str(publish.output_names(name, ("txt",), split)["txt"])

    assert text("a/b-1.pdf", split=True) == "a/b-1.pdf.txt"
    assert text("a/b-1.pdf", split=False) == "a/b-1.txt"
    assert text("a/b-x.pdf", split=True) == "a/b-x.txt"
    assert text("a/b-1.tif", split=True) == "a/b-1.tif.txt"


# -- publishing -----------------------------------------------------------------------------------------------------


def plan(out: Path, mode: str = "letterhead", versions: Path | None = None) -> PublishPlan:
    targets = {form: out / f"b.{form}" for form in ("txt", "json")}
    return PublishPlan("off", "paragraph", 75.0, targets, out.parent / "staging", versions, mode)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def is_whole(out: Path) -> bool:
    """Whether the files that the last JSON names are all there and as it says."""
    return all(
        (out / one["name"]).exists() and hashlib.sha256((out / one["name"]).read_bytes()).hexdigest() == one["sha256"]
        for one in json.loads((out / "b.json").read_bytes())["files"]
    )


def test_each_document_has_files_of_its_own(tmp_path: Path) -> None:
    out = tmp_path / "out"
    whole = bundle(11, 12)
    outcome = publish_document(whole, plan(out))
    assert names(out) == ["b-1.json", "b-1.txt", "b-2.json", "b-2.txt", "b.json"]
    assert {path.name for path in outcome.files} == set(names(out))
    assert outcome.files[-1].name == "b.json"
    assert is_whole(out)
    for number, name in enumerate(("b-1", "b-2"), 1):
        data = json.loads((out / f"{name}.json").read_bytes())
        assert data["metadata"]["number"] == str(10 + number)
        assert data["source"]["sha256"] == SOURCE.sha256
        assert data["part"] == {"number": number, "of": 2}
        assert [page["number"] for page in data["pages"]] == [number]
        assert [file["name"] for file in data["files"]] == [f"{name}.txt"]
    together = "\n".join((out / f"b-{number}.txt").read_text("utf-8") for number in (1, 2))
    assert together == to_text(whole)
    last = json.loads((out / "b.json").read_bytes())
    assert last["parts"] == len(last["documents"]) == 2


@pytest.mark.parametrize("mode", ["off", "separator"])
def test_a_bundle_stays_one_file_where_nothing_asks_for_parts(tmp_path: Path, mode: str) -> None:
    publish_document(bundle(11, 12), plan(tmp_path / "out", mode))
    assert names(tmp_path / "out") == ["b.json", "b.txt"]


def test_separator_sheets_part_a_file(tmp_path: Path) -> None:
    whole = bundle(11, 12, 13)
    sheeted = replace(whole, parts=(whole.parts[0], whole.parts[1], replace(whole.parts[2], separated=True)))
    publish_document(sheeted, plan(tmp_path / "out", "separator"))
    assert names(tmp_path / "out") == ["b-1.json", "b-1.txt", "b-2.json", "b-2.txt", "b.json"]
    first = json.loads((tmp_path / "out" / "b-1.json").read_bytes())
    assert [one["metadata"]["number"] for one in first["documents"]] == ["11", "12"]


@pytest.mark.parametrize("keeps", [True, False])
def test_what_an_earlier_publishing_left_is_gone(tmp_path: Path, keeps: bool) -> None:
    """From one document to three, to two, to one, and back: only what was published last is there."""
    out, versions = tmp_path / "out", tmp_path / "versions" if keeps else None
    for numbers, mode in [((1,), "off"), ((1, 2, 3), "letterhead"), ((1, 2), "letterhead"), ((1, 2), "off")]:
        publish_document(bundle(*numbers), plan(out, mode, versions))
        expected = ["b.json", "b.txt"]
        if mode == "letterhead":
            expected = sorted(["b.json", *(f"b-{n}.{form}" for n in numbers for form in ("txt", "json"))])
        assert names(out) == expected
        assert is_whole(out)
    assert names(tmp_path / "versions") == []  # the same scan, and nobody had touched it


def test_a_part_mended_by_hand_is_kept_when_it_is_no_more(tmp_path: Path) -> None:
    out, versions = tmp_path / "out", tmp_path / "versions"
    publish_document(bundle(1, 2, 3), plan(out, versions=versions))
    (out / "b-3.txt").write_text("mended\n", "utf-8")
    publish_document(bundle(1, 2), plan(out, versions=versions))
    assert "b-3.txt" not in names(out)
    kept = [path for path in versions.iterdir() if path.suffix == ".txt"]
    assert [path.read_text("utf-8") for path in kept] == ["mended\n"]


def test_without_versions_a_part_mended_by_hand_stays(tmp_path: Path) -> None:
    out = tmp_path / "out"
    publish_document(bundle(1, 2, 3), plan(out))
    (out / "b-3.txt").write_text("mended\n", "utf-8")
    publish_document(bundle(1, 2), plan(out))
    assert (out / "b-3.txt").read_text("utf-8") == "mended\n"
    assert "b-3.json" not in names(out)


def test_files_of_others_stay(tmp_path: Path) -> None:
    """What only looks like a part, and a JSON that claims what it did not publish."""
    out = tmp_path / "out"
    publish_document(bundle(1, 2), plan(out))
    (out / "b-3.txt").write_text("mine\n", "utf-8")
    (out / "b-10.json").write_text("{}", "utf-8")
    record = json.loads((out / "b.json").read_bytes())
    record["files"].append({"name": "../other.txt", "sha256": hashlib.sha256(b"x").hexdigest()})
    (out / "b.json").write_text(json.dumps({**record, "parts": 10**9}), "utf-8")
    (tmp_path / "other.txt").write_bytes(b"x")
    publish_document(bundle(1), plan(out, versions=tmp_path / "versions"))
    assert names(out) == ["b-10.json", "b-3.txt", "b.json", "b.txt"]
    assert (tmp_path / "other.txt").exists()


@pytest.mark.parametrize(("before", "after"), list(pairwise([(1,), (1, 2, 3), (4, 5), (1,)])))
def test_a_crash_at_any_step_is_made_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: tuple[int, ...], after: tuple[int, ...]
) -> None:
    """The last JSON tells old from new, and what is published again ends as if nothing had happened."""
    ended: dict[str, bytes] = {}
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    for step in range(40):
        out = tmp_path / str(step) / "out"
        publish_document(bundle(*before), plan(out))
        old = (out / "b.json").read_bytes()
        crashed = _crashes(bundle(*after), out, step)
        if (out / "b.json").read_bytes() != old:
            assert is_whole(out)
        publish_document(bundle(*after), plan(out))
        assert is_whole(out)
        found = {name: (out / name).read_bytes() for name in names(out)}
        ended = ended or found
        assert found.keys() == ended.keys()
        assert all(found[name] == ended[name] for name in found if name.endswith(".txt"))
        if not crashed:
            assert step > len(ended)
            return
    pytest.fail("it never ended")


def _crashes(document: Document, out: Path, step: int) -> bool:
    """Publish until a file is put in place or removed for the ``step``-th time; whether it came to that."""
    steps = 0

    def counted(real: Callable[..., None]) -> Callable[..., None]:
        def call(*args: object) -> None:
            nonlocal steps
            steps += 1
            if steps > step:
                raise Crash
            real(*args)

        return call

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publish, "put", counted(publish.put))
        patch.setattr(publish, "remove", counted(publish.remove))
        patch.setattr(Path, "unlink", lambda *_, **__: None)  # a killed process cleans up nothing
        try:
            publish_document(document, plan(out))
        except Crash:
            return True
    return False


def test_a_text_of_another_engine_is_split_too(tmp_path: Path) -> None:
    """Without pages: what is on no page goes with the first document."""
    document = parse_text(DECISION + "\n" + LETTER, SOURCE)
    publish_document(document, plan(tmp_path / "out"))
    one, two = (json.loads((tmp_path / "out" / f"b-{number}.json").read_bytes()) for number in (1, 2))
    assert (one["metadata"]["number"], two["metadata"]["number"]) == ("118", "77")
    assert two["blocks"][0]["text"] == "UBND HUYỆN AN LÃO"
    assert not two["warnings"]


def test_a_bundle_is_published_alike_each_time(tmp_path: Path) -> None:
    publish_document(bundle(11, 12), plan(tmp_path / "out"))
    first = {name: (tmp_path / "out" / name).read_bytes() for name in names(tmp_path / "out")}
    publish_document(bundle(11, 12), plan(tmp_path / "out", versions=tmp_path / "versions"))
    assert names(tmp_path / "versions") == []
    assert first.keys() == set(names(tmp_path / "out"))
