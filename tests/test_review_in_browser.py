"""The review page in a real browser: what is lit where, keys, mending and what it leaves in the published files."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytesseract
import pytest
from PIL import Image

from flows.host.processes import kill_tree
from flows.pipeline.revise import revise
from flows.pipeline.versions import Shelf
from flows.review.index import document_id
from flows.review.words import without_marks
from flows.service.prefect_server import free_port
from normalize.edits.edit import edit_from
from normalize.vietnamese.language import read_words
from ocr.page import Box
from tests.browser import Page, browser
from tests.review import BODY, CORRECTED, UNLIKE, UNSURE, Published, publish
from tests.service import clean_environment

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "sample_scans" / "cong_van_300.tif"

pytestmark = pytest.mark.slow

WATCH = """
window.wrongs = [];
addEventListener('securitypolicyviolation', (one) => wrongs.push(`${one.violatedDirective} ${one.blockedURI}`));
addEventListener('error', (one) => wrongs.push(one.message));
addEventListener('unhandledrejection', (one) => wrongs.push(String(one.reason)));
"""


@contextmanager
def reviewing(folder: Path, scans: Path, log: Path) -> Iterator[str]:
    """``nambat review`` over a folder; gives its address."""
    port = free_port()
    command = [sys.executable, "-m", "flows.cli", "review", str(folder), "--scans", str(scans), "--port", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=out, env=clean_environment(PYTHONPATH=str(ROOT)), start_new_session=True
        )
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30).close()
                break
            except (urllib.error.URLError, ConnectionError):
                assert process.poll() is None and time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        kill_tree(process.pid)
        process.wait()


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("browser")) as page:
        page.tab.add_init_script(WATCH)
        yield page


@pytest.fixture
def published(tmp_path: Path) -> Published:
    return publish(tmp_path)


@pytest.fixture
def address(published: Published, tmp_path: Path) -> Iterator[str]:
    with reviewing(published.folder, published.scans, tmp_path / "log") as found:
        yield f"{found}/documents/{document_id('van-ban.json')}"


def open_document(tab: Page, address: str) -> None:
    """Open it and wait for its first page, text and picture."""
    tab.open("about:blank")  # for one at another word of the same document
    tab.open(address)
    tab.wait_for("!!document.querySelector('.leaf mark')")
    tab.wait_for("[...document.querySelectorAll('.paper img')].some(one => one.naturalWidth > 0)")
    tab.wait_for("!!document.querySelector('svg.boxes rect')")


def check_quiet(tab: Page) -> None:
    """Nothing was asked of another host, nothing was blocked, nothing went wrong."""
    assert tab.run("wrongs") == []
    asked = tab.run("performance.getEntriesByType('resource').map(one => new URL(one.name).host)")
    assert set(asked) == {tab.run("location.host")}


def place_on_picture(tab: Page, rect: str) -> Box:
    """Where a rectangle of the page stands on its scan, in the scan's pixels; known once the picture is there."""
    tab.wait_for(f"!!({rect}).closest('svg').getAttribute('viewBox')")
    found = tab.run(
        f"""(() => {{ const rect = {rect}; const paper = rect.closest('.paper').getBoundingClientRect();
        const box = rect.getBoundingClientRect(); const sides = rect.closest('svg').getAttribute('viewBox').split(' ');
        const [across, down] = [sides[2] / paper.width, sides[3] / paper.height];
        return [(box.left - paper.left) * across, (box.top - paper.top) * down, (box.right - paper.left) * across,
                (box.bottom - paper.top) * down]; }})()"""
    )
    return Box(*map(round, found))


def is_about(shown: Box, box: Box, of_line: int = 0) -> bool:
    """Whether a rectangle frames a box, and little more.

    Args:
        of_line: pixels by which its line may stand above and below it.
    """
    return (
        0 <= box.left - shown.left <= 9
        and 0 <= box.top - shown.top <= 9 + of_line
        and 0 <= shown.right - box.right <= 9
        and 0 <= shown.bottom - box.bottom <= 9 + of_line
    )


