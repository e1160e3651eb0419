"""The two storages do what a dictionary does, whatever objects are called, and have one winner where there are two."""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import subprocess
import sys
import threading
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.batch.storage import Changed, Storage, check_name, open_home, open_storage
from flows.settings import BadSetting, load
from tests.bucket import running_bucket
from tests.test_cli import ROOT, WITHOUT_RIGHTS, needs_rights

PARTS = [
    "a",
    "b c",
    "Báo cáo",
    unicodedata.normalize("NFD", "Báo cáo"),
    "100%41+&?#",
    "\udcff\udc80",
    "x\n\ty\x7f",
    "~",
]
"""What names are made of: Vietnamese letters in both forms, what addresses make something of, bytes that are no
UTF-8, control characters."""

NAMES = st.builds(
    lambda folders, name: "/".join([*(f"{one}.d" for one in folders), f"{name}.pdf"]),
    st.lists(st.sampled_from(PARTS) | st.text(st.characters(exclude_characters="/\0"), max_size=3), max_size=2),
    st.sampled_from(PARTS),
).filter(lambda name: all(ord(char) < 0xF1A00 or ord(char) >= 0xF1B00 for char in name))

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["put", "put_new", "put_if", "put_if_stale", "copy", "copy_stale", "delete", "delete_stale"]),
        st.integers(0, 4),
        st.integers(0, 4),
    ),
    max_size=12,
)


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with running_bucket() as address:
        yield address


