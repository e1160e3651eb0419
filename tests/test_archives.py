"""ZIP files: names in every code, and no trust in what an archive says of itself."""

from __future__ import annotations

import io
import json
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.pipeline import archives
from flows.pipeline.archives import folder_of, is_archive, left_whole, open_archives, unpack
from ocr.faults import Encrypted, Fault, NotAScan, TooLarge
from tests.bad_inputs import good_pdf, picture
from tests.test_cli import nambat, published

PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(60)
MOST = 10_000_000


def zipped(files: dict[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", packing) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def renamed(old: str, new: bytes, *, utf8: bool = False) -> bytes:
    """An archive of one PDF whose name is these bytes, which the archive says to be UTF-8, or does not."""
    assert len(old) == len(new)
    data = bytearray(zipped({old: PDF}).replace(old.encode(), new))
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(mark) + flags
        struct.pack_into("<H", data, at, 0x800 if utf8 else 0)
    return bytes(data)


def unpacked(folder: Path, data: bytes, most: int = MOST) -> archives.Unpacking:
    path = folder / "hồ sơ.zip"
    path.write_bytes(data)
    return unpack(path, folder / "out", most)


def names(folder: Path, data: bytes) -> list[str]:
    return [str(scan.name) for scan in unpacked(folder, data).scans]


# -- what is a scan ------------------------------------------------------------------------------------------------


def test_each_scan_comes_out_and_the_rest_is_told(tmp_path: Path) -> None:
    files = {
        "Báo cáo.pdf": PDF,
        "ảnh/trang 1.png": PNG,
        "without_suffix": b"\x00\x01 head of a mail\n" + PDF,
        "not_really.pdf": b"text",
        "IMG_1.HEIC": b"\0\0\0\x18ftypheic" + bytes(40),
        "to_trinh.docx": zipped({"[Content_Types].xml": b"<Types/>"}),
        "phieu.xml": b"<xml/>",
        "Thumbs.db": PDF,
        "__MACOSX/._Báo cáo.pdf": PDF,
        "thư mục/": b"",
    }
    found = unpacked(tmp_path, zipped(files))
    assert [(str(scan.name), scan.fault) for scan in found.scans] == [
        (name, None) for name in ("Báo cáo.pdf", "ảnh/trang 1.png", "without_suffix", "not_really.pdf", "IMG_1.HEIC")
    ]
    assert [scan.path.read_bytes() for scan in found.scans] == [files[str(scan.name)] for scan in found.scans]
    assert [line.split(": ")[0] for line in found.others] == [
        "to_trinh.docx",
        "phieu.xml",
        "Thumbs.db",
        "__MACOSX/._Báo cáo.pdf",
    ]


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (zipped({"a.pdf": PDF}), "ZIP archive"),
        (
            zipped({"_rels/.rels": b"<x/>", "word/document.xml": b"<x/>", "[Content_Types].xml": b""}),
            "export it as PDF",
        ),
        (b"PK\x03\x04" + bytes(500), "damaged"),
    ],
)
def test_what_is_not_unpacked_is_told_for_what_it_is(tmp_path: Path, data: bytes, what: str) -> None:
    (tmp_path / "a.zip").write_bytes(data)
    assert what in str(left_whole(tmp_path / "a.zip"))


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("link.pdf")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("a.pdf", PDF)
    found = unpacked(tmp_path, out.getvalue())
    assert [str(scan.name) for scan in found.scans] == ["a.pdf"]
    assert found.others == ("link.pdf: a link",)


@pytest.mark.parametrize("inner", [zipped({"a.pdf": PDF}), b"Rar!\x1a\x07" + bytes(400), b"7z\xbc\xaf\x27\x1c" + PDF])
@pytest.mark.parametrize("name", ["inner.zip", "inner.pdf", "inner"])
def test_an_archive_in_an_archive_is_kept_and_not_opened(tmp_path: Path, inner: bytes, name: str) -> None:
    (scan,) = unpacked(tmp_path, zipped({name: inner})).scans
    assert "in an archive" in str(scan.fault)
    assert scan.path.read_bytes() == inner


# -- names ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "utf8", "name"),
    [
        ("Tờ trình số 5.pdf".encode(), True, "Tờ trình số 5.pdf"),
        ("Tờ trình số 5.pdf".encode(), False, "Tờ trình số 5.pdf"),
        (unicodedata.normalize("NFD", "Tờ trình.pdf").encode(), True, "Tờ trình.pdf"),
        (b"B\xe1o c\xe1o quy\xec 3.pdf", False, "Báo cáo quý 3.pdf"),  # cp1258, ready letters
        ("Quye\u0302\u0301t đi\u0323nh.pdf".replace("e\u0302", "ê").encode("cp1258"), False, "Quyết định.pdf"),
        (b"r\x82sum\x82.pdf", False, "résumé.pdf"),  # cp437
        (b"thu muc\\con\\a.pdf", False, "thu muc/con/a.pdf"),
        (b"./a//b.pdf", False, "a/b.pdf"),
    ],
)
def test_names_are_read_whoever_wrote_them(tmp_path: Path, raw: bytes, utf8: bool, name: str) -> None:
    assert names(tmp_path, renamed("x" * len(raw), raw, utf8=utf8)) == [name]