def word(index: int, block: int = 0) -> str:
    return f"document.querySelectorAll('[data-where=\"blocks/{block}\"] .w')[{index}]"


def test_what_is_lit_stands_at_its_place_on_the_scan(tab: Page, address: str, published: Published) -> None:
    open_document(tab, address)
    for light, index in (("correction", CORRECTED), ("doubt", UNSURE), ("unlike", UNLIKE)):
        rect = f"document.querySelector('.sheet[data-page=\"1\"] rect.{light}')"
        tab.wait_for(f"!!({rect})")
        assert is_about(place_on_picture(tab, rect), published.boxes[1][index])
    assert not tab.run("!!document.querySelector('rect.number')")
    check_quiet(tab)


def test_kinds_are_lit_and_put_out_by_keys(tab: Page, address: str) -> None:
    open_document(tab, address)
    tab.press("4")
    tab.wait_for("!!document.querySelector('rect.number')")
    tab.press("4")
    tab.press("1")
    tab.wait_for("!document.querySelector('rect.number') && !document.querySelector('rect.correction')")
    tab.press("1")
    tab.wait_for("!!document.querySelector('rect.correction')")


def test_the_next_doubtful_place_on_a_key_and_back(tab: Page, address: str) -> None:
    open_document(tab, address)
    seen = []
    for _ in range(8):
        tab.press("n")
        time.sleep(0.6)
        seen.append(
            tab.run(
                "document.querySelector('#text .now')?.dataset.t ?? document.querySelector('#text .now')?.className"
            )
        )
    doubtful = [BODY[index] for index in sorted((CORRECTED, UNSURE, UNLIKE))]
    assert [one for one in seen if one in BODY][:6] == [*doubtful, *doubtful]
    assert tab.run("document.activeElement.classList.contains('now')")
    tab.press("Shift+N")
    time.sleep(0.6)
    assert tab.run("document.querySelector('#text .now').dataset.t") in doubtful


def test_a_word_shows_its_place_and_a_place_its_word(tab: Page, address: str, published: Published) -> None:
    open_document(tab, address)
    tab.run(f"{word(2)}.click()")
    tab.wait_for("!!document.querySelector('rect.now')")
    assert is_about(place_on_picture(tab, "document.querySelector('rect.now')"), published.boxes[1][2])
    box = published.boxes[1][4]
    at = tab.run(
        f"""(() => {{ const svg = document.querySelector('.sheet[data-page="1"] svg');
        const paper = svg.getBoundingClientRect(); const sides = svg.getAttribute('viewBox').split(' ');
        return [paper.left + {(box.left + box.right) / 2} / sides[2] * paper.width,
                paper.top + {(box.top + box.bottom) / 2} / sides[3] * paper.height]; }})()"""
    )
    tab.tab.mouse.click(*at)
    tab.wait_for(f"{word(4)}.classList.contains('now')")
    check_quiet(tab)


def test_both_sides_are_scrolled_together(tab: Page, tmp_path: Path) -> None:
    made = publish(tmp_path / "long", 8, 29)
    with reviewing(made.folder, made.scans, tmp_path / "log") as found:
        open_document(tab, f"{found}/documents/{document_id('van-ban.json')}")
        assert not tab.run("!!document.querySelector('.leaf[data-page=\"8\"] mark')")
        tab.run("document.getElementById('scan').scrollTop = document.getElementById('scan').scrollHeight")
        tab.wait_for("document.getElementById('text').scrollTop > 100")
        tab.wait_for("!!document.querySelector('.leaf[data-page=\"8\"] mark')")


def test_a_note_and_its_reference_lead_to_each_other(tab: Page, address: str) -> None:
    open_document(tab, address)
    tab.run("document.querySelector('sup.ref a').click()")
    tab.wait_for("document.activeElement.closest('#note-1') !== null")
    tab.run("document.querySelector('#note-1 a.label').click()")
    tab.wait_for("document.activeElement.id === 'ref-1'")


