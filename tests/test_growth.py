"""Texts that somebody made to cost time: four times as much text takes about four times as long, not sixteen times."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from normalize.document import Source
from normalize.formats import WRITERS, to_dict
from normalize.plaintext.parse import parse_text
from normalize.repair.repair import repair

SOURCE = Source("test.txt", "0" * 64, 0, 1)
#: Four times the text may take this many times as long; what takes the square takes sixteen times.
MOST = 8.0
#: Seconds of computing: what four times the text takes less than is too little to tell.
LEAST = 0.05
TRIES = 3

SENTENCE = "Ủy ban nhân dân xã Bình An tổ chức kiểm tra rừng "
LETTERHEAD = (
    "ỦY BAN NHÂN DÂN\n\nSố: 1/BC-UBND\n\nBÁO CÁO\n\nVề rừng\n\nXã có rừng.\n\nNơi nhận:\n\n- Lưu: VT.\n\nVũ An\n\n"
)


def raised(number: int) -> str:
    return str(number).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


def cited(n: int) -> str:
    """A reference in each paragraph, plain notes for some of them, and odd signs that may be the others'."""
    body = "".join(f"xã{raised(number)} và xã' có\n\n" for number in range(1, n, 2))
    return body + "xã' " * n + "\n\n" + "".join(f"{raised(number)} Ghi chú\n\n" for number in range(1, n))


#: A text of so many units, and how many: enough for a tenth of a second or so, at four times as many.
HOSTILE: dict[str, tuple[Callable[[int], str], int]] = {
    "spaces": (lambda n: "a" + " " * n + "b", 20_000),
    "spaces in a raised number": (lambda n: "a<sup>" + " " * n + "x\n", 8_000),
    "blank lines": (lambda n: "a" + "\n" * n + "b", 5_000),
    "tabs": (lambda n: "a\t" * n, 500),
    "stars that open": (lambda n: "*b " * n, 2_000),
    "underscores that open": (lambda n: "_b " * n, 2_000),
    "emphasis in emphasis": (lambda n: "*a _b " * n + "b_ a*" * n, 500),
    "tags that open": (lambda n: "<table><tr><td>a" * n, 1_000),
    "links that open": (lambda n: "![a](b" * n, 1_500),
    "formulas that open": (lambda n: "$a^{2} \\(b " * n, 500),
    "marks on one letter": (lambda n: "a" + "\u0301\u0323" * n, 1_500),
    "letters": (lambda n: "phânđấu" * n, 500),
    "brackets": (lambda n: "([“" * n, 1_500),
    "rows": (lambda n: "a\tb\n" * n, 200),
    "rows with bars": (lambda n: "| a | b |\n" * n, 200),
    "references in one paragraph": (lambda n: "thôn1 " * n + "\n\n1 Ghi chú của thôn\n\n", 500),
    "plain notes": (lambda n: "Bình An1\n\n1 Ghi chú\n\n" * n, 30),
    "notes below one paragraph": (lambda n: "a¹ " + SENTENCE * n + "\n\n" + "¹ Ghi chú\n\n" * n, 30),
    "paragraphs that may go on": (lambda n: "a¹ " + SENTENCE * n + ";\n\n¹ x;\n\n" + "xã an\n\n" * n, 30),
    "paragraphs of a note": (lambda n: "a[^1] b\n\n[^1]: x\n\n" + "    y\n\n" * n, 60),
    "misread references": (cited, 20),
    "lone numbers": (lambda n: "\n\n".join(str(number % 999) for number in range(n)), 200),
    "running headers": (lambda n: f"UBND HUYỆN AN BÌNH\n\n{SENTENCE * 11}\n\n{SENTENCE.lower() * 2}\n\n" * n, 3),
    "printed lines": (lambda n: (SENTENCE + "\n") * n, 40),
    "abbreviations": (lambda n: "BCD BCĐ " * n, 500),
    "misread words": (lambda n: "phân đâu vê đây mạnh " * n, 8),
    "misread words in cells": (lambda n: "| phân đâu | vê |\n" * n, 8),
    "changes in one word": (lambda n: "Ðồng," * n, 400),
    "changes in one paragraph": (lambda n: "Ðồng[^1] " * n + "\n\n[^1]: x\n", 300),
    "recipients": (lambda n: "Nơi nhận:\n\n" + "- UBND tỉnh;\n\n" * n, 80),
    "documents": (lambda n: LETTERHEAD * n, 8),
}  # fmt: skip


def cost(text: str) -> float:
    """Seconds of computing that a text takes from its characters to every format."""
    started = time.process_time()
    document = repair(parse_text(text, SOURCE))
    for writer in WRITERS.values():
        writer.write(document, "paragraph")
    to_dict(document)
    return time.process_time() - started


@pytest.fixture(scope="module", autouse=True)
def _all_is_loaded() -> None:
    cost("Ủy ban nhân dân.")


@pytest.mark.parametrize("name", HOSTILE)
def test_four_times_the_text_takes_about_four_times_as_long(name: str) -> None:
    text, units = HOSTILE[name]
    small, large = float("inf"), float("inf")
    for _ in range(TRIES):  # the machine may be busy: the least counts
        small, large = min(small, cost(text(units))), min(large, cost(text(4 * units)))
        if large < max(LEAST, MOST * small):
            return
    assert large < MOST * small, f"{small:.3f} s and {large:.3f} s for four times as much"