@pytest.fixture(params=["folder", "bucket"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a storage may be made."""
    if request.param == "folder":
        return str(tmp_path)
    return str(request.getfixturevalue("bucket"))


def new_storage(address: str) -> Storage:
    """An empty one."""
    place = f"{address}/kho {secrets.token_hex(4)}"
    if not place.startswith("s3:"):
        Path(place).mkdir()
    return open_storage(place)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(NAMES, min_size=5, max_size=5, unique_by=os.fsencode), steps=STEPS)
def test_a_storage_does_what_a_dictionary_does(
    address: str, names: list[str], steps: list[tuple[str, int, int]]
) -> None:
    storage = new_storage(address)
    model: dict[str, bytes] = {}
    tags: dict[str, str] = {}
    for number, (what, one, other) in enumerate(steps):
        name, to, data = names[one], names[other], f"{number}".encode()
        there = name in model
        if what == "put":
            tags[name] = storage.put(name, data)
            model[name] = data
        elif what == "put_new":
            with pytest.raises(FileExistsError) if there else contextlib.nullcontext():
                tags[name] = storage.put_new(name, data)
                model[name] = data
        elif what == "put_if":
            with contextlib.nullcontext() if there else pytest.raises(Changed):
                tags[name] = storage.put_if(name, data, tags.get(name, '"none"'))
                model[name] = data
        elif what == "put_if_stale":
            with pytest.raises(Changed):
                storage.put_if(name, data, '"another"')
        elif what == "copy" and name != to:
            with contextlib.nullcontext() if there else pytest.raises(Changed):
                storage.copy(name, to, tags.get(name, '"none"'))
                model[to] = model[name]
                found = storage.look(to)
                assert found is not None
                tags[to] = found.tag
        elif what == "copy_stale" and name != to:
            with pytest.raises(Changed):
                storage.copy(name, to, '"another"')
        elif what == "delete":
            storage.delete(name, tags[name] if there else "")
            model.pop(name, None)
            tags.pop(name, None)
        elif what == "delete_stale":
            with pytest.raises(Changed) if there else contextlib.nullcontext():
                storage.delete(name, '"another"')
    listed = list(storage.list())
    assert {one.name: one.size for one in listed} == {name: len(data) for name, data in model.items()}
    assert [one.name for one in storage.list()] == [one.name for one in listed]
    for name in names:
        look = storage.look(name)
        assert (look is None) == (name not in model)
        if name in model:
            assert storage.read(name) == (model[name], tags[name])
            assert look is not None and look.tag == tags[name]
        else:
            with pytest.raises(FileNotFoundError):
                storage.read(name)
        below = {one.name for one in storage.list(name[: len(name) // 2])}
        assert below == {one for one in model if one.startswith(name[: len(name) // 2])}


def test_an_object_comes_as_it_is_and_with_its_time(address: str, tmp_path: Path) -> None:
    storage = new_storage(address)
    data = os.urandom(3_000_000)
    storage.put("a/b.pdf", data)
    found = storage.fetch("a/b.pdf", tmp_path / "b.pdf")
    assert (tmp_path / "b.pdf").read_bytes() == data
    assert found == storage.look("a/b.pdf")
    assert abs((tmp_path / "b.pdf").stat().st_mtime - found.modified) < 0.01
    with pytest.raises(FileNotFoundError):
        storage.fetch("a/c.pdf", tmp_path / "c.pdf")
    assert not (tmp_path / "c.pdf").exists()


def test_the_clock_goes_with_the_times_of_objects(address: str) -> None:
    storage = new_storage(address)
    storage.put("a", b"")
    found = storage.look("a")
    assert found is not None
    assert -1.5 < storage.clock() - found.modified < 5  # a bucket tells whole seconds


@pytest.mark.parametrize("way", ["put_new", "put_if"])
def test_of_many_one_wins(address: str, way: str) -> None:
    storage = new_storage(address)
    tag = storage.put("lease", b"") if way == "put_if" else ""
    won: list[int] = []
    begin = threading.Barrier(8)

    def run(number: int) -> None:
        begin.wait()
        with contextlib.suppress(FileExistsError, Changed):
            if way == "put_new":
                storage.put_new("lease", b"%d" % number)
            else:
                storage.put_if("lease", b"%d" % number, tag)
            won.append(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = won
    assert storage.read("lease")[0] == b"%d" % winner


@pytest.mark.parametrize(
    "name", ["", "/a", "a/", "a//b", "../a", "a/../b", "./a", "a\0b", ".nambat-lock", "a/.nambat-x/b"]
)
def test_no_name_leads_elsewhere(address: str, name: str) -> None:
    storage = new_storage(address)
    for act in (storage.read, storage.look, storage.delete, lambda one: storage.put(one, b""), storage.local):
        if act == storage.local and storage.local("a") is None:
            continue
        with pytest.raises(ValueError, match="no name"):
            act(name)
    with pytest.raises(ValueError, match="no name"):
        check_name(name)


def test_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "a.pdf").write_bytes(b"secret")
    root = tmp_path / "root"
    root.mkdir()
    (root / "folder").symlink_to(tmp_path / "secret")
    (root / "a.pdf").symlink_to(tmp_path / "secret" / "a.pdf")
    storage = open_storage(str(root))
    assert list(storage.list()) == []
    for name in ("folder/a.pdf", "a.pdf"):
        assert storage.look(name) is None
        with pytest.raises(FileNotFoundError):
            storage.fetch(name, tmp_path / "copy")
    with pytest.raises(Changed):
        storage.copy("a.pdf", "b.pdf", "")


def test_a_folder_is_listed_in_the_order_of_whole_names(tmp_path: Path) -> None:
    for name in ("b/a", "b-c", "b0", "a", "b/\udcff", "é/x"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    names = [one.name for one in open_storage(str(tmp_path)).list()]
    assert names == sorted(names, key=os.fsencode)
    assert len(names) == 6


def test_what_cannot_be_named_is_told(bucket: str) -> None:
    import s3fs

    storage = new_storage(bucket)
    prefix = storage.address.removeprefix("s3://").partition("/")[2]  # type: ignore[attr-defined]
    for key in ("ok.pdf", "a//b.pdf", "folder/", "../up.pdf"):
        s3fs.S3FileSystem().call_s3("put_object", Bucket=bucket[5:], Key=f"{prefix}/{key}", Body=b"1")
    told: list[OSError] = []
    assert [one.name for one in storage.list("", told.append)] == ["ok.pdf"]
    assert sorted(str(one.filename).removeprefix(f"{prefix}/") for one in told) == ["../up.pdf", "a//b.pdf"]


def test_a_home_has_its_folders_where_the_settings_say(tmp_path: Path) -> None:
    home = open_home(load(home=tmp_path / "home", published=tmp_path / "elsewhere"))
    (tmp_path / "home").mkdir()
    home.put("published/a/b.json", b"{}")
    home.put("claims/x.json", b"{}")
    home.put("originals/a.pdf", b"1")
    assert (tmp_path / "elsewhere/a/b.json").read_bytes() == b"{}"
    assert (tmp_path / "home/working/.leases/x.json").exists()
    assert [one.name for one in home.list("published/")] == ["published/a/b.json"]
    assert [one.name for one in home.list("originals/")] == ["originals/a.pdf"]


def test_a_bucket_that_does_not_answer_is_a_fault_that_passes(monkeypatch: pytest.MonkeyPatch, bucket: str) -> None:
    from flows.faults import StorageAway

    with pytest.raises(StorageAway, match="does not answer") as told:
        open_storage("s3://there-is-no-such-bucket").read("a")
    assert not told.value.permanent
    assert "knows" not in str(told.value) + told.value.detail


@pytest.mark.parametrize(
    "value", ["s3:/a", "http://a", "s3://key:secret@bucket", "s3://bucket/../x", "bucket", "s3://A"]
)
def test_what_is_no_bucket_is_refused(value: str) -> None:
    with pytest.raises(BadSetting, match="--bucket"):
        load(bucket=value)


@needs_rights
def test_what_nobody_may_read_is_listed_and_keeps_nothing_else_from_it(tmp_path: Path) -> None:
    (tmp_path / "kho" / "closed").mkdir(parents=True)
    for name in ("a.pdf", "closed/b.pdf", "shut.pdf", "z.pdf"):
        (tmp_path / "kho" / name).write_bytes(b"%PDF")
    (tmp_path / "kho" / "shut.pdf").chmod(0)
    (tmp_path / "kho" / "closed").chmod(0)
    code = """
import sys
from flows.batch.storage import open_storage
closed = []
print([one.name for one in open_storage(sys.argv[1]).list("", closed.append)])
print([(str(fault.filename), fault.strerror) for fault in closed])
"""
    command = [*(WITHOUT_RIGHTS if os.geteuid() == 0 else ()), sys.executable, "-c", code, str(tmp_path / "kho")]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    (tmp_path / "kho" / "closed").chmod(0o700)
    listed, closed = done.stdout.splitlines() or [done.stderr, ""]
    assert listed == "['a.pdf', 'shut.pdf', 'z.pdf']"
    assert closed == f"[({str(tmp_path / 'kho' / 'closed')!r}, 'Permission denied')]"


def test_copies_to_and_fro_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """Each holds the locks of two objects."""
    storage = open_storage(os.fspath(tmp_path))
    names = [f"{number}.pdf" for number in range(6)]
    tags = {name: storage.put(name, b"x") for name in names}

    def copy(several: list[str]) -> None:
        for name, to in itertools.pairwise(several):
            with contextlib.suppress(Changed):
                storage.copy(name, to, tags[name])

    threads = [threading.Thread(target=copy, args=(one * 5,)) for one in (names, names[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert {storage.read(name)[0] for name in names} == {b"x"}