def test_every_control_has_a_name_and_the_help_opens(tab: Page, address: str) -> None:
    open_document(tab, address)
    nodes = tab.tools().send("Accessibility.getFullAXTree")["nodes"]
    controls = [
        one
        for one in nodes
        if one.get("role", {}).get("value") in ("button", "link", "textbox", "searchbox", "combobox")
    ]
    assert len(controls) > 15
    assert [one for one in controls if not one["ignored"] and not one.get("name", {}).get("value", "").strip()] == []
    assert tab.run("document.documentElement.lang") == "vi"
    tab.press("?")
    assert tab.wait_for("document.getElementById('keys').open")


def test_what_is_found_opens_at_its_word(tab: Page, address: str) -> None:
    tab.open(address.partition("/documents/")[0] + "/search?q=hoi+nghi")
    tab.wait_for("!!document.querySelector('.sentence a')")
    tab.run("document.querySelector('.sentence a').click()")
    tab.wait_for("!!document.querySelector('rect.now')")
    assert tab.run("document.querySelector('#text .now').dataset.t") in ("hội", "nghị")
    check_quiet(tab)


def test_words_of_strangers_do_nothing(tab: Page, tmp_path: Path) -> None:
    made = publish(tmp_path / "hostile")
    data = made.record()
    evil = "<img/src=x/onerror=wrongs.push('ran')>"
    data["blocks"][0]["text"] = data["blocks"][0]["text"].replace("Ủy", evil, 1)
    data["metadata"]["subject"] = data["documents"][0]["metadata"]["subject"] = f"{evil} </script><script>x()</script>"
    data["corrections"][0]["evidence"] = f"</script>{evil}"
    made.json.write_text(json.dumps(data, ensure_ascii=False), "utf-8")
    with reviewing(made.folder, made.scans, tmp_path / "log") as found:
        open_document(tab, f"{found}/documents/{document_id('van-ban.json')}")
        tab.run("document.querySelector('mark.correction').click()")
        tab.wait_for("!document.getElementById('card').hidden")
        check_quiet(tab)
        tab.open(found)
        assert tab.run("wrongs") == []


def say(tab: Page) -> str:
    """Wait until the page has said something, and give it."""
    return str(tab.wait_for("document.getElementById('toast').innerText", 30))


def test_a_correction_is_taken_back_a_word_typed_and_both_published(
    tab: Page, address: str, published: Published
) -> None:
    open_document(tab, address)
    tab.run(f"{word(CORRECTED)}.click()")
    tab.wait_for("!!document.getElementById('take-back')")
    assert "tố → tổ" in tab.run("document.querySelector('#card .change').textContent")
    tab.press("t")
    assert say(tab) == "Đã lưu."
    assert "xã tố chức" in published.text and "xã tố chức" in published.record()["blocks"][0]["text"]
    tab.wait_for(f"{word(CORRECTED)}.dataset.t === 'tố' && !{word(CORRECTED)}.classList.contains('correction')")
    tab.run("document.getElementById('toast').replaceChildren()")
    tab.run(f"{word(UNSURE)}.click()")
    tab.run(
        "document.querySelector('#card input').value = 'nghệ'; document.querySelector('#card form').requestSubmit()"
    )
    assert say(tab) == "Đã lưu."
    assert "hội nghệ lúc" in published.text
    assert [one["kind"] for one in published.record()["edits"]] == ["take_back", "text"]
    tab.run("document.getElementById('toast').replaceChildren()")
    tab.run("document.getElementById('undo').click()")
    assert say(tab) == "Đã hoàn tác."
    assert "hội nghị lúc" in published.text and "xã tố chức" in published.text
    check_quiet(tab)


def test_the_save_of_a_second_tab_is_refused(tab: Page, address: str, published: Published) -> None:
    open_document(tab, address)
    data = published.record()
    shelf = Shelf(published.folder, published.folder / ".nambat_review" / "staging", published.folder / "versions")
    start = " ".join(BODY).index("nghị")
    other = edit_from(
        {"kind": "text", "where": "blocks/0", "start": start, "before": "nghị", "after": "nghệ"}, "người khác"
    )
    revise(shelf, published.json, data["this_file"], [other], "người khác")
    tab.run(f"{word(CORRECTED)}.click()")
    tab.press("t")
    assert "Người khác" in say(tab)
    assert tab.run("document.getElementById('toast').className") == "bad"
    assert "xã tổ chức hội nghệ" in published.text


