"""Names of places that were misread, and right ones: rare ones, ones that compete, ones that nobody listed."""

import json
import random
from pathlib import Path

import pytest

from normalize.document import Block, Document, Reference, Source, Token
from normalize.repair.changes import Change
from normalize.repair.corrections import apply
from normalize.repair.repair import repair, undo
from normalize.repair.rules.places import beside_known_names, places
from normalize.vietnamese.gazetteer import as_key, load_gazetteer, one_mark_away
from normalize.vietnamese.syllable import parse
from ocr.page import Letter

CASES = json.loads((Path(__file__).parent / "cases" / "places.json").read_text(encoding="utf-8"))
FRAMES = {"province": "tỉnh", "district": "huyện", "commune": "xã", "river": "sông"}


def document(*texts: str) -> Document:
    blocks = tuple(Block("paragraph", tuple(map(Token, text.split()))) for text in texts)
    return Document(Source("test.txt", "", 0, 0), blocks)


def test_the_list_has_the_units_of_before_and_since_july_2025() -> None:
    gazetteer = load_gazetteer()
    levels = [unit.level for units in gazetteer.values() for unit in units if not unit.abroad]
    assert levels.count("commune") > 13_000  # 10,035 of before, 3,321 of since, and those merged from 2019 on
    assert 690 <= levels.count("district") <= 720
    assert {unit.district for unit in gazetteer["hoàng đồng"]} == {"lạng sơn"}
    assert gazetteer["kỳ lừa"][0].district == ""  # since July 2025 communes have none
    assert not gazetteer.keys() - {as_key(name.split()) for name in gazetteer}


@pytest.mark.parametrize("case", CASES, ids=[case["label"] for case in CASES])
def test_cases(case: dict[str, str | None]) -> None:
    before = document(str(case["before"]))
    after = apply(before, list(places(before)))
    assert after.blocks[0].text == (case["after"] or case["before"])
    assert undo(after) == before


def test_all_of_a_document_is_evidence() -> None:
    before = document("huyện Trảng Định", "các xã của huyện Tràng Định", "Tràng Định, ngày 5 tháng 3")
    assert [(change.before, change.after) for change in places(before)] == [("Trảng", "Tràng")]


def test_the_page_is_evidence_too() -> None:
    def read(shown: int) -> Document:
        tokens = [Token(word, 1, letters=tuple(Letter(c, ((c, 90),)) for c in word)) for word in ("xã", "Thất", "Khể")]
        choices = (("ể", 80), ("ê", shown)) if shown else (("ể", 80),)
        tokens[2] = Token("Khể", 1, letters=(*tokens[2].letters[:2], Letter("ể", choices)))
        return Document(Source("test.pdf", "", 1, 0), (Block("paragraph", tuple(tokens)),))

    assert [change.after for change in places(read(20))] == ["Khê"]
    assert not list(places(read(0)))


def test_a_cited_note_inside_a_name_stays_where_it_is() -> None:
    tokens = (Token("tỉnh"), Token("Quảng"), Token("Nình", references=(Reference(2, "1"),)))
    assert not list(places(Document(Source("test.txt", "", 0, 0), (Block("paragraph", tokens),))))


def test_no_known_name_changes() -> None:
    names = [(name, unit) for name, units in sorted(load_gazetteer().items()) for unit in units]
    texts = [f"tại {FRAMES[unit.level]} {name.title()} có 20 hộ" for name, unit in names]
    assert not [change for text in texts for change in places(document(text))]


def test_what_the_language_model_would_make_of_a_known_name() -> None:
    text = "Tại huyện Văn Lãng có bản Văn Lãng"
    changes = [Change(0, at, 0, at, 3, "Văn", "Vân", 0.99, "") for at in (2, 6)]
    assert beside_known_names(changes, document(text)) == changes[1:]
    eth = Change(0, 2, 0, 2, 4, "Ðồng", "Đồng", 0.99, "")
    assert beside_known_names([eth], document("Tại huyện Ðồng Hỷ có")) == [eth]


def test_rare_names_stay_in_the_neighbourhood_of_common_words() -> None:
    """Names one mark from words that the language model likes better, whatever else stands there."""
    gazetteer = load_gazetteer()
    names = [name for name in sorted(gazetteer) if len(name.split()) == 2 and any(one_mark_away(name, gazetteer))]
    for name in random.Random(1).sample(names, 40):
        frame = FRAMES[gazetteer[name][0].level]
        before = document(f"Ủy ban nhân dân {frame} {name.title()} tổ chức thực hiện nhiệm vụ phát triển kinh tế")
        assert repair(before, "full").blocks == before.blocks


def test_one_mark_in_a_name_of_a_local_paper_is_mended() -> None:
    """One mark in the name of each district, in a paper that names its province."""
    gazetteer, picks, missed, wrong = load_gazetteer(), random.Random(2), 0, 0
    districts = sorted((n, u.province) for n, units in gazetteer.items() for u in units if u.level == "district")
    districts = picks.sample([pair for pair in districts if len(pair[0].split()) == 2], 300)
    for name, province in districts:
        marked = [name[:at] + "ùúủũụ"[picks.randrange(5)] + name[at + 1 :] for at, c in enumerate(name) if c == "u"]
        marked += [name[:at] + "àáảãạ"[picks.randrange(5)] + name[at + 1 :] for at, c in enumerate(name) if c == "a"]
        marked = [one for one in marked if one not in gazetteer and all(map(parse, one.split()))]
        for one in marked:
            changed = document(f"UBND huyện {one.title()}, tỉnh {province.title()}")
            after = apply(changed, list(places(changed))).blocks[0].text
            missed += one.title() in after
            wrong += one.title() not in after and name.title() not in after
    assert missed <= 4 and not wrong
