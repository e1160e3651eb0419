"""Text without a page is looked at again after what was mended: what is kept of the first look changes nothing."""

import json
from pathlib import Path

import pytest

from normalize.document import Block, Document, Footnote, Source, Token
from normalize.repair import repair as module
from normalize.repair.repair import RULES, repair
from normalize.repair.seen import Seen
from normalize.vietnamese.language import load_language_model

CASES = Path(__file__).parent / "cases"
PLAN = (
    "các xã phân đầu đạt chuẩn nông thôn mới, tạiUBND xã Hoàng Đồng theo quy đ ịnh",
    "các cấp ủy phấn đấu thực hiện kế hoạch; tăng cường công tác phòng chống dịch, kiểm chê lây lan",
    "khắc phục tình trạng chồng chéo trong quản lý, kiềm chế lạm phát, tăng cương công tác quản lý",
    "quy định còn chông chéo chưa rõ, chủ động, có gắng của các đơn vị; Năm bắt kịp thời tình hình",
    "thu 182.900.000^d, đạt $42,98\\%$ của năm Ất Ty 2025",
)


def document(*texts: str, notes: tuple[str, ...] = ()) -> Document:
    def tokens(text: str) -> tuple[Token, ...]:
        return tuple(map(Token, text.split()))

    blocks = tuple(Block("paragraph", tokens(text)) for text in texts)
    return Document(
        Source("test.txt", "", 0, 0),
        blocks,
        tuple(Footnote(str(number), str(number), (tokens(text),)) for number, text in enumerate(notes, 1)),
    )


@pytest.mark.parametrize("mode", ["safe", "full"])
@pytest.mark.parametrize("texts", [PLAN, PLAN[::-1], PLAN * 3], ids=["once", "turned", "three times"])
def test_a_second_look_finds_what_a_first_one_would(
    texts: tuple[str, ...], mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = document(*texts, notes=texts[:2])
    kept = repair(before, mode)
    looks: list[int] = []

    def whole(given: Document, texts: object) -> Document:
        looks.append(1)
        return given

    monkeypatch.setattr(Seen, "has", lambda self, what, number, tokens: False)
    monkeypatch.setattr(module, "_only", whole)
    anew = repair(before, mode)
    assert looks, "it was looked at again"
    assert list(kept.texts()) == list(anew.texts())
    assert kept.corrections == anew.corrections


def pageless() -> list[Document]:
    """The texts of all cases, as if no page had been read."""
    texts = []
    for name in ("numerals", "brackets", "dimensions", "glued", "list_commas", "second_readings", "small_capitals"):
        for case in json.loads((CASES / f"{name}.json").read_text(encoding="utf-8")):
            texts += [
                value for key, value in case.items() if key in ("before", "text", "read") and isinstance(value, str)
            ]
    assert len(texts) > 50
    return [document(*text.split(" / ")) for text in texts]


def test_rules_of_the_page_find_nothing_without_one() -> None:
    """They are not asked there."""
    model = load_language_model()
    of_page = [rule for rule in RULES if rule.of_page]
    assert of_page
    for one in pageless():
        for rule in of_page:
            assert not list(rule.find(one, model, "full", Seen())), rule.name