def test_the_name_beside_the_name_counts_if_it_belongs_to_it(tmp_path: Path) -> None:
    for crc, expected in ((zlib.crc32(b"a.pdf"), "Tờ trình.pdf"), (1, "a.pdf")):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            info = zipfile.ZipInfo("a.pdf")
            told = b"\x01" + struct.pack("<L", crc) + "Tờ trình.pdf".encode()
            info.extra = struct.pack("<HH", 0x7075, len(told)) + told
            archive.writestr(info, PDF)
        assert names(tmp_path, out.getvalue()) == [expected]


@pytest.mark.parametrize(
    "name",
    [
        "../a.pdf",
        "x/../../a.pdf",
        "/etc/a.pdf",
        "\\\\server\\a.pdf",
        "C:\\a.pdf",
        "c:a.pdf",
        "a\nb.pdf",
        "a\u202efdp.exe",
    ],
)
def test_a_name_that_leads_elsewhere_or_hides_something_refuses_the_archive(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotAScan, match="leads elsewhere"):
        unpacked(tmp_path, zipped({"good.pdf": PDF, name: PDF}))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_are_alike_are_told_apart(tmp_path: Path) -> None:
    out = io.BytesIO()
    nfd = unicodedata.normalize("NFD", "tờ.pdf")
    with zipfile.ZipFile(out, "w") as archive:
        for number, name in enumerate(("tờ.pdf", nfd, "TỜ.PDF", "tờ.pdf")):
            archive.writestr(name, PDF + bytes([number]))
    found = unpacked(tmp_path, out.getvalue())
    assert [str(scan.name) for scan in found.scans] == ["tờ.pdf", "tờ (2).pdf", "TỜ (3).PDF", "tờ (4).pdf"]
    assert [scan.path.read_bytes()[-1] for scan in found.scans] == [0, 1, 2, 3]


def test_a_long_name_is_shortened_and_keeps_its_suffix(tmp_path: Path) -> None:
    (name,) = names(tmp_path, zipped({"ộ" * 200 + ".pdf": PDF}))
    assert len(name.encode()) <= 255
    assert name.endswith(".pdf")


@given(st.text(max_size=40))
def test_no_name_leads_out_of_its_folder(name: str) -> None:
    try:
        path = archives._safe(name)
    except NotAScan:
        return
    assert not path.is_absolute()
    assert ".." not in path.parts
    assert path.parts


@pytest.mark.parametrize(
    ("name", "folder"), [("a/hồ sơ.zip", "a/hồ sơ"), ("b.2024.ZIP", "b.2024"), ("bare", "bare (zip)")]
)
def test_scans_go_where_a_person_would_unpack_them(name: str, folder: str) -> None:
    assert folder_of(name) == folder


# -- limits --------------------------------------------------------------------------------------------------------


def locked() -> bytes:
    data = bytearray(zipped({"a.pdf": PDF}))
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.find(mark) + flags] |= 1
    return bytes(data)


def lying_about_its_size() -> bytes:
    """A file of 20 MB that says it has 100 bytes."""
    data = bytearray(zipped({"a.pdf": bytes(20_000_000)}))
    for mark, size in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<L", data, data.find(mark) + size, 100)
    return bytes(data)


def cut() -> bytes:
    data = zipped({"a.pdf": PDF, "b.pdf": PDF})
    return data[: len(data) // 2]


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (locked, Encrypted),
        (cut, NotAScan),
        (lambda: b"PK\x03\x04" + bytes(900), NotAScan),
        (lambda: zipped({}), NotAScan),
        (lambda: zipped({"a.txt": b"x"}), NotAScan),
        (lambda: zipped({"[Content_Types].xml": b"", "word/media/scan.png": PNG}), NotAScan),
        (lambda: zipped({"a.pdf": bytes(11_000_000)}, zipfile.ZIP_STORED), TooLarge),
        (lambda: zipped({"a.pdf": bytes(6_000_000), "b.pdf": bytes(6_000_000)}), TooLarge),
        (lambda: zipped({f"{number}.pdf": b"" for number in range(1001)}), TooLarge),
    ],
)
def test_an_archive_that_cannot_be_opened_says_why_in_both_languages(
    tmp_path: Path, make: Callable[[], bytes], kind: type[Fault]
) -> None:
    with pytest.raises(kind) as caught:
        unpacked(tmp_path, make())
    assert caught.value.vietnamese != str(caught.value)


def test_a_64_bit_archive_is_opened_unless_its_list_is_too_long(tmp_path: Path) -> None:
    data = zipped({"a.pdf": PDF})
    at = data.rfind(b"PK\x05\x06")
    length, start = struct.unpack_from("<2L", data, at + 12)

    def made(length: int) -> bytes:
        record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, length, start)
        locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, at, 1)
        return data[:at] + record + locator + data[at:]

    assert names(tmp_path, made(length)) == ["a.pdf"]
    with pytest.raises(TooLarge):
        names(tmp_path, made(1 << 40))


