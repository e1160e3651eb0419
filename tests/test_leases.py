"""Leases: of all who want a document one has it, and what a dead one left is taken over by the storage's clock."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from flows.batch.folder_storage import FolderStorage
from flows.batch.leases import Lease, Leases, Lost, open_leases, place_of, read_lease
from flows.batch.storage import Stored
from flows.host import heartbeat
from flows.settings import Settings, load
from tests.intake import dead_owner


@dataclass(frozen=True, slots=True)
class Timed(FolderStorage):
    """A folder whose clock, and whose times, a test sets; nobody else's clock has to do with it."""

    @property
    def now(self) -> float:
        return float((self.root / ".nambat-now").read_text())

    def set(self, seconds: float) -> None:
        (self.root / ".nambat-now").write_text(str(seconds))

    def clock(self) -> float:
        return self.now

    def look(self, name: str) -> Stored | None:
        found = FolderStorage.look(self, name)
        if found is None:
            return None
        times = self.root / ".nambat-times" / name.replace("/", "_") / found.tag
        if not times.exists():
            times.parent.mkdir(parents=True, exist_ok=True)
            times.write_text(str(self.now))
        return Stored(found.name, found.size, found.tag, float(times.read_text()))

    def put_new(self, name: str, data: bytes) -> str:
        tag = FolderStorage.put_new(self, name, data)
        self.look(name)
        return tag

    def put_if(self, name: str, data: bytes, tag: str) -> str:
        new = FolderStorage.put_if(self, name, data, tag)
        self.look(name)
        return new


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(home=tmp_path / "home", claim_timeout=100)


@pytest.fixture
def storage(tmp_path: Path) -> Timed:
    root = tmp_path / "storage"
    root.mkdir()
    made = Timed(root)
    made.set(1000)
    return made


A, B = "aaaaaaaa-1:1:1", "bbbbbbbb-1:2:2"
"""Processes of two other machines."""


def test_two_never_hold_one(storage: Timed, settings: Settings) -> None:
    a, b = Leases(storage, settings, A), Leases(storage, settings, B)
    lease = a.take("", "inbox/a.pdf", "1")
    assert lease is not None
    assert b.take("", "inbox/a.pdf", "1") is None
    assert b.take("", "inbox/b.pdf", "1") is not None
    a.end(lease)
    assert b.take("", "inbox/a.pdf", "1") is not None
    assert {one.name for one in open_leases(storage)} == {"inbox/a.pdf", "inbox/b.pdf"}


def test_the_same_name_elsewhere_is_another_document() -> None:
    assert place_of("", "a.pdf") != place_of("/archive", "a.pdf")
    assert place_of("", "\udcff.pdf").startswith("claims/")


def test_one_that_is_not_renewed_is_taken_over_by_the_clock_of_the_storage(storage: Timed, settings: Settings) -> None:
    a, b = Leases(storage, settings, A), Leases(storage, settings, B)
    lease = a.take("", "a.pdf", "1")
    assert lease is not None
    storage.set(1099)
    assert b.take("", "a.pdf", "1") is None
    a.begin(lease, 0)  # renewed
    storage.set(1190)
    assert b.take("", "a.pdf", "1") is None
    storage.set(1200)
    taken = b.take("", "a.pdf", "1")
    assert taken is not None
    assert (taken.owner, taken.attempts) == (B, 1)
    with pytest.raises(Lost):
        a.confirm(lease)
    assert a.is_lost(lease)
    with pytest.raises(Lost):
        a.end(lease)
    b.confirm(taken)  # and nothing of that took it from him


def test_one_whose_process_is_dead_is_taken_over_at_once(storage: Timed, settings: Settings) -> None:
    settings.folders.make()
    for begins, attempts in ((False, 0), (True, 1)):
        dead = Leases(storage, settings, dead_owner())
        lease = dead.take("", "a.pdf", "1")
        assert lease is not None
        if begins:
            dead.begin(lease, 0)
        leases = Leases(storage, settings)
        taken = leases.take("", "a.pdf", "1")
        assert taken is not None
        assert (taken.owner, taken.attempts) == (heartbeat.identity(), attempts)
        leases.end(taken)


