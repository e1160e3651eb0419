"""Signs of life: who a process is, and how long its claims are its own."""

from __future__ import annotations

import json
import os
import threading

import pytest

from flows.host import heartbeat
from flows.host.files import replace_file
from flows.intake.claims import ClaimStore
from flows.intake.sweep import sweep
from flows.serve import _served_elsewhere
from flows.service.record import record_of_service
from flows.settings import Folders, load
from tests.intake import OTHER, FakeServer, beats, dead_owner, places, take_one
from tests.waiting import wait_until


def test_identities(folders: Folders) -> None:
    assert heartbeat.pid_of(folders, heartbeat.identity()) == os.getpid()
    assert heartbeat.pid_of(folders, dead_owner()) is None
    boot, pid, started = heartbeat.identity().split(":")
    # The pid was given to a later process.
    later = started[:-1] + ("1" if started[-1] != "1" else "2")
    assert heartbeat.pid_of(folders, f"{boot}:{pid}:{later}") is None
    assert heartbeat.pid_of(folders, "") is None


@pytest.mark.parametrize(("seconds_ago", "place"), [(1, "working"), (119, "working"), (1000, "inbox"), (None, "inbox")])
def test_claims_of_another_machine_are_its_own_while_it_lives(
    folders: Folders, seconds_ago: float | None, place: str
) -> None:
    server, store = FakeServer(), ClaimStore(load(home=folders.home, settle=1000, claim_timeout=120))
    take_one(store, OTHER, running=True)
    if seconds_ago is not None:
        beats(folders, OTHER, seconds_ago)
    sweep(store, heartbeat.identity(), server.runs)
    assert places(folders, "a.pdf") == [place]


def test_a_process_beats_as_long_as_it_works(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "BEAT", 0.02)
    own = heartbeat.identity()
    beats(folders, OTHER, 2 * 86400)
    with heartbeat.beating(folders):
        beats(folders, own, 500)
        wait_until(lambda: heartbeat.beat(folders, OTHER) - (heartbeat.last_beat(folders, own) or 0) <= 100, 10)
    assert heartbeat.last_beat(folders, own) is None
    for name in ("", "../../etc/passwd", ".hidden"):
        assert heartbeat.last_beat(folders, name) is None


def test_the_long_silent_are_forgotten(folders: Folders) -> None:
    beats(folders, OTHER, 2 * 86400)
    with heartbeat.beating(folders):
        assert heartbeat.last_beat(folders, OTHER) is None


@pytest.mark.parametrize("lives", [True, False])
def test_a_service_on_another_machine_is_noticed_and_a_dead_one_is_not(
    folders: Folders, monkeypatch: pytest.MonkeyPatch, lives: bool
) -> None:
    """A share's locks may not reach from one machine to the other; one that was killed just now beats no more."""
    monkeypatch.setattr(heartbeat, "BEAT", 0.1)
    assert not _served_elsewhere(folders)
    replace_file(record_of_service(folders), json.dumps({"owner": OTHER, "api": "", "server": ""}).encode())
    beats(folders, OTHER, 0.5)
    over = threading.Event()

    def go_on() -> None:
        while not over.wait(0.05):
            heartbeat.beat(folders, OTHER)

    thread = threading.Thread(target=go_on)
    if lives:
        thread.start()
    try:
        assert _served_elsewhere(folders) is lives
    finally:
        over.set()
        if lives:
            thread.join()