@pytest.mark.parametrize(("packing", "is_opened"), [(zipfile.ZIP_BZIP2, True), (zipfile.ZIP_LZMA, False)])
def test_what_may_ask_for_much_memory_is_not_unpacked(tmp_path: Path, packing: int, is_opened: bool) -> None:
    (scan,) = unpacked(tmp_path, zipped({"a.pdf": PDF}, packing)).scans
    assert (scan.fault is None) is is_opened


def test_a_bomb_is_stopped_while_it_unpacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "_HARMLESS", 1 << 20)
    with pytest.raises(TooLarge, match="250 times"):
        unpacked(tmp_path, zipped({"a.pdf": bytes(9_000_000)}))
    assert sum(path.stat().st_size for path in tmp_path.rglob("a.pdf")) < 4 << 20


def test_what_a_file_says_of_its_size_is_not_believed(tmp_path: Path) -> None:
    (scan,) = unpacked(tmp_path, lying_about_its_size()).scans
    assert "damaged" in str(scan.fault)
    assert scan.path.stat().st_size < 2 << 20


def test_a_file_that_comes_damaged_out_of_its_archive_is_kept_with_its_reason(tmp_path: Path) -> None:
    data = zipped({"a.pdf": PDF * 50, "b.pdf": PDF}, zipfile.ZIP_STORED)
    at = data.find(PDF) + 500
    found = unpacked(tmp_path, data[:at] + b"?" + data[at + 1 :])
    assert [scan.fault is None for scan in found.scans] == [False, True]
    assert found.scans[0].path.exists()


@given(st.integers(0, 400), st.binary(min_size=1, max_size=6), st.integers(20, 5000))
def test_a_damaged_archive_ends_in_a_fault_of_ours_or_is_unpacked(
    tmp_path_factory: pytest.TempPathFactory, at: int, change: bytes, length: int
) -> None:
    data = zipped({"a.pdf": PDF, "thư mục/b.pdf": PDF * 3, "c.docx": b"x"})
    path = tmp_path_factory.getbasetemp() / "damaged.zip"
    path.write_bytes((data[:at] + change + data[at + len(change) :])[:length])
    try:
        unpack(path, tmp_path_factory.mktemp("out"), MOST)
    except Fault as fault:
        assert fault.permanent


# -- on the command line -------------------------------------------------------------------------------------------


def test_the_scans_of_an_archive_are_files_of_the_command_line(tmp_path: Path) -> None:
    first, second = tmp_path / "x" / "b.zip", tmp_path / "plain.pdf"
    first.parent.mkdir()
    first.write_bytes(zipped({"a.pdf": PDF, "c.xml": b"<c/>", "inner.zip": zipped({"d.pdf": PDF})}))
    second.write_bytes(PDF)
    opened = open_archives([(first, first.parent), (second, tmp_path)], tmp_path / "work", MOST)
    shown = first.parent / "b" / "a.pdf"
    assert opened.files == [(shown, first.parent), (second, tmp_path)]
    assert opened.places[shown].read_bytes() == PDF
    assert [name for name, _ in opened.failed] == ["b.zip/inner.zip"]
    assert opened.others == [("b.zip", "c.xml: not a scan")]


def test_a_scan_of_an_archive_does_not_take_the_place_of_one_beside_it(tmp_path: Path) -> None:
    archive, beside = tmp_path / "b.zip", tmp_path / "b" / "a.pdf"
    beside.parent.mkdir()
    beside.write_bytes(PDF)
    archive.write_bytes(zipped({"a.pdf": PDF}))
    opened = open_archives([(archive, tmp_path), (beside, tmp_path)], tmp_path / "work", MOST)
    assert len({path for path, _ in opened.files}) == 2


def test_an_archive_is_known_by_its_beginning(tmp_path: Path) -> None:
    for data, expected in ((zipped({"a.pdf": PDF}), True), (PDF + zipped({"a.pdf": PDF}), False), (b"", False)):
        (tmp_path / "a").write_bytes(data)
        assert is_archive(tmp_path / "a") is expected


def test_convert_publishes_each_scan_of_an_archive_and_tells_the_rest(tmp_path: Path) -> None:
    (tmp_path / "hồ sơ.zip").write_bytes(
        zipped({"một.pdf": good_pdf(), "thư/hai.png": picture("PNG"), "a.xml": b"<a/>"})
    )
    done = nambat("convert", tmp_path / "hồ sơ.zip", "--out", tmp_path / "out", "--repair", "off")
    assert done.returncode == 0
    assert done.stderr == "nambat: hồ sơ.zip: left in the archive: a.xml: not a scan\n"
    stems = ("hồ sơ/một", "hồ sơ/thư/hai.png")
    assert published(tmp_path / "out") == [f"{stem}.{form}" for stem in stems for form in ("json", "txt")]
    record = json.loads((tmp_path / "out/hồ sơ/một.json").read_text("utf-8"))
    assert record["source"]["name"] == "một.pdf"
