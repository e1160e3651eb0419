"""A published document changed by a person: saved whole, nobody overwritten, kept when the scan is read again."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.killed_saves import kill_saves
from flows import faults
from flows.pipeline import publish, revise, saves
from flows.pipeline.stages import PublishPlan, publish_document
from flows.pipeline.versions import Shelf
from normalize.document import Block, Document, Footnote, Reference, Source, Token
from normalize.edits.edit import new
from ocr.page import Box
from tests.test_parts import bundle
from tests.test_publish import Crash


def word(text: str, left: int, *labels: str) -> Token:
    cited = tuple(Reference(len(text), label) for label in labels)
    return Token(text, 1, Box(left, 100, left + 90, 140), 95.0, references=cited)


DOCUMENT = Document(
    Source("b.pdf", "ab" * 32, 1, 1),
    (
        Block("paragraph", (word("Uỷ", 0), word("b", 100, "1"), word("xã", 200)), 1),
        Block("paragraph", (word("Hết.", 0),), 1),
    ),
    (Footnote("1", "1", ((word("Ghi", 0), word("chú.", 100)),), (1,)),),
)


def plan_for(root: Path, *formats: str, footnotes: str = "paragraph", split: str = "off") -> PublishPlan:
    targets = {form: root / f"b.{form}" for form in (*formats, "json")}
    return PublishPlan(
        "off",
        footnotes,
        70.0,
        targets,
        root / ".staging",
        root / "versions",
        split=split,
        root=root,
        keeps_formats=True,
    )


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return plan_for(tmp_path, "txt", "md").shelf


@pytest.fixture
def record(tmp_path: Path) -> Path:
    publish_document(DOCUMENT, plan_for(tmp_path, "txt", "md", footnotes="inline"))
    return tmp_path / "b.json"


def seal(record: Path) -> str:
    return str(json.loads(record.read_bytes())["this_file"])


BAN = new("text", "?", "blocks/0", start=3, before="b[^1]", after="ban[^1]")


def test_all_formats_are_published_anew_and_the_version_before_is_kept(shelf: Shelf, record: Path) -> None:
    before = {path.name: path.read_bytes() for path in record.parent.glob("b.*")}
    done = revise.revise(shelf, record, seal(record), [BAN], " An ")
    text = record.with_suffix(".txt").read_text("utf-8")
    assert text == "Uỷ ban [1: Ghi chú.] xã\n\nHết.\n", "notes stand where they stood"
    assert "ban" in record.with_suffix(".md").read_text("utf-8")
    data = json.loads(record.read_bytes())
    assert (data["edits"][0]["who"], data["this_file"]) == ("An", done.seal)
    assert publish.is_as_written(record.read_bytes())
    assert sorted(path.name for path in done.files) == sorted(before)
    assert sorted(path.read_bytes() for path in done.kept) == sorted(before.values())
    assert not list((record.parent / saves.HOME).glob("*-*"))
    undone = revise.undo(shelf, record, done.seal)
    assert record.with_suffix(".txt").read_bytes() == before["b.txt"]
    again = revise.redo(shelf, record, undone.seal)
    assert record.with_suffix(".txt").read_text("utf-8") == text
    assert len(again.document.edits) == 1


def test_who_saw_an_earlier_version_overwrites_nobody(shelf: Shelf, record: Path) -> None:
    seen = seal(record)
    revise.revise(shelf, record, seen, [BAN], "An")
    saved = record.read_bytes()
    with pytest.raises(faults.Stale, match=r"Somebody else saved b\.json"):
        revise.revise(shelf, record, seen, [new("join", "?", "blocks/0")], "Bình")
    assert record.read_bytes() == saved


def test_all_edits_are_made_or_none(shelf: Shelf, record: Path) -> None:
    before = record.read_bytes()
    with pytest.raises(faults.EditRefused, match="does not stand there"):
        revise.revise(shelf, record, seal(record), [BAN, BAN], "An")
    assert record.read_bytes() == before
    assert not (record.parent / "versions").exists()


@pytest.mark.parametrize("content", [None, b"", b"{}", b'{"this_file": "x"', b"[1]"])
def test_what_is_no_record_is_not_changed(shelf: Shelf, record: Path, content: bytes | None) -> None:
    if content is None:
        record.unlink()
    else:
        record.write_bytes(content)
    with pytest.raises(faults.EditRefused):
        revise.revise(shelf, record, "", [BAN], "An")
    assert (record.read_bytes() if record.exists() else None) == content


def test_a_text_that_somebody_mended_by_hand_is_kept(shelf: Shelf, record: Path) -> None:
    record.with_suffix(".txt").write_text("mine", "utf-8")
    done = revise.revise(shelf, record, seal(record), [BAN], "An")
    assert b"mine" in [path.read_bytes() for path in done.kept]


def test_no_link_is_followed(shelf: Shelf, record: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path.parent / f"{tmp_path.name}-elsewhere"
    elsewhere.mkdir()
    (record.parent / saves.HOME).symlink_to(elsewhere)
    with pytest.raises(faults.Passing):
        revise.revise(shelf, record, seal(record), [BAN], "An")
    assert not list(elsewhere.iterdir())


def test_a_bundle_is_changed_in_the_whole_and_published_in_parts(tmp_path: Path) -> None:
    plan = plan_for(tmp_path, "txt", split="letterhead")
    publish_document(bundle(7, 8), plan)
    record = plan.targets["json"]
    data = json.loads(record.read_bytes())
    first = data["documents"][1]["first_block"]
    where, text = f"blocks/{first}", data["blocks"][first]["text"]
    edit = new("text", "?", where, start=len(text), after=" ĐÃ SỬA")
    revise.revise(plan.shelf, record, data["this_file"], [edit], "An")
    assert "ĐÃ SỬA" not in (tmp_path / "b-1.txt").read_text("utf-8")
    assert "ĐÃ SỬA" in (tmp_path / "b-2.txt").read_text("utf-8")
    assert json.loads(record.read_bytes())["parts"] == 2
    part = tmp_path / "b-2.json"
    assert json.loads(part.read_bytes())["part"] == {"number": 2, "of": 2}
    assert json.loads(part.read_bytes())["edits"] == []
    with pytest.raises(faults.EditRefused, match="open b and change it there"):
        revise.revise(plan.shelf, part, seal(part), [edit], "An")


# -- read again ----------------------------------------------------------------------------------------------------


def test_edits_are_kept_when_the_same_scan_is_read_again(shelf: Shelf, record: Path, tmp_path: Path) -> None:
    done = revise.revise(shelf, record, seal(record), [BAN, new("join", "?", "blocks/0")], "An")
    outcome = publish_document(DOCUMENT, plan_for(tmp_path, "txt", "md"))
    assert "Uỷ ban[^1] xã Hết." in record.with_suffix(".txt").read_text("utf-8")
    assert [one["applied"] for one in json.loads(record.read_bytes())["edits"]] == [True, True]
    assert outcome.warnings == ()
    assert set(outcome.kept) & set(tmp_path.glob("versions/*"))
    assert done.document.blocks[0].text == "Uỷ ban[^1] xã Hết."


def test_an_edit_without_a_place_is_reported_and_stays_on_record(shelf: Shelf, record: Path, tmp_path: Path) -> None:
    revise.revise(shelf, record, seal(record), [BAN], "An")
    publish_document(replace(DOCUMENT, blocks=DOCUMENT.blocks[1:]), plan_for(tmp_path, "txt", "md"))
    data = json.loads(record.read_bytes())
    assert [one["applied"] for one in data["edits"]] == [False]
    assert "A change by An found no place" in data["warnings"][-1]["message"]
    assert any("ban" in path.read_text("utf-8") for path in tmp_path.glob("versions/*.txt")), "their work is kept"


def test_another_scan_under_the_name_gets_no_edits(shelf: Shelf, record: Path, tmp_path: Path) -> None:
    revise.revise(shelf, record, seal(record), [BAN], "An")
    other = replace(DOCUMENT, source=replace(DOCUMENT.source, sha256="cd" * 32))
    publish_document(other, plan_for(tmp_path, "txt", "md"))
    assert json.loads(record.read_bytes())["edits"] == []


# -- killed ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", range(14))
def test_dying_at_any_step_leaves_the_old_document_or_the_new_one(
    shelf: Shelf, record: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """Dies as a process does that is killed: nothing is cleaned up."""
    old = {path: path.read_bytes() for path in record.parent.glob("b.*")}
    steps = 0

    def dying(function: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **named: object) -> object:
            nonlocal steps
            if steps == at:
                raise Crash
            steps += 1
            return function(*args, **named)

        return call

    with monkeypatch.context() as patch:
        for module, name in (
            (saves, "write_synced"),
            (saves.publish, "put"),
            (saves, "sync_folder"),
            (saves, "is_file"),
        ):
            patch.setattr(module, name, dying(getattr(module, name)))
        patch.setattr(saves.shutil, "rmtree", dying(lambda *args, **named: None))
        with contextlib.suppress(Crash):
            revise.revise(shelf, record, seal(record), [BAN], "An")
    saves.finish_saves(shelf)
    new_ones = {path: path.read_bytes() for path in old}
    assert publish.is_as_written(new_ones[record])
    listed = {one["name"]: one["bytes"] for one in json.loads(new_ones[record])["files"]}
    assert listed == {path.name: len(content) for path, content in new_ones.items() if path != record}
    assert new_ones == old or not any(new_ones[path] == old[path] for path in old)
    assert not list((record.parent / saves.HOME).glob("*-*"))
    # And it can be changed as ever.
    revise.revise(shelf, record, seal(record), [new("join", "?", "blocks/0")], "An")


def test_what_was_changed_before_a_save_is_finished_is_kept(
    shelf: Shelf, record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(saves, "_put_in_place", lambda folder, shelf: None)
        revise.revise(shelf, record, seal(record), [BAN], "An")
    record.with_suffix(".txt").write_text("mine", "utf-8")
    assert saves.finish_saves(shelf) == 1
    assert "ban" in record.with_suffix(".txt").read_text("utf-8")
    assert any(path.read_text("utf-8") == "mine" for path in record.parent.glob("versions/*.txt"))
    assert saves.finish_saves(shelf) == 0


@pytest.mark.slow
def test_forty_kills_of_a_process_that_saves(tmp_path: Path) -> None:
    told = kill_saves(tmp_path, kills=40, seed=1)
    assert told.kills == 40
    assert told.halves == 0
    assert told.saves > 0
