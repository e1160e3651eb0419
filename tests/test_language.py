"""Training, packing and look-up of the language model, on a small text."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from normalize.vietnamese import language
from normalize.vietnamese.language import NONE, START, LanguageModel, symbols
from normalize.vietnamese.train_language import held_out, train

TEXT = [
    "Ủy ban nhân dân thành phố phấn đấu hoàn thành các chỉ tiêu kế hoạch.",
    "Hội đồng nhân dân thành phố giao chỉ tiêu kế hoạch năm 2020, phấn đấu hoàn thành.",
    "Các cơ quan phấn đấu thực hiện tốt nhiệm vụ; phân công rõ ràng, đầu tư đúng mục tiêu.",
    "Phân công nhiệm vụ cho các phòng, ban và đầu tư cho thành phố (ban đầu).",
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    folder = tmp_path_factory.mktemp("model")
    text = folder / "text.txt"
    lines = [f"{line} {extra}" for extra in ("", "thành phố", "nhân dân", "kế hoạch") for line in TEXT] * 2
    text.write_text("\n".join(lines), encoding="utf-8")
    train([(text, 1.0)], folder / "out", budget=1_000_000, rare=2)
    return LanguageModel(folder / "out")


def windows(model: LanguageModel, text: str) -> np.ndarray:
    ids = [NONE, NONE, NONE, START]
    ids += [model.id(piece.symbol) for token in text.split() for piece in symbols(token)]
    return np.array([ids[i - 3 : i + 1] for i in range(4, len(ids))])


def test_one_look_up_equals_many(model: LanguageModel) -> None:
    rows = windows(model, " ".join(TEXT) + " dân phố lạ hoắc, 15 ngày. Đầu đấu phân phấn")
    many = model.score_many(rows)
    assert [model.score(*map(int, row)) for row in rows] == pytest.approx(many.tolist(), abs=1e-4)


def test_probabilities_sum_to_about_one(model: LanguageModel) -> None:
    every = np.arange(1, len(model.words))
    for context in ((NONE, NONE, START), (NONE, model.id("thành"), model.id("phố")), (NONE, NONE, model.id("phấn"))):
        rows = np.hstack([np.tile(context, (len(every), 1)), every[:, None]])
        assert math.fsum(np.exp(model.score_many(rows)).tolist()) == pytest.approx(1, abs=0.12)


def test_what_was_seen_is_likelier(model: LanguageModel) -> None:
    seen = model.score_many(windows(model, "phấn đấu hoàn thành")).sum()
    unseen = model.score_many(windows(model, "phân đầu hoàn thành")).sum()
    assert seen > unseen + 2


def test_a_sentence_start_hides_what_is_before(model: LanguageModel) -> None:
    phan = model.id("phân")
    rows = np.array([[model.id("phố"), model.id("dân"), START, phan], [NONE, NONE, START, phan]])
    assert model.score_many(rows)[0] == model.score_many(rows)[1]


def test_own_words_become_candidates(model: LanguageModel) -> None:
    assert "khòn" not in model.ids
    model.add_words(["Khòn Pát", "thành phố"])
    assert [model.words[i] for i in model.same_letters("Khon")] == ["khòn"]
    assert model.words.count("phố") == 1
    row = np.array([[NONE, NONE, START, model.id("khòn")]])
    assert -25 < model.score_many(row)[0] < -3


def test_read_words(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("# names of our district\nKhòn Pát\n\nBình Cằm  # a village\n", encoding="utf-8")
    assert language.read_words(path) == ["Khòn Pát", "Bình Cằm"]


@pytest.mark.parametrize(
    ("token", "wanted"),
    [
        ("hoà,", ["hòa", ","]),
        ("(tổ", [",", "tổ"]),
        ("dân).", ["dân", "<s>"]),
        ("559/BC-UBND", ["<n>"]),
        ("a)", ["<n>"]),
        ("12,5%;", ["<n>", "<s>"]),
        ("HĐND-UBND", ["hđnd", "ubnd"]),
        ("tổ@langson.gov.vn", ["<x>"]),
        ("-", []),
        ("“Đẩy", ["đẩy"]),
    ],
)
def test_symbols(token: str, wanted: list[str]) -> None:
    assert [piece.symbol for piece in symbols(token)] == wanted


def test_about_one_paragraph_in_25_is_held_out() -> None:
    share = sum(held_out(f"Đoạn văn số {number} của bài") for number in range(10_000)) / 10_000
    assert 0.03 < share < 0.05


def test_the_shipped_model_loads_at_once() -> None:
    """Under 0.3 s on an idle machine; the bound here leaves room for a busy one."""
    code = (
        "import time, normalize.vietnamese.language as l; t = time.perf_counter(); m = l.load_language_model();"
        "assert m.id('phấn') > 4; print(time.perf_counter() - t)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(out.stdout) < 2