@pytest.mark.parametrize(("alone", "attempts"), [(True, [0, 1, 1, 2, 3]), (False, [0, 1, 1, 1, 1])])
def test_attempts_count_only_while_they_get_no_further_and_once_among_others(
    storage: Timed, settings: Settings, alone: bool, attempts: list[int]
) -> None:
    counted = []
    for pages in (0, 0, 3, 3, 3):
        leases = Leases(storage, settings, f"aaaaaaaa-1:{len(counted)}:1")
        lease = leases.take("", "a.pdf", "1")
        assert lease is not None
        counted.append(leases.begin(lease, pages, alone=alone).attempts)
        storage.set(storage.now + 1000)
    assert counted == attempts
    leases = Leases(storage, settings, B)
    lease = leases.take("", "a.pdf", "another scan of that name")
    assert lease is not None
    assert (lease.attempts, lease.pages_done) == (0, 0)


def test_what_is_put_off_is_free_and_remembers_its_tries(storage: Timed, settings: Settings) -> None:
    for tries in (0, 1, 2):
        leases = Leases(storage, settings, f"aaaaaaaa-1:{tries}:1")
        lease = leases.take("", "a.pdf", "1")
        assert lease is not None
        assert (lease.tries, lease.attempts) == (tries, 0)
        leases.put_off(lease)
    assert Leases(storage, settings, B).take("", "a.pdf", "1") is not None


def test_a_lease_is_renewed_by_itself_and_given_up_at_the_end(storage: Timed, settings: Settings) -> None:
    with Leases(storage, settings, A, renewed_every=0.05) as leases:
        lease = leases.take("", "a.pdf", "1")
        assert lease is not None
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            found = read_lease(storage, lease.place)
            assert found is not None
            if found[0].renewed > 2:
                break
            time.sleep(0.02)
        assert found is not None and found[0].renewed > 2
    assert list(open_leases(storage)) == []


def test_one_that_is_damaged_is_nobodys(storage: Timed, settings: Settings) -> None:
    storage.put(place_of("", "a.pdf"), b"{")
    assert Leases(storage, settings, A).take("", "a.pdf", "1") is not None


def test_only_what_nobody_holds_is_cleared(storage: Timed, settings: Settings) -> None:
    a, b = Leases(storage, settings, A), Leases(storage, settings, B)
    a.take("", "a.pdf", "1")
    b.clear("", "a.pdf")
    assert len(list(open_leases(storage))) == 1
    storage.set(2000)
    b.clear("", "a.pdf")
    assert list(open_leases(storage)) == []


STEPS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(["take", "confirm", "end", "put_off", "die", "wait", "wait long"])),
    max_size=25,
)


@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_they_do_one_at_most_is_sure_to_hold_it(
    storage: Timed, settings: Settings, steps: list[tuple[int, str]]
) -> None:
    """A worker is sure right after a confirmation: that is when he publishes."""
    for stored in list(storage.list()):
        storage.delete(stored.name)
    names = iter(range(1000))
    workers = [Leases(storage, settings, f"aaaaaaaa-1:{next(names)}:1") for _ in range(3)]
    held: list[Lease | None] = [None, None, None]
    holder: int | None = None
    for number, what in steps:
        lease = held[number]
        if what == "wait":
            storage.set(storage.now + 60)
        elif what == "wait long":
            storage.set(storage.now + 101)
        elif what == "die":
            workers[number] = Leases(storage, settings, f"aaaaaaaa-1:{next(names)}:1")
            held[number] = None
        elif what == "take" and lease is None:
            held[number] = workers[number].take("", "a.pdf", "1")
            if held[number] is not None:
                holder = number
        elif lease is not None:
            try:
                {"confirm": workers[number].confirm, "end": workers[number].end, "put_off": workers[number].put_off}[
                    what if what != "take" else "confirm"
                ](lease)
                assert holder == number
                if what in ("end", "put_off"):
                    held[number] = None
            except Lost:
                assert holder != number
                held[number] = None


def test_of_many_threads_one_takes_it(storage: Timed, settings: Settings) -> None:
    got: list[int] = []

    def run(number: int) -> None:
        if Leases(storage, settings, f"aaaaaaaa-1:{number}:1").take("", "a.pdf", "1") is not None:
            got.append(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1
