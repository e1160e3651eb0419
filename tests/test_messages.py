"""What is said of faults: both languages, in the two tables and nowhere else."""

from __future__ import annotations

import importlib
import pickle
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from types import ModuleType

import pytest

import flows.faults
import ocr.messages
from flows.pipeline.stages import read_page_to_disk
from ocr.faults import Fault, Killed
from ocr.messages import Message

ROOT = Path(__file__).parent.parent
# Training needs torch, which nambat does without.
NEED_TORCH = {"ocr.reread.overprinted.train", "normalize.vietnamese.train_cloze"}


def said_in(table: ModuleType) -> list[tuple[str, Message[Fault]]]:
    return [(name, one) for name, one in vars(table).items() if isinstance(one, Message)]


MESSAGES = said_in(ocr.messages) + said_in(flows.faults)

SHORTER_IN_VIETNAMESE = {"PAGE_TOO_LARGE": {("width", ".0f"), ("height", ".0f")}}
"""Values that only the English sentence tells."""


def values_in(sentence: str) -> set[tuple[str, str]]:
    """Names and formats of the values that stand in a sentence."""
    return {(name, form or "") for _, name, form, _ in Formatter().parse(sentence) if name is not None}


def fault_classes(kind: type[Fault] = Fault) -> Iterator[type[Fault]]:
    for child in kind.__subclasses__():
        yield child
        yield from fault_classes(child)


@pytest.mark.parametrize(("name", "message"), MESSAGES)
def test_both_languages_say_the_same(name: str, message: Message[Fault]) -> None:
    assert message.english
    assert message.vietnamese
    assert message.english != message.vietnamese
    left_out = SHORTER_IN_VIETNAMESE.get(name, set())
    assert values_in(message.vietnamese) | left_out == values_in(message.english)


@pytest.mark.parametrize(("name", "message"), MESSAGES)
def test_a_fault_says_the_same_beyond_a_process(name: str, message: Message[Fault]) -> None:
    values = {value: 3 for value, _ in values_in(message.english)}
    fault = message.fault("what the program said", **values)
    copy = pickle.loads(pickle.dumps(fault))
    assert type(copy) is type(fault) is message.kind
    assert str(copy) == str(fault) == message.english.format(**values)
    assert copy.vietnamese == fault.vietnamese == message.vietnamese.format(**values)
    assert copy.detail == fault.detail == "what the program said"


def test_every_fault_is_in_a_table() -> None:
    for package in ("ocr", "normalize", "flows"):
        for module in pkgutil.walk_packages([str(ROOT / package)], f"{package}."):
            if module.name not in NEED_TORCH:
                importlib.import_module(module.name)
    ours = {kind for kind in fault_classes() if kind.__module__.split(".")[0] in ("ocr", "normalize", "flows")}
    assert ours == {message.kind for _, message in MESSAGES}


def test_faults_say_nothing_that_is_not_in_a_table() -> None:
    """None is made with a sentence of its own: translators would not see that one."""
    names = "|".join(kind.__name__ for kind in fault_classes())
    own_words = re.compile(rf"""\b({names})\(\s*f?["']|vietnamese=\s*f?["']""")
    tables = {ROOT / "ocr/messages.py", ROOT / "ocr/faults.py"}
    sources = [path for room in ("ocr", "normalize", "flows") for path in (ROOT / room).rglob("*.py")]
    assert [path for path in sources if path not in tables and own_words.search(path.read_text())] == []


def test_the_room_that_reads_names_no_setting() -> None:
    assert [path for path in (ROOT / "ocr").rglob("*.py") if "NAMBAT_" in path.read_text()] == []


def test_a_killed_reader_tells_which_setting_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object, **__: object) -> None:
        raise ocr.messages.READER_KILLED.fault("pdftoppm was killed")

    monkeypatch.setattr("ocr.reading.read_page", killed)
    with pytest.raises(Killed, match="or lower NAMBAT_JOBS") as raised:
        read_page_to_disk(tmp_path / "a.pdf", 1, tmp_path, 300, 60, 1_000_000)
    assert "giảm NAMBAT_JOBS" in raised.value.vietnamese
    assert raised.value.detail == "pdftoppm was killed"
