"""The review page's addresses: what they show, what they refuse, and what becomes of documents that are gone."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from flows.pipeline.workers import WorkerPool
from flows.review import server
from flows.review.app import review_app
from flows.review.desk import Desk
from flows.review.images import PagePictures, Wanted
from flows.review.index import document_id
from flows.review.runs import note_run
from flows.review.security import POLICY, with_password
from flows.service.guard import admitted, guarded, own_origins
from flows.service.reports import review_address, success_report
from flows.settings import Settings
from tests.review import BODY, CORRECTED, DPI, HEIGHT, WIDTH, Published, publish
from tests.test_reports import FINE

ADDRESS = "http://127.0.0.1:4280"
ID = document_id("van-ban.json")


class Kitchen(PagePictures):
    """Pictures made in this process."""

    def __init__(self) -> None:
        super().__init__(WorkerPool(1))
        self.made: list[Wanted] = []

    def picture(self, wanted: Wanted, max_pixels: int) -> bytes:
        from flows.review.images import page_picture

        self.made.append(wanted)
        return page_picture(wanted, max_pixels)


@pytest.fixture
def published(tmp_path: Path) -> Published:
    return publish(tmp_path)


@pytest.fixture
def desk(published: Published) -> Desk:
    return server.desk_of_folder(published.folder, [published.scans], Settings())


def client_of(desk: Desk, secret: str = "") -> TestClient:
    app = with_password(review_app(desk, Kitchen()), secret)
    return TestClient(guarded(app, admitted(own_origins("127.0.0.1", 4280)), POLICY), base_url=ADDRESS)


@pytest.fixture
def client(desk: Desk) -> Iterator[TestClient]:
    with client_of(desk) as client:
        yield client


def test_the_list_names_each_document_and_leads_to_it(client: TestClient) -> None:
    shown = client.get("/").text
    assert f'href="/documents/{ID}"' in shown
    assert "559/BC-UBND" in shown and "29/02/2024" in shown
    assert "Về &lt;b&gt;giao&lt;/b&gt; đất" in shown and "<b>giao" not in shown


def test_the_list_is_filtered_by_its_worst_page(client: TestClient) -> None:
    assert f'href="/documents/{ID}"' in client.get("/?grade=fair").text
    shown = client.get("/?grade=poor").text
    assert f'href="/documents/{ID}"' not in shown and '<option value="poor" selected>' in shown


def test_it_speaks_vietnamese_until_somebody_chooses_english(client: TestClient) -> None:
    assert '<html lang="vi">' in client.get("/").text
    answer = client.get("/language/en?back=/%3Forder%3Ddated", follow_redirects=False)
    assert answer.status_code == 303 and answer.headers["location"] == "/?order=dated"
    shown = client.get("/").text
    assert '<html lang="en">' in shown and "Most doubtful first" in shown


@pytest.mark.parametrize("back", ["//e.example/", "http://e.example/", "/\\e.example", "e.example", "javascript:1"])
def test_choosing_a_language_leads_nowhere_else(client: TestClient, back: str) -> None:
    answer = client.get("/language/en", params={"back": back}, follow_redirects=False)
    assert answer.headers["location"] == "/"


def test_a_document_comes_page_by_page(client: TestClient, published: Published) -> None:
    whole = client.get(f"/documents/{ID}").text
    assert "Ủy" not in whole and f'data-src="/documents/{ID}/pages/2"' in whole
    page = client.get(f"/documents/{ID}/pages/2").text
    box = published.boxes[2][CORRECTED]
    assert f'data-b="2,{box.left},{box.top},{box.right},{box.bottom}"' in page
    assert 'data-where="blocks/1"' in page and 'data-where="blocks/0"' not in page
    assert client.get(f"/documents/{ID}/pages/3").status_code == 404
    assert client.get(f"/documents/{ID}/pages/x").status_code == 404


def test_a_page_of_another_version_is_not_shown_among_those_of_this_one(client: TestClient) -> None:
    assert client.get(f"/documents/{ID}/pages/1", headers={"X-Seal": "0" * 64}).status_code == 409


def test_the_picture_is_as_the_boxes_want_it(client: TestClient, published: Published) -> None:
    answer = client.get(f"/documents/{ID}/pages/1/image?reduced=1")
    picture = Image.open(io.BytesIO(answer.content)).convert("L")
    assert picture.size == (WIDTH, HEIGHT)
    box = published.boxes[1][CORRECTED]
    assert picture.getpixel(((box.left + box.right) // 2, (box.top + box.bottom) // 2)) < 60
    assert picture.getpixel((box.left - 6, box.top + 5)) > 200
    half = client.get(f"/documents/{ID}/pages/1/image")
    assert Image.open(io.BytesIO(half.content)).size == (round(WIDTH / 2), round(HEIGHT / 2))
    again = client.get(f"/documents/{ID}/pages/1/image", headers={"If-None-Match": half.headers["etag"]})
    assert again.status_code == 304


def test_pictures_are_made_once_and_kept_up_to_a_bound(published: Published) -> None:
    calls = []

    class Pool(WorkerPool):
        def call(self, function, *args, seconds=None):  # type: ignore[no-untyped-def]
            calls.append(args[0].number)
            return bytes(400)

    pictures = PagePictures(Pool(1), most_bytes=1000)

    def picture(number: int) -> bytes:
        return pictures.picture(Wanted(published.scans, "ab", number, DPI, 0, 0.0), 10**6)

    for number in (1, 1, 2, 1, 3, 1, 2):
        assert len(picture(number)) == 400
    assert calls == [1, 2, 3, 2]  # the one that was looked at longest ago goes first


def test_a_scan_is_known_by_its_content_not_by_its_name(client: TestClient, published: Published) -> None:
    (published.scans / "van-ban.tif").rename(published.scans / "khác.bin")
    (published.scans / "van-ban.tif").write_bytes(b"II*\0 another scan")
    assert client.get(f"/documents/{ID}/pages/1/image").status_code == 200


def test_a_scan_that_is_a_link_is_not_opened(client: TestClient, published: Published, tmp_path: Path) -> None:
    (published.scans / "van-ban.tif").rename(tmp_path / "elsewhere.tif")
    (published.scans / "van-ban.tif").symlink_to(tmp_path / "elsewhere.tif")
    assert client.get(f"/documents/{ID}/pages/1/image").status_code == 404
    assert "van-ban.tif" in client.get(f"/documents/{ID}").text


def test_files_are_saved_and_never_shown(client: TestClient, published: Published) -> None:
    answer = client.get(f"/documents/{ID}/files/txt")
    assert answer.text == published.text
    assert answer.headers["content-disposition"].startswith("attachment")
    assert client.get(f"/documents/{ID}/files/html").status_code == 404
    assert client.get(f"/documents/{ID}/files/..%2f..%2fetc%2fpasswd").status_code in (404, 422)


def test_a_list_of_files_leads_nowhere_else(client: TestClient, published: Published, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    text = published.json.read_text("utf-8").replace('"van-ban.txt"', '"../secret.txt"')
    published.json.write_text(text, "utf-8")
    assert client.get(f"/documents/{ID}/files/txt").status_code == 404


@pytest.mark.parametrize("id", ["0" * 16, "van-ban.json", "..%2fvan-ban.json", "%00", "x" * 5000])
def test_only_ids_of_the_index_name_documents(client: TestClient, id: str) -> None:
    assert client.get(f"/documents/{id}").status_code in (404, 410)


def test_a_document_that_is_gone_has_a_clear_page(client: TestClient, published: Published) -> None:
    client.get("/")
    published.json.unlink()
    answer = client.get(f"/documents/{ID}")
    assert answer.status_code == 410 and "không còn" in answer.text


def test_a_document_that_became_a_link_is_not_opened(client: TestClient, published: Published, tmp_path: Path) -> None:
    client.get("/")
    published.json.rename(tmp_path / "elsewhere.json")
    published.json.symlink_to(tmp_path / "elsewhere.json")
    assert client.get(f"/documents/{ID}").status_code == 410


@pytest.mark.parametrize(
    "raw", ["{", "[]", '{"schema": "nambat/1"}', '{"schema": "nambat/1", "blocks": 1}', "[" * 10**5]
)
def test_a_broken_json_takes_nothing_down(client: TestClient, published: Published, raw: str) -> None:
    (published.folder / "hỏng.json").write_text(raw, "utf-8")
    assert f'href="/documents/{ID}"' in client.get("/").text
    broken = client.get(f"/documents/{document_id('hỏng.json')}")
    assert broken.status_code in (410, 422) and "<h1>" in broken.text
    assert client.get(f"/documents/{ID}").status_code == 200


def test_search_without_marks_leads_to_the_word_on_its_page(client: TestClient) -> None:
    shown = unescape(client.get("/search", params={"q": "hoi nghi"}).text)
    assert "<mark>" in shown
    assert f'href="/documents/{ID}#page=1&where=blocks/0&at=' in shown
    assert "<script>" not in client.get("/search", params={"q": "<script>alert(1)</script>"}).text


def test_a_place_in_the_list_that_nobody_gave_is_no_page(client: TestClient) -> None:
    assert client.get("/?after=nonsense").status_code == 404
    assert client.get("/search?q=xã&after=nonsense").status_code == 404


@pytest.mark.parametrize(
    "path", ["/", f"/documents/{ID}", f"/documents/{ID}/pages/1", "/search?q=xã", "/static/document.js"]
)
def test_every_answer_tells_what_may_be_loaded(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http:" not in policy
    assert answer.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize("path", ["/", f"/documents/{ID}", f"/documents/{ID}/pages/1", "/search?q=xã"])
def test_no_script_or_style_stands_in_a_page(client: TestClient, path: str) -> None:
    shown = client.get(path).text
    assert " style=" not in shown and "<style" not in shown and " onclick=" not in shown
    scripts = [tag for tag in shown.split("<script")[1:] if 'type="application/json"' not in tag.partition(">")[0]]
    assert all('src="/static/' in tag.partition(">")[0] for tag in scripts)


@pytest.mark.parametrize("host", ["e.example", "e.example:4280", "", "127.0.0.1.e.example"])
def test_a_name_that_was_pointed_to_this_machine_is_refused(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 403


def test_another_page_may_not_ask(client: TestClient) -> None:
    assert client.get(f"/documents/{ID}/pages/1", headers={"Origin": "http://e.example"}).status_code == 403


def test_a_password_is_asked_for_where_one_is_set(desk: Desk) -> None:
    with client_of(desk, "văn:thư") as client:
        refused = client.get("/")
        assert refused.status_code == 401 and refused.headers["www-authenticate"].startswith("Basic")
        assert "559" not in refused.text
        wrong = base64.b64encode(b"a:b").decode()
        right = base64.b64encode("văn:thư".encode()).decode()
        assert client.get("/", headers={"Authorization": f"Basic {wrong}"}).status_code == 401
        assert client.get("/", headers={"Authorization": "Basic ="}).status_code == 401
        assert client.get("/static/document.js").status_code == 401
        assert client.get("/", headers={"Authorization": f"Basic {right}"}).status_code == 200


@pytest.mark.skipif(os.getuid() == 0, reason="root writes everywhere")
def test_where_nothing_can_be_written_documents_are_only_shown(published: Published) -> None:
    published.folder.chmod(0o500)
    try:
        desk = server.desk_of_folder(published.folder, [published.scans], Settings())
        with client_of(desk) as client:
            assert 'id="undo"' not in client.get(f"/documents/{ID}").text
    finally:
        published.folder.chmod(0o700)


def save(
    client: TestClient, seen: str, *edits: dict[str, object], to: str = "edits", token: str = ""
) -> httpx.Response:
    """What the script of the page sends."""
    desk = client.get(f"/documents/{ID}").text.partition('id="desk">')[2].partition("</script>")[0]
    headers = {"X-Nambat-Token": token or json.loads(desk)["token"]}
    return client.post(f"/documents/{ID}/{to}", json={"seen": seen, "edits": list(edits)}, headers=headers)


def typed(after: str) -> dict[str, object]:
    """The unsure word of the first page is another one."""
    return {
        "kind": "text",
        "where": "blocks/0",
        "start": " ".join(BODY).index("nghị"),
        "before": "nghị",
        "after": after,
    }


def test_a_word_that_is_typed_is_published(client: TestClient, published: Published) -> None:
    answer = save(client, published.record()["this_file"], typed("nghệ"))
    assert answer.status_code == 200, answer.text
    record = published.record()
    assert answer.json()["seal"] == record["this_file"] and answer.json()["may_undo"]
    assert "hội nghệ lúc" in published.text and "hội nghệ lúc" in record["blocks"][0]["text"]
    (edit,) = record["edits"]
    assert edit["who"] and edit["before"] == "nghị" and edit["after"] == "nghệ"


def test_it_can_be_undone_and_done_again(client: TestClient, published: Published) -> None:
    before = published.text
    save(client, published.record()["this_file"], typed("nghệ"))
    undone = save(client, published.record()["this_file"], to="undo")
    assert undone.json()["may_redo"] and not undone.json()["may_undo"] and published.text == before
    assert save(client, published.record()["this_file"], to="redo").json()["may_undo"]
    assert "hội nghệ lúc" in published.text


def test_a_stale_save_is_refused_and_says_so(client: TestClient, published: Published) -> None:
    seen = published.record()["this_file"]
    save(client, seen, typed("nghệ"))
    answer = save(client, seen, typed("nghĩ"))
    assert answer.status_code == 409 and "tải lại" in answer.json()["message"]
    assert "nghệ" in published.text and "nghĩ" not in published.text


def test_nothing_is_changed_without_the_token_of_the_page(client: TestClient, published: Published) -> None:
    raw = published.json.read_bytes()
    assert save(client, published.record()["this_file"], typed("nghệ"), token="x").status_code == 403
    assert published.json.read_bytes() == raw


@pytest.mark.parametrize(
    "edit",
    [
        {"kind": "text"},
        {"kind": "burn", "where": "blocks/0"},
        {"kind": "text", "where": "../../x", "start": 0, "before": "", "after": "x"},
        {"kind": "text", "where": "blocks/99", "start": 0, "before": "", "after": "x"},
        {"kind": "text", "where": "blocks/0", "start": -1, "before": "", "after": "x"},
        {"kind": "text", "where": "blocks/0", "start": 0, "before": "", "after": "x" * 20_000},
        {"kind": "metadata", "where": "documents/0/date", "before": "2024-02-29", "after": "hôm qua"},
    ],
)
def test_nonsense_changes_nothing(client: TestClient, published: Published, edit: dict[str, object]) -> None:
    raw = published.json.read_bytes()
    answer = save(client, published.record()["this_file"], edit)
    assert answer.status_code == 422 and answer.json()["message"]
    assert published.json.read_bytes() == raw


RUN = "0b0e9f52-61b7-4a43-9e9c-6f0f5f0f4d11"


@pytest.mark.parametrize(
    ("environment", "ui"),
    [
        ({}, "http://127.0.0.1:4300"),
        ({"PREFECT_UI_URL": "https://quet.example/"}, "https://quet.example"),
        ({"PREFECT_SERVER_UI_API_URL": "http://quet:4200/api"}, "http://quet:4200"),
    ],
)
def test_a_document_leads_to_its_run_and_the_report_of_the_run_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], ui: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = Settings(home=tmp_path / "home", port=4300)
    settings.folders.make()
    record = settings.folders.published / "2024" / "văn bản.json"
    record.parent.mkdir()
    shutil.copy(publish(tmp_path / "made").json, record)
    note_run(settings.folders, record, RUN)
    report = success_report(FINE, None, review_address(settings, record))
    id = document_id("2024/văn bản.json")
    assert f"(http://127.0.0.1:4280/documents/{id})" in report
    with client_of(server.desk_of_service(settings)) as client:
        address = f'href="{ui}/runs/flow-run/{RUN}"'
        assert address in client.get("/").text and address in client.get(f"/documents/{id}").text
    note_run(settings.folders, record, '"><script>')
    with client_of(server.desk_of_service(settings)) as client:
        assert "/runs/flow-run/" not in client.get("/").text, "a note that is none leads nowhere"


def test_what_no_run_published_leads_to_none(client: TestClient, tmp_path: Path) -> None:
    assert "/runs/flow-run/" not in client.get("/").text + client.get(f"/documents/{ID}").text
    settings = Settings(home=tmp_path / "home", review_port=0)
    assert review_address(settings, settings.folders.published / "a.json") == ""
    assert review_address(Settings(home=tmp_path / "home"), Path("/elsewhere/a.json")) == ""
