"""The catalogue of translations: whole, current, and with the same values in both languages."""

from __future__ import annotations

import ast
import gettext
import inspect
import io
import re
import unicodedata
from collections.abc import Iterator, Set
from pathlib import Path
from string import Formatter
from typing import Any, TypeGuard, get_args

import click
import pytest
from babel.messages.catalog import Message
from hypothesis import given
from hypothesis import strategies as some

from flows import language
from flows.cli import InOrder, nambat
from flows.language import LANGUAGES, OF_CLICK, OF_THE_MACHINE, _
from flows.make_catalogue import KEYWORDS, MO, as_mo, catalogue, is_translated, marked
from flows.pipeline.faults import as_fault
from flows.retold import EVIDENCE, WARNINGS, evidence_told, retold
from normalize.document import DropReason
from ocr.faults import NotAScan

FLOWS = Path(language.__file__).parent
ENTRIES = [message for message in catalogue() if message.id]


def texts(of: str | tuple[str, ...] | list[str] | None) -> list[str]:
    return [of] if isinstance(of, str) else list(of or ())


def values_in(sentence: str) -> set[str]:
    return {name + (form or "") for _text, name, form, _how in Formatter().parse(sentence) if name is not None}


def test_every_marked_sentence_is_in_the_catalogue_and_no_other() -> None:
    """Where this fails: `python -m flows.make_catalogue`, then write the Vietnamese into the .po, then again."""
    code = {message.id for message in marked() if message.id}
    assert {message.id for message in ENTRIES} == code


@pytest.mark.parametrize("message", ENTRIES, ids=lambda message: texts(message.id)[0][:60])
def test_an_entry_says_the_same_in_vietnamese(message: Message) -> None:
    assert is_translated(message)
    assert not message.fuzzy
    *_singular, english = texts(message.id)
    for vietnamese in texts(message.string):
        assert values_in(vietnamese) == values_in(english)
        assert vietnamese == unicodedata.normalize("NFC", vietnamese)
        # What the sentence begins and ends with: lists are joined and columns are set by it.
        assert [bool(re.match(r"\s", text)) for text in (english, vietnamese)] in ([True] * 2, [False] * 2)
        assert english[-1:].isspace() == vietnamese[-1:].isspace()


def test_commands_and_options_are_not_translated() -> None:
    """What is typed is typed the same in every language."""
    for message in ENTRIES:
        for vietnamese in texts(message.string):
            *_singular, english = texts(message.id)
            for typed in re.findall(r"`(nambat [a-z]+)|(--[a-z]+)", vietnamese):
                assert "".join(typed) in english, message.id


def test_the_compiled_catalogue_is_made_of_the_other() -> None:
    fresh = gettext.GNUTranslations(io.BytesIO(as_mo(catalogue())))
    with MO.open("rb") as file:
        assert gettext.GNUTranslations(file)._catalog == fresh._catalog  # type: ignore[attr-defined]
    assert MO.read_bytes() == as_mo(catalogue())


def is_mark(node: ast.AST) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KEYWORDS


def test_nothing_is_marked_that_cannot_be_looked_up() -> None:
    """A sentence with its values in it, or one made of others, is in no catalogue."""
    found = []
    for path in FLOWS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if is_mark(node) and isinstance(node.args[0], ast.JoinedStr | ast.BinOp):
                found.append(f"{path.name}:{node.lineno}")
            # Babel does not look into those before Python 3.12.
            if isinstance(node, ast.JoinedStr) and any(map(is_mark, ast.walk(node))):
                found.append(f"{path.name}:{node.lineno}")
    assert found == []


def test_the_words_of_click_are_those_that_it_says() -> None:
    """After a new version of click some may be other ones, which nobody would look up here."""
    sources = [ast.parse(path.read_text("utf-8")) for path in Path(click.__file__).parent.glob("*.py")]
    said = {node.value for source in sources for node in ast.walk(source) if isinstance(node, ast.Constant)}
    assert [words for words in OF_CLICK if not said.issuperset(texts(words))] == []


def test_the_words_of_the_machine_are_those_that_it_says() -> None:
    import errno
    import os

    assert {os.strerror(number) for number in errno.errorcode} >= set(OF_THE_MACHINE)