def test_a_fact_and_a_type_are_mended(tab: Page, address: str, published: Published) -> None:
    open_document(tab, address)
    tab.run("document.querySelector('[data-fact=\"documents/0/subject\"] .mend').click()")
    tab.run(
        "document.querySelector('#card input').value = 'Giao đất'; document.querySelector('#card form').requestSubmit()"
    )
    assert say(tab) == "Đã lưu."
    assert published.record()["metadata"]["subject"] == "Giao đất"
    tab.run("document.getElementById('toast').replaceChildren()")
    tab.run("document.querySelector('#block-0 .handle').click()")
    tab.run(
        "document.querySelector('#card select').value = 'title'; document.querySelector('#card form').requestSubmit()"
    )
    assert say(tab) == "Đã lưu."
    assert published.record()["blocks"][0]["type"] == "title"
    check_quiet(tab)


def test_paragraphs_are_parted_and_joined(tab: Page, address: str, published: Published) -> None:
    open_document(tab, address)
    tab.run(f"{word(3)}.click()")
    tab.run(
        "[...document.querySelectorAll('#card button')].find(one => one.textContent === 'Tách đoạn tại đây').click()"
    )
    assert say(tab) == "Đã lưu."
    assert published.record()["blocks"][1]["text"].startswith(BODY[3])
    tab.run("document.getElementById('toast').replaceChildren()")
    tab.run("document.querySelector('#block-0 .handle').click()")
    tab.run(
        "[...document.querySelectorAll('#card button')].find(one => one.textContent === 'Nối với đoạn sau').click()"
    )
    assert say(tab) == "Đã lưu."
    assert published.record()["blocks"][0]["text"].startswith(" ".join(BODY[:5]))


def test_words_go_into_the_list_by_keys_alone(tab: Page, tmp_path: Path) -> None:
    made = publish(tmp_path / "learned", 2)
    shelf = Shelf(made.folder, made.folder / ".staging", None, keeps_formats=True)
    for page in (0, 1):
        for before, after in (("thôn", "Pắkk"), ("giờ", "Bhôk")):
            data = made.record()
            start = data["blocks"][page]["text"].index(before)
            told = {"kind": "text", "where": f"blocks/{page}", "start": start, "before": before, "after": after}
            revise(shelf, made.json, data["this_file"], [edit_from(told, "An")], "An")
    with reviewing(made.folder, made.scans, tmp_path / "log") as found:
        tab.open(f"{found}/words?at=0")
        assert tab.run("[...document.querySelectorAll('.learned ins')].map(one => one.textContent)") == ["Bhôk", "Pắkk"]
        tab.wait_for("document.activeElement.ariaLabel === 'Nhận Bhôk'")  # the focus comes after the page
        tab.press("Enter")
        tab.wait_for("document.querySelectorAll('.learned ins').length === 1")
        tab.wait_for("document.activeElement.ariaLabel === 'Nhận Pắkk'")
        tab.press("Tab")
        tab.press("Enter")
        tab.wait_for("document.querySelector('.none') && document.querySelector('.further')")
        check_quiet(tab)
    assert read_words(made.folder / ".nambat_review" / "words.txt") == ["Bhôk"]


