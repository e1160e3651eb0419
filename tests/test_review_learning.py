"""What people put right again and again: counted, offered for the office's list of words, and used from then on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fastapi.testclient import TestClient

from flows.cli import nambat
from flows.pipeline.revise import revise, undo
from flows.pipeline.versions import Shelf
from flows.review import server
from flows.review.app import review_app
from flows.review.desk import Desk
from flows.review.evaluate import evaluate
from flows.review.index import of_folder, refresh
from flows.review.learned import WordList, learned
from flows.review.tally import counts_of, words_put_right
from flows.settings import Settings
from normalize.edits.edit import edit_from
from normalize.vietnamese.language import load_language_model, read_words
from tests.review import BODY, Published, publish
from tests.test_review_app import Kitchen

ADDRESS = "http://127.0.0.1:4280"
NAME = "Pắkk"
"""Of a place that the language model does not know."""


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("xã Krông Păc, năm", "xã Krông Pắk, năm", [("Păc", "Pắk")]),
        ("Y Bhok Nie", "Y Bhôk Niê", [("Bhok Nie", "Bhôk Niê")]),
        ("Krôngpăc", "Krông Pắk", [("Krôngpăc", "Krông Pắk")]),
        ("(Păc)[^1].", "(Pắk)[^1].", [("Păc", "Pắk")]),
        ("năm 2019", "năm 2021", []),
        ("559/BC-UBND", "558/BC-UBND", []),
        ("đất, đai", "đất đai", []),
        ("đất", "", []),
        ("", "đất", []),
        ("a b c d e f g", "h i k l m n o", []),
        ("như nhau", "như nhau", []),
    ],
)
def test_words_that_were_put_right(before: str, after: str, expected: list[tuple[str, str]]) -> None:
    assert list(words_put_right(before, after)) == expected


def mend(published: Published, page: int, before: str, after: str, kind: str = "text") -> str:
    """Change a word of a page's paragraph as the review page does; the new seal."""
    data = published.record()
    start = data["blocks"][page - 1]["text"].index(before)
    edit = edit_from(
        {"kind": kind, "where": f"blocks/{page - 1}", "start": start, "before": before, "after": after}, "An"
    )
    return revise(shelf_of(published), published.json, data["this_file"], [edit], "An").seal


def shelf_of(published: Published) -> Shelf:
    return Shelf(published.folder, published.folder / ".staging", None, keeps_formats=True)


@pytest.fixture
def published(tmp_path: Path) -> Published:
    """A document whose repair was wrong once, and whose people wrote a name twice and something else once."""
    made = publish(tmp_path, 3)
    mend(made, 1, "thôn", NAME)
    mend(made, 2, "thôn", NAME)
    mend(made, 3, "thôn", "thônn")
    mend(made, 3, "tổ", "tố", "take_back")
    return made


def test_what_became_of_corrections_is_counted(published: Published) -> None:
    counts = counts_of(published.record())
    assert counts["words", ""] == 3 * len(BODY) + 2
    assert (counts["made", "tone"], counts["taken back", "tone"], counts["typed over", "tone"]) == (3, 1, 0)
    assert (counts["typed", ""], counts["edits", "text"], counts["edits", "take_back"]) == (3, 3, 1)
    mend(published, 1, "tổ", "tở")
    counts = counts_of(published.record())
    assert (counts["made", "tone"], counts["taken back", "tone"], counts["typed over", "tone"]) == (3, 1, 1)
    data = published.record()
    undo(shelf_of(published), published.json, data["this_file"])
    assert counts_of(published.record())["typed over", "tone"] == 0, "what was undone does not count"
    data["edits"][0]["applied"] = False
    assert counts_of(data)["lost", ""] == 1


def test_nambat_evaluate_tells_rates_of_opened_documents(published: Published) -> None:
    def told(*options: str) -> str:
        return CliRunner().invoke(nambat, ["evaluate", str(published.folder), *options]).output

    found: dict[str, Any] = json.loads(told("--json"))
    opened, words = found["opened"], 3 * len(BODY) + 2
    assert opened["documents"] == found["all"]["documents"] == 1 and opened["words"] == words
    tone = opened["corrections_by_kind"]["tone"]
    assert (tone["made"], tone["taken_back"]) == (3, 1)
    assert tone["wrong_per_10000_words"] == pytest.approx(10_000 / words)
    assert opened["words_typed"] == 3 and opened["edits"] == {"take_back": 1, "text": 3}
    assert "tone mark" in told() and "words typed by people" in told()


def test_documents_that_nobody_opened_do_not_make_the_rate_small(tmp_path: Path) -> None:
    made = publish(tmp_path)
    library = of_folder(made.folder)
    refresh(library)
    found = evaluate(library)
    assert found.all.documents == 1 and found.all.together.made == 2
    assert found.opened.documents == 0 and found.opened.together.wrong_of_words(found.opened.words) is None
    part = {**made.record(), "part": {"number": 1, "of": 2}}
    (made.folder / "part.json").write_text(json.dumps(part))
    refresh(library)
    assert evaluate(library).all.documents == 1, "a part is counted with the whole"