@pytest.mark.parametrize(
    ("environment", "spoken"),
    [
        ({}, "en"),
        ({"LANG": "vi_VN.UTF-8"}, "vi"),
        ({"LANG": "vi"}, "vi"),
        ({"LANG": "vie_VN"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "vi_VN"}, "vi"),
        ({"LANG": "vi_VN", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "vi_VN", "LC_ALL": ""}, "vi"),
        ({"LANG": "vi_VN", "NAMBAT_LANG": "en"}, "en"),
        ({"LC_ALL": "C", "NAMBAT_LANG": "vi"}, "vi"),
        ({"LC_ALL": "C", "NAMBAT_LANG": "VI"}, "vi"),
        ({"LANG": "vi_VN", "NAMBAT_LANG": ""}, "vi"),
    ],
)
def test_which_language_is_spoken(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], spoken: str) -> None:
    for name in ("NAMBAT_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert language.language() == spoken
    assert _("stopped.") == {"en": "stopped.", "vi": "đã dừng."}[spoken]
    fault = NotAScan("broken", vietnamese="hỏng")
    assert language.told(fault) == {"en": "broken", "vi": "hỏng"}[spoken]
    assert language.cause(PermissionError(13, "Permission denied")) == _("Permission denied")


def test_what_the_machine_refuses_is_told_in_both_languages() -> None:
    fault = as_fault(OSError(28, "No space left on device", "/x/y"))
    assert str(fault) == "No space left on device (/x/y); check the disk and its permissions, then try again."
    assert fault.vietnamese == "Đĩa đã đầy (/x/y); hãy kiểm tra ổ đĩa và quyền truy cập rồi thử lại."


def test_a_number_of_things(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {}
    for name in LANGUAGES:
        monkeypatch.setenv("NAMBAT_LANG", name)
        said[name] = [
            language.ngettext("{count} more warning in its JSON", "{count} more warnings in its JSON", count)
            for count in (1, 2)
        ]
    assert said["en"] == ["{count} more warning in its JSON", "{count} more warnings in its JSON"]
    assert said["vi"][0] == said["vi"][1] == "còn {count} cảnh báo nữa trong tệp JSON"


@pytest.mark.parametrize(
    ("zone", "english", "vietnamese"),
    [
        ("Asia/Ho_Chi_Minh", "2026-11-26 07:05", "26/11/2026 07:05"),
        ("UTC", "2026-11-26 00:05", "26/11/2026 00:05"),
        ("America/New_York", "2026-11-25 19:05", "25/11/2026 19:05"),
    ],
)
def test_times_are_those_of_the_zone_that_is_set(
    monkeypatch: pytest.MonkeyPatch, zone: str, english: str, vietnamese: str
) -> None:
    moment = 1795651500.0
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    assert language.shown_time(moment, zone) == english
    assert language.shown_time(moment, zone, speak="vi") == vietnamese
    monkeypatch.setenv("NAMBAT_LANG", "vi")
    assert language.shown_time(moment, zone) == vietnamese
    assert language.shown_time(moment, zone, speak="en") == english


@pytest.mark.parametrize("name", LANGUAGES)
def test_what_a_command_does_fits_in_its_line(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """In a terminal of 80 columns."""
    monkeypatch.setenv("NAMBAT_LANG", name)
    assert isinstance(nambat, InOrder)
    room = 80 - 2 - 2 - max(map(len, nambat.commands)) - 2
    for command in nambat.commands.values():
        first = _(inspect.cleandoc(command.help or "")).split("\n\n")[0]
        assert len(first) <= room - 1, f"{command.name}: {first}"


# -- what stands in English in published files ----------------------------------------------------------------------


def sentences_of(path: Path) -> list[str]:
    """What a module of ``normalize/`` may say in a warning, as patterns with anything for values."""
    tree = ast.parse(path.read_text("utf-8"))
    bare = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    doubts = {
        id(argument)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Value"
        for argument in node.args[2:3]
    }
    found = []
    for node, texts in texts_in(tree, bare | inner):
        whole = "".join("*" if text is None else str(text) for text in texts)
        if id(node) in doubts or (" " in whole and whole.endswith(".") and len(whole) > 15):
            found.append("".join(".*" if text is None else re.escape(str(text)) for text in texts))
    return found


def test_every_warning_of_published_files_is_known_by_its_form() -> None:
    room = FLOWS.parent / "normalize"
    # A published page in Vietnamese, and examples of what the tables of the repair say.
    others = {room / "formats/html.py", room / "repair/repair.py"}
    modules = [path for path in room.rglob("*.py") if path not in others and not path.name.startswith("train_")]
    said = {sentence for path in modules for sentence in sentences_of(path)}
    assert len(said) > 20
    assert set(get_args(DropReason)) <= set(WARNINGS)
    assert sorted(one for one in said if not any(re.search(one, form) for form in WARNINGS)) == []


@pytest.mark.parametrize(
    ("english", "vietnamese"),
    [
        ("Footnote mark 3 has no note.", "Dấu chú thích 3 không có chú thích."),
        ("page 4: The page is blank.", "trang 4: Trang trắng."),
        (
            "page 2: The page could not be read: Page 2 took longer than 60 s to render.",
            "trang 2: Không đọc được trang này: Trang 2 dựng hình quá 60 giây.",
        ),
        (
            "A picture on the page is cut short: about the lower 40% of it is missing; scan the page again.",
            "Ảnh trên trang bị cụt: thiếu khoảng 40% ở phía dưới; hãy quét lại trang này.",
        ),
        (
            "The date cannot be read; it may be written by hand; it is left empty. It stands at 1, 2 to 3, 4 (pixels).",
            "Mục ngày ban hành: không đọc được, có thể do viết tay; mục này được bỏ trống. "
            "Vị trí trên trang: 1, 2 đến 3, 4 (điểm ảnh).",
        ),
        ("Something that nobody knows.", "Something that nobody knows."),
        ("{braces} and The page is blank.", "{braces} and The page is blank."),
    ],
)
def test_warnings_are_retold(monkeypatch: pytest.MonkeyPatch, english: str, vietnamese: str) -> None:
    assert retold(english) == english
    monkeypatch.setenv("NAMBAT_LANG", "vi")
    assert retold(english) == vietnamese


def texts_in(tree: ast.AST, left_out: Set[int]) -> Iterator[tuple[ast.AST, list[Any]]]:
    """Each text of a module, by pieces, with ``None`` for a value; but those with these ids."""
    for node in ast.walk(tree):
        parts = node.values if isinstance(node, ast.JoinedStr) else [node]
        texts = [part.value if isinstance(part, ast.Constant) else None for part in parts]
        if id(node) not in left_out and any(isinstance(text, str) for text in texts):
            yield node, texts


def reasons_of(path: Path) -> list[str]:
    """What a rule of repair may give as evidence, with 7 for each value; parts of it one by one."""
    tree = ast.parse(path.read_text("utf-8"))
    bare = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    found = []
    for _node, texts in texts_in(tree, bare | inner):
        whole = "".join("7" if text is None else str(text) for text in texts)
        found += [part for part in whole.split("; ") if part.count(" ") > 2 and part.isprintable()]
    return found


def test_every_evidence_of_a_correction_is_known_by_its_form(monkeypatch: pytest.MonkeyPatch) -> None:
    room = FLOWS.parent / "normalize/repair"
    said = {one for path in [room / "noisy_channel.py", *room.glob("rules/*.py")] for one in reasons_of(path)}
    assert len(said) > 20
    monkeypatch.setenv("NAMBAT_LANG", "vi")
    unknown = {one for one in said if evidence_told(one) == one}
    # Some are put together of two pieces.
    pieces = {one for one in unknown if any(re.search(re.escape(one).replace("7", ".*"), form) for form in EVIDENCE)}
    assert sorted(unknown - pieces) == []


@pytest.mark.parametrize(
    ("english", "vietnamese"),
    [
        (
            "the page also showed ổ (31) beside ó (60); the page showed h alone; "
            "in its sentence the new reading is 3.2 orders of magnitude likelier",
            "trên trang còn thấy ổ (31) bên cạnh ó (60); trên trang chỉ thấy h; "
            "trong câu này, cách đọc mới có khả năng đúng cao gấp 10^3,2 lần",
        ),
        ("a number; the page also showed 1 (40) beside l", "một con số; trên trang còn thấy 1 (40) bên cạnh l"),
        (
            "list items count in letters: the one before is none, the one after c; the page also showed b (9) beside h",
            "các mục được đánh bằng chữ cái: mục trước là không có, mục sau là c; trên trang còn thấy b (9) bên cạnh h",
        ),
        ("Something that nobody knows; a number", "Something that nobody knows; một con số"),
    ],
)
def test_evidence_is_retold(monkeypatch: pytest.MonkeyPatch, english: str, vietnamese: str) -> None:
    assert evidence_told(english) == english
    monkeypatch.setenv("NAMBAT_LANG", "vi")
    assert evidence_told(english) == vietnamese


@given(values=some.lists(some.text(alphabet="0123456789{}ắ; .", min_size=1, max_size=9), min_size=9, max_size=9))
def test_whatever_values_a_warning_has_stand_in_its_vietnamese(values: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NAMBAT_LANG", "vi")
        sentence = "The last row of a table says {} in column {}; the rows above it add up to {}."
        said = retold(sentence.format(*values))
        assert said.startswith(f"Dòng cuối của một bảng ghi {values[0]}")
        assert said.endswith(f"cộng lại là {values[2]}.")