# -- a real scan ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample scan, read by Tesseract, in a folder of its own."""
    folder = tmp_path_factory.mktemp("sample")
    command = [sys.executable, "-m", "flows.cli", "convert", str(SAMPLE), "--out", str(folder)]
    done = subprocess.run(command, env=clean_environment(PYTHONPATH=str(ROOT)), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def read_at(picture: Image.Image, box: Box) -> str:
    """What a reader sees at a place, in small letters without marks."""
    cut = picture.crop((box.left, box.top, box.right, box.bottom))
    framed = Image.new("L", (cut.width + 40, cut.height + 40), 255)
    framed.paste(cut, (20, 20))
    return without_marks(pytesseract.image_to_string(framed, lang="vie", config="--psm 8").strip())


def test_a_sample_is_read_mended_and_found(tab: Page, sample: Path, tmp_path: Path) -> None:
    record = sample / f"{SAMPLE.name}.json"
    with reviewing(sample, SAMPLE.parent, tmp_path / "log") as found:
        tab.open(found)
        subject = json.loads(record.read_text("utf-8"))["metadata"]["subject"]
        tab.click(subject)
        tab.wait_for("!!document.querySelector('.leaf mark.correction') && !!document.querySelector('svg.boxes rect')")
        address = tab.run("location.href")

        # Corrections are lit where their words are printed.
        picture = Image.open(io.BytesIO(urllib.request.urlopen(f"{address}/pages/1/image?reduced=1").read()))
        made = [one for one in json.loads(record.read_text("utf-8"))["corrections"] if one["page"] == 1]
        lit = tab.run("document.querySelectorAll('.sheet[data-page=\"1\"] rect.correction').length")
        assert made and lit >= len({tuple(one["bbox"]) for one in made})
        boxes = [
            place_on_picture(tab, f"document.querySelectorAll('.sheet[data-page=\"1\"] rect.correction')[{index}]")
            for index in range(lit)
        ]
        assert all(any(is_about(shown, Box(*one["bbox"]), of_line=20) for shown in boxes) for one in made)
        words = tab.run(
            "[...document.querySelectorAll('.leaf[data-page=\"1\"] mark.correction')].map(one => one.dataset.t)"
        )
        printed = {without_marks(one).strip(".,;:()") for one in words}
        assert sum(any(one in read_at(picture, box) for one in printed) for box in boxes) > len(boxes) / 2

        # One is taken back, and a word is typed.
        first = "document.querySelector('.block mark.correction')"
        where = tab.run(f"{first}.closest('[data-where]').dataset.where")
        tab.run(f"{first}.click()")
        tab.wait_for("!!document.getElementById('take-back')")
        tab.press("t")
        assert say(tab) == "Đã lưu."
        tab.run("document.getElementById('toast').replaceChildren()")
        typed = f"document.querySelector('[data-where=\"{where}\"] .w:not(mark)')"
        typed_at = tab.run(f"Number({typed}.dataset.o)")
        tab.run(f"{typed}.click()")
        tab.tab.fill("#card input", "Krôngbúk")
        tab.tab.press("#card input", "Enter")
        assert say(tab) == "Đã lưu."
        data = json.loads(record.read_text("utf-8"))
        text = data["blocks"][int(where.split("/")[1])]["text"]
        assert [one["kind"] for one in data["edits"]] == ["take_back", "text"]
        assert text[typed_at:].startswith("Krôngbúk") and "Krôngbúk" in record.with_suffix(".txt").read_text("utf-8")
        back = data["edits"][0]
        assert back["before"] != back["after"]
        assert back["after"] in text and back["after"] in record.with_suffix(".txt").read_text("utf-8")

        # It is found without marks, and a tab that has not seen this may not save.
        tab.open(f"{found}/search?q=krongbuk")
        tab.tab.click(".sentence a")
        tab.wait_for("!!document.querySelector('rect.now')")
        assert tab.run("document.querySelector('#text .now').dataset.t") == "Krôngbúk"
        other = Page(tab.tab.context.new_page())
        other.open(address)
        other.wait_for("!!document.querySelector('.leaf mark')")
        tab.tab.bring_to_front()
        tab.tab.fill("#card input", "Krôngpắk")
        tab.tab.press("#card input", "Enter")
        assert say(tab) == "Đã lưu."
        other.tab.bring_to_front()
        other.run(f"{typed}.click()")
        other.tab.fill("#card input", "mất")
        other.tab.press("#card input", "Enter")
        assert "Người khác" in say(other)
        other.tab.close()
        assert "Krôngpắk" in record.with_suffix(".txt").read_text("utf-8")
        check_quiet(tab)
