"""What lies in which folder of the service, and why, for people."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import PurePosixPath

from flows.host import heartbeat
from flows.host.names import readable
from flows.intake.claims import Claim, ClaimStore
from flows.intake.inbox import list_inbox
from flows.intake.quarantine import quarantined_files
from flows.language import N_, _, shown_time
from flows.pipeline import publish
from flows.retold import retold


@dataclass(frozen=True, slots=True)
class Held:
    """A file and why it is where it is.

    Attributes:
        where: ``inbox``, ``working`` or ``quarantine``.
        name: path below that folder.
        why: one sentence.
    """

    where: str
    name: str
    why: str


def status(store: ClaimStore, hindrance: str = "") -> tuple[dict[str, int], list[Held]]:
    """How many files lie in each folder, and those that are not done, with the reason.

    Args:
        hindrance: why nothing is taken from the inbox now, if so.
    """
    folders = store.folders
    listing = list_inbox(folders.inbox)
    waiting = _("not taken now: {why}").format(why=hindrance) if hindrance else _("waiting to be taken")
    held = [Held("inbox", path, waiting) for path in sorted(listing.files)]
    held += [Held("inbox", path, why) for path, why in listing.refused.items()]
    working = store.open_claims()
    known = {claim.hidden_name for claim in working}
    hidden = [path for path in sorted(listing.hidden) if PurePosixPath(path).name not in known]
    held += [Held("inbox", path, _(LEFT_BEHIND)) for path in hidden]
    held += [Held("working", claim.name, _whereabouts(store, claim)) for claim in working]
    quarantined = quarantined_files(store)
    held += [Held("quarantine", os.fspath(path.relative_to(folders.quarantine)), why) for path, why in quarantined]
    counts = {
        "inbox": len(listing.files),
        "working": len(working),
        "published": sum(1 for _ in publish.scans_in(folders.published, (".json",))),
        "originals": len(list_inbox(folders.originals).files),
        "quarantine": len(quarantined),
    }
    return counts, held


def as_record(counts: dict[str, int], held: list[Held]) -> dict[str, object]:
    """What :func:`status` gives, for JSON."""
    not_done = [{"where": one.where, "name": readable(one.name), "why": readable(one.why)} for one in held]
    return {"files": counts, "not_done": not_done}


LEFT_BEHIND = N_("a scan that was held here while its folder was moved; rename it, and it is read")


def _whereabouts(store: ClaimStore, claim: Claim) -> str:
    if claim.is_put_off:
        at = shown_time(claim.not_before, store.settings.timezone)
        return _("tried again at {time}: {why}").format(time=at, why=retold(claim.why))
    if not store.is_owner_alive(claim):
        return _("left by a service that stopped; the next start takes it back")
    if claim.host in ("", heartbeat.host()):
        return _("being read") if claim.running else _("waiting for its turn")
    said = _("being read on {host}") if claim.running else _("waiting for its turn on {host}")
    return said.format(host=claim.host)
