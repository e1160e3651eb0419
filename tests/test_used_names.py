"""Another document under a used name: its text has a name of its own, and a new scan of the same document has not."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.intake import duplicates
from flows.intake.claims import ClaimStore
from flows.intake.reread import find_original
from flows.pipeline import publish, strangers
from flows.pipeline.outcome import Outcome
from flows.pipeline.publish import output_names
from flows.pipeline.stages import PublishPlan, publish_document
from flows.pipeline.strangers import have_nothing_in_common, names_like, place_for, tell
from flows.service.reports import about_others, success_line, success_report, tags_of
from normalize.document import Source
from normalize.plaintext.parse import parse_text

SAMPLES = Path(__file__).parent.parent / "sample_scans"

LETTER = "\n\n".join(
    f"Điều {number}. Ủy ban nhân dân phường tổ chức {work} cho các hộ dân sống dọc tuyến kênh số {number}, báo cáo "
    f"kết quả về Phòng Tài nguyên và Môi trường trước ngày {number} tháng sau."
    for number, work in enumerate(("nạo vét", "kiểm kê đất", "trồng cây", "thu gom rác", "đo đạc"), 3)
)
INVITATION = "\n\n".join(
    f"Kính mời {guest} đến dự hội nghị tổng kết năm học tại hội trường lớn nhà trường lúc {hour} giờ, mang theo bản "
    f"nhận xét học sinh giỏi và danh sách giáo viên đề nghị khen thưởng."
    for hour, guest in enumerate(("thầy hiệu trưởng", "bà trưởng khoa", "các tổ trưởng", "đại diện phụ huynh"), 7)
)


def record(text: str, sha256: str = "1", number: str | None = None, confidence: float | None = 90.0) -> dict[str, Any]:
    """As much of a published JSON as tells documents apart."""
    return {
        "source": {"name": "b.pdf", "sha256": sha256, "pages": 1, "bytes": 1},
        "metadata": {"number": number, "symbol": number and "QĐ-UBND"},
        "documents": [],
        "blocks": [{"text": block} for block in text.split("\n\n")],
        "footnotes": [],
        "corrections": [],
        "warnings": [],
        "pages": [{"number": 1, "words": len(text.split()), "mean_confidence": confidence}],
    }


def gold(name: str) -> str:
    data = json.loads((SAMPLES / f"{name}.gold.json").read_text("utf-8"))
    return "\n\n".join([*(block["text"] for block in data["blocks"]), *data["footnotes"].values()])


GOLD = ("cong_van_300", "giay_moi_trang_1", "ke_hoach_poor200", "quyet_dinh_fax200", "thong_bao_nghieng300")
TEXTS = {name: gold(name) for name in GOLD}


def read_badly(text: str, share: float, chance: random.Random) -> str:
    """A text in which so many of the syllables were read as others."""
    words = text.split(" ")
    return " ".join(chance.choice(words)[::-1] if chance.random() < share else word for word in words)


@settings(max_examples=20)
@given(st.sampled_from(GOLD), st.floats(0, 0.3), st.floats(0.5, 1), st.randoms(use_true_random=False))
def test_a_new_scan_of_the_same_document_is_no_stranger(
    name: str, share: float, length: float, chance: random.Random
) -> None:
    """Though up to three in ten syllables are read as others, and its last page was left out."""
    text = TEXTS[name]
    again = read_badly(text[: int(len(text) * length)], share, chance)
    assert not have_nothing_in_common(tell(record(text), 75), tell(record(again), 75))


@pytest.mark.parametrize("one", GOLD)
@pytest.mark.parametrize("other", GOLD)
def test_documents_about_different_things_are_strangers(one: str, other: str) -> None:
    assert have_nothing_in_common(tell(record(TEXTS[one]), 75), tell(record(TEXTS[other]), 75)) == (one != other)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (record(LETTER, number="12"), record(INVITATION, number="12")),  # what has one number is one document
        (record(LETTER), record(INVITATION, confidence=74.9)),
        (record(LETTER, confidence=40.0), record(INVITATION)),
        (record(LETTER, confidence=None), record(INVITATION)),
        (record(LETTER), record("Kính mời đại diện phụ huynh đến dự hội nghị.")),
        (record(""), record(INVITATION)),
        ({}, record(INVITATION)),
        ({"source": 3}, record(INVITATION)),
        ([], record(INVITATION)),
        (None, record(INVITATION)),
    ],
)
def test_what_tells_nothing_is_no_stranger(old: Any, new: Any) -> None:
    assert have_nothing_in_common(tell(record(LETTER), 75), tell(record(INVITATION), 75))
    assert not have_nothing_in_common(tell(old, 75), tell(new, 75))


NAMES = st.builds(
    "".join,
    st.lists(st.sampled_from(["b", "~2", "~", "3", "-1", ".pdf", ".PDF", ".tif", ".file", ".txt", "~3"]), min_size=1),
).filter(lambda name: not name.startswith("."))


@settings(max_examples=100)
@given(st.lists(NAMES, min_size=2, max_size=5, unique=True), st.booleans())
def test_no_document_has_the_name_of_another_scan(names: list[str], split: bool) -> None:
    """Not the second or third under one name, nor a part of one."""
    owner: dict[Path, str] = {}
    for name in names:
        targets = {form: Path(place) for form, place in output_names(name, ("txt", "json"), split).items()}
        for number, one in zip(range(3), names_like(targets), strict=False):
            for path in one.values():
                assert owner.setdefault(path, f"{name} {number}") == f"{name} {number}"


def plan(store: ClaimStore, name: str = "sub/b.pdf", formats: Sequence[str] = ("txt", "json")) -> PublishPlan:
    folders = store.folders
    targets = {form: folders.published / place for form, place in output_names(name, formats).items()}
    staging = folders.working / ".staging"
    return PublishPlan(
        "off", "paragraph", 75.0, targets, staging, folders.versions, root=folders.published, tells_strangers=True
    )


def published(store: ClaimStore) -> list[str]:
    root = store.folders.published
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def publish_text(store: ClaimStore, text: str, sha256: str, name: str = "sub/b.pdf") -> Outcome:
    """Publish a text as if it had been read from a scan whose words were all sure."""
    document = parse_text(text, Source("b.pdf", sha256, 1, 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strangers, "mean_confidence", lambda pages: 90.0)
        return publish_document(document, plan(store, name))


def test_each_of_three_documents_under_a_name_keeps_its_own(store: ClaimStore) -> None:
    third = TEXTS["quyet_dinh_fax200"]
    assert publish_text(store, LETTER, "a1").beside == ""
    second = publish_text(store, INVITATION, "b1")
    assert (second.beside, second.replaced, second.kept) == ("b.txt", None, ())
    assert second.files == tuple(store.folders.published / "sub" / name for name in ("b~2.txt", "b~2.json"))
    assert publish_text(store, third, "c1").files[0].name == "b~3.txt"
    before = published(store)
    for text, sha256, name in ((LETTER, "a1", "b"), (INVITATION, "b1", "b~2"), (third, "c1", "b~3")):
        again = publish_text(store, text, sha256)  # the same scan, as after a crash
        assert (again.files[0].stem, again.replaced, again.kept) == (name, None, ())
        worse = publish_text(store, read_badly(text, 0.2, random.Random(1)), f"{sha256} again")
        assert worse.files[0].stem == name
        assert worse.replaced is not None
        assert [path.name.split(" (")[0] for path in worse.kept] == [name, name]
    assert published(store) == before


def test_a_document_stays_where_it_is_when_the_other_one_goes(store: ClaimStore) -> None:
    publish_text(store, LETTER, "a1")
    publish_text(store, INVITATION, "b1")
    for path in publish_text(store, LETTER, "a1").files:
        path.unlink()
    assert publish_text(store, INVITATION, "b2").files[0].name == "b~2.txt"
    assert publish_text(store, LETTER, "a2").files[0].name == "b.txt"


def test_what_is_replaced_is_named(store: ClaimStore) -> None:
    first = publish_text(store, LETTER, "a1")
    at = first.files[1].stat().st_mtime
    again = publish_text(store, LETTER + "\n\nNơi nhận: Như trên.", "a2")
    assert again.replaced is not None
    assert (again.replaced.title, again.replaced.published.timestamp()) == ("b.pdf", pytest.approx(at))
    (line,) = about_others(again)
    assert re.fullmatch(r"replaces the text of b\.pdf of [\d-]+ [\d:]+, kept as .*/versions/sub/b \(.*\)\.txt", line)
    assert line in success_line(again)
    assert "Replaces the text of b" in success_report(again, None)
    assert "replaced" in tags_of(again) and "another document" not in tags_of(again)
    other = publish_text(store, INVITATION, "b1")
    (line,) = about_others(other)
    assert line == "has nothing in common with what is published as b.txt, so it is b~2.txt"
    assert line in success_line(other)
    assert "another document" in tags_of(other) and "replaced" not in tags_of(other)


def test_a_number_says_which_text_was_replaced() -> None:
    assert tell(record(LETTER, number="12"), 75).title == "12/QĐ-UBND"
    assert tell(record(LETTER), 75).title == "b.pdf"


@pytest.mark.parametrize("torn", [b"", b"{", b"[]", b'{"source": {"sha256": "b1"}}', b"\xff"])
def test_a_json_that_tells_nothing_is_replaced_and_kept(store: ClaimStore, torn: bytes) -> None:
    first = publish_text(store, LETTER, "a1")
    first.files[1].write_bytes(torn)
    second = publish_text(store, INVITATION, "b1")
    assert second.files == first.files
    assert torn in [path.read_bytes() for path in second.kept]


def test_a_link_in_place_of_a_record_is_put_off_as_ever(store: ClaimStore, tmp_path: Path) -> None:
    first = publish_text(store, LETTER, "a1")
    first.files[1].unlink()
    first.files[1].symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(Exception, match="in the way"):
        publish_text(store, INVITATION, "b1")


def test_a_crash_before_the_record_leaves_the_name_to_the_same_document(store: ClaimStore) -> None:
    publish_text(store, LETTER, "a1")
    real, calls = publish.put, []

    def put(parked: Path, target: Path, root: Path | None) -> None:
        calls.append(target.name)
        if target.name == "b~2.json":
            raise KeyboardInterrupt
        real(parked, target, root)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(publish, "put", put)
        publish_text(store, INVITATION, "b1")
    assert calls == ["b~2.txt", "b~2.json"]
    again = publish_text(store, INVITATION, "b1")
    assert (again.files[0].name, again.kept) == ("b~2.txt", ())


def test_a_twin_of_a_second_document_is_found_and_placed_like_one_that_was_read(store: ClaimStore) -> None:
    publish_text(store, LETTER, "a1")
    publish_text(store, INVITATION, "b1")
    duplicates.remember(store, "b1", "sub/b.pdf", "1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strangers, "mean_confidence", lambda pages: 90.0)
        before = published(store)
        twin = duplicates.find_twin(store, "b1", "1")
        assert twin is not None
        assert duplicates.publish_copy(twin, "sub/b.pdf", plan(store)).files[0].name == "b~2.txt"
        assert published(store) == before  # the same scan again: nothing is written
        publish_text(store, LETTER, "a1", "c.pdf")
        outcome = duplicates.publish_copy(twin, "c.pdf", plan(store, "c.pdf"))
        assert (outcome.files[0].name, outcome.beside) == ("c~2.txt", "c.txt")
        assert (store.folders.published / "c.txt").read_text() != (store.folders.published / "c~2.txt").read_text()
        data = json.loads((store.folders.published / "c~2.json").read_text())
        assert data["source"]["copy_of"] == "sub/b.pdf"
        assert [one["name"] for one in data["files"]] == ["c~2.txt"]


def test_the_text_of_a_second_document_leads_to_its_own_scan(store: ClaimStore) -> None:
    """For ``nambat reread``: both lie in originals/ under one name."""
    folders = store.folders
    scans = {}
    for text, data, place in ((LETTER, b"first", "b.pdf"), (INVITATION, b"second", "b (2).pdf")):
        (folders.originals / "sub").mkdir(exist_ok=True)
        (folders.originals / "sub" / place).write_bytes(data)
        sha256 = hashlib.sha256(data).hexdigest()
        scans[publish_text(store, text, sha256).files[0].name] = f"sub/{place}"
        duplicates.remember(store, sha256, "sub/b.pdf", "1")
    for text, place in scans.items():
        found = find_original(store, f"sub/{text}")
        assert (found.place, found.name) == (place, "sub/b.pdf")
        assert len(found.others) == 1


def test_long_names_are_told_apart_too(store: ClaimStore) -> None:
    name = "ố" * 80 + ".pdf"
    first, second = publish_text(store, LETTER, "a1", name), publish_text(store, INVITATION, "b1", name)
    assert len({*first.files, *second.files}) == 4
    assert all(len(os.fsencode(path.name)) <= 255 for path in second.files)
    assert place_for({"source": {"sha256": "b1"}}, plan(store, name).targets, store.folders.published, 75)