def test_words_put_right_twice_are_offered_and_others_are_not(published: Published, tmp_path: Path) -> None:
    library = of_folder(published.folder)
    refresh(library)
    words = WordList(tmp_path / "words.txt", True, library.place)
    (offer,) = learned(library, words).offered
    assert (offer.before, offer.after, offer.times) == ("thôn", NAME, 2)
    assert [name for _, name in offer.documents] == ["van-ban.json"]
    data = published.record()
    undo(shelf_of(published), published.json, data["this_file"], data["edits"][0]["id"])
    refresh(library)
    assert learned(library, words).offered == ()


def test_words_of_known_syllables_are_not_offered(tmp_path: Path) -> None:
    made = publish(tmp_path)
    mend(made, 1, "thôn", "thông")
    mend(made, 2, "thôn", "thông")
    library = of_folder(made.folder)
    refresh(library)
    found = learned(library, WordList(tmp_path / "words.txt", True, library.place))
    assert found.offered == () and [one.after for one in found.known] == ["thông"]


@pytest.fixture
def desk(published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return server.desk_of_folder(published.folder, [], Settings(words=tmp_path / "words.txt"))


@pytest.fixture
def client(desk: Desk) -> Iterator[TestClient]:
    with TestClient(review_app(desk, Kitchen()), base_url=ADDRESS) as client:
        yield client


def token_of(client: TestClient) -> str:
    return client.get("/words").text.partition('name="token" value="')[2].partition('"')[0]


def decide(client: TestClient, act: str, token: str = "", **other: str) -> int:
    given = {"token": token or token_of(client), "before": "thôn", "after": NAME, "act": act, **other}
    return client.post("/words", data=given, follow_redirects=False).status_code


def test_an_accepted_word_is_in_the_list_and_known(client: TestClient, tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_bytes("Krông Ana # của tôi".encode())
    assert f"<ins>{NAME}</ins>" in client.get("/words").text
    token = token_of(client)
    assert decide(client, "accept", token) == 303
    assert words.read_text("utf-8").startswith("Krông Ana # của tôi\n"), "what stood there stays as it was"
    assert read_words(words) == ["Krông Ana", NAME]
    assert f"<ins>{NAME}</ins>" not in client.get("/words").text
    assert decide(client, "accept", token) == 303 and read_words(words) == ["Krông Ana", NAME], "once is enough"
    known = load_language_model.__wrapped__(own_words=str(words))
    assert known.id(NAME.lower()) == len(known.words) - 1


def test_a_rejected_word_is_remembered_and_can_be_offered_again(client: TestClient, desk: Desk, tmp_path: Path) -> None:
    assert decide(client, "reject") == 303
    again = learned(desk.library, WordList(tmp_path / "words.txt", True, desk.library.place))
    assert again.offered == () and [one.after for one in again.rejected] == [NAME]
    assert not (tmp_path / "words.txt").exists()
    assert decide(client, "again") == 303
    assert [one.after for one in learned(desk.library, desk.words).offered] == [NAME]


def test_nothing_goes_into_the_list_that_is_not_offered_or_without_the_token(
    client: TestClient, tmp_path: Path
) -> None:
    assert decide(client, "accept", after="Xấu\nThêm") == 303
    assert decide(client, "burn") == 303
    assert decide(client, "accept", token="x" * 43) == 403
    assert client.post("/words", content=b"\xff" * 100_000, follow_redirects=False).status_code == 403
    assert not (tmp_path / "words.txt").exists()


def test_a_list_that_cannot_be_written_is_only_shown(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    token = token_of(client)
    monkeypatch.setattr(WordList, "is_writable", False)
    shown = client.get("/words").text
    assert NAME in shown and "<form method" not in shown
    assert decide(client, "accept", token) == decide(client, "reject", token) == 403


def test_a_list_that_is_none_has_a_clear_page(client: TestClient, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_bytes(b"\xff\xfe")
    answer = client.get("/words")
    assert answer.status_code == 503 and "UTF-8" in answer.text


def test_the_words_page_speaks_both_languages_and_has_no_script(client: TestClient) -> None:
    assert "Từ riêng của cơ quan" in client.get("/words").text
    client.get("/language/en")
    shown = client.get("/words?said=accept&at=0").text
    assert "Words of the office" in shown and "The word is in the list now." in shown and "autofocus" in shown
    assert "<script" not in shown and "style=" not in shown


def test_the_service_reads_with_the_list_of_its_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.ingest import store_of_run

    monkeypatch.setenv("NAMBAT_HOME", str(tmp_path))
    monkeypatch.delenv("NAMBAT_WORDS", raising=False)
    store_of_run()
    assert "NAMBAT_WORDS" not in os.environ
    (tmp_path / "words.txt").write_text(NAME)
    store_of_run()
    assert os.environ["NAMBAT_WORDS"] == str(tmp_path / "words.txt")
    monkeypatch.delenv("NAMBAT_WORDS")
