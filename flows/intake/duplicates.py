"""The same scan twice is read once: the second is answered with a copy of the first one's files.

``working/.contents/`` remembers which content was published under which name, one line each. That is a hint
only: a copy is made from a published JSON that still names the same content and whose files are all as it says.
Where that fails, because someone moved or mended the text, the scan is simply read again.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from flows.host.locks import locked
from flows.host.moves import Gone, below, read_below
from flows.host.names import readable
from flows.intake.claims import Claim, ClaimStore
from flows.pipeline import publish, stages
from flows.pipeline.outcome import Outcome, outcome_of
from flows.pipeline.parts import all_sets
from flows.pipeline.stages import PublishPlan
from flows.pipeline.strangers import Place, place_for, published_under
from flows.pipeline.versions import replace_published
from flows.settings import Settings


@dataclass(frozen=True, slots=True)
class Twin:
    """A document that was published from the same bytes.

    Attributes:
        name: of its scan below the inbox.
        data: its JSON.
        texts: format -> content of its other files.
        outcome: what its run came to, without files and changes.
    """

    name: str
    data: dict[str, Any]
    texts: dict[str, bytes]
    outcome: Outcome


@contextlib.contextmanager
def content_lock(store: ClaimStore, sha256: str) -> Iterator[None]:
    """Hold the right to work on a content, so that its twins wait and are then copied."""
    # A few thousand locks for all contents: two documents seldom share one, and then only wait for each other.
    with locked(store.folders.working / ".contents" / f"{sha256[:3]}.lock"):
        yield


def remember(store: ClaimStore, sha256: str, name: str, version: str, claim_id: str = "") -> None:
    """Note that a content was published under the name that its scan had below the inbox.

    Args:
        claim_id: the claim that held the scan: by it a run that is started once more finds the scan again.

    Raises:
        OSError: it cannot be noted; the next twin is read again then.
    """
    made = made_with(store.settings, version)
    _note(store, {"sha256": sha256, "name": os.fsencode(name).hex(), "made": made, "claim": claim_id})


def forget(store: ClaimStore, sha256: str) -> None:
    """Note that a content is to be read anew, whatever is published of it.

    Raises:
        OSError: it cannot be noted.
    """
    _note(store, {"sha256": sha256, "name": "", "made": ANEW})


ANEW = "anew"
"""Stands in place of what a content was made with."""


def _note(store: ClaimStore, note: dict[str, str]) -> None:
    path = _notes(store, note["sha256"])
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(note) + "\n")


def names_of(store: ClaimStore, sha256: str) -> list[str]:
    """The names below the inbox under which a content was published, the latest first."""
    found = [name for noted, name, _ in _published(_notes(store, sha256)) if noted == sha256]
    return list(dict.fromkeys(reversed(found)))


def published_by(store: ClaimStore, claim_id: str) -> tuple[str, str] | None:
    """Hash and name of the scan that was published under a claim; ``None`` if that was not noted."""
    for path in sorted((store.folders.working / ".contents").glob("*.jsonl")):
        for sha256, name, claim in _published(path):
            if claim == claim_id != "":
                return sha256, name
    return None


def _published(path: Path) -> Iterator[tuple[str, str, str]]:
    """Hash, name and claim of each line that tells of something published."""
    with contextlib.suppress(OSError):
        for line in path.read_text("utf-8", "replace").splitlines():
            with contextlib.suppress(ValueError, KeyError, TypeError, RecursionError):
                note = json.loads(line)
                if note["made"] != ANEW:
                    yield str(note["sha256"]), os.fsdecode(bytes.fromhex(note["name"])), str(note.get("claim", ""))


def targets_of(store: ClaimStore, name: str) -> dict[str, Path]:
    """Where the files of a document go whose scan has a name below the inbox, by their format."""
    names = publish.output_names(name, store.settings.formats, store.settings.split != "off")
    return {form: below(store.folders.published, os.fspath(place)) for form, place in names.items()}


def is_published(store: ClaimStore, claim: Claim) -> bool:
    """Whether a document made from the very bytes of a claim's scan is published under its name.

    Raises:
        OSError: what is published cannot be looked at.
    """
    for _, data in published_under(targets_of(store, claim.name), store.folders.published):
        with contextlib.suppress(KeyError, TypeError):
            if data["source"]["sha256"] == claim.sha256 != "":
                return True
    return False


def find_twin(store: ClaimStore, sha256: str, version: str) -> Twin | None:
    """A document that is published, whole and untouched, from the same bytes with the same settings."""
    made = made_with(store.settings, version)
    with contextlib.suppress(OSError):
        for line in reversed(_notes(store, sha256).read_text("utf-8", "replace").splitlines()):
            with contextlib.suppress(ValueError, KeyError, TypeError, RecursionError, OSError, Gone):
                note = json.loads(line)
                if (note["sha256"], note["made"]) == (sha256, ANEW):
                    return None
                if (note["sha256"], note["made"]) == (sha256, made):
                    return _read_twin(store, os.fsdecode(bytes.fromhex(note["name"])), sha256)
    return None


def _notes(store: ClaimStore, sha256: str) -> Path:
    return store.folders.working / ".contents" / f"{sha256[:2]}.jsonl"


def made_with(settings: Settings, version: str = "") -> str:
    """A short mark of all that makes a document of pages.

    Args:
        version: nambat's; the one that runs if it is left out.
    """
    version = version or importlib.metadata.version("nambat")
    all_that = (
        *(version, settings.dpi, settings.repair, settings.footnotes, settings.formats, settings.split),
        *(settings.max_pixels, settings.failed_page_share, settings.failed_pages_least),
        *(os.getenv("TESSDATA_PREFIX"), _own_words()),
    )
    return hashlib.sha256(repr(all_that).encode()).hexdigest()[:12]


def _own_words() -> str:
    """A hash of the office's own words, which the settings name by their file only."""
    path = os.getenv("NAMBAT_WORDS")
    try:
        return stages.digest(Path(path)) if path else ""
    except OSError:
        return f"not to be read: {path}"


def _read_twin(store: ClaimStore, name: str, sha256: str) -> Twin:
    """The published document of that name, if it is whole and of this content.

    Raises:
        ValueError, KeyError, TypeError, OSError, Gone: it is not.
    """
    root = store.folders.published
    targets = targets_of(store, name)
    used = (one for one, data in published_under(targets, root) if data["source"]["sha256"] == sha256)
    places = next(used, targets)
    files = {form: read_below(root, os.fspath(place.relative_to(root))) for form, place in places.items()}
    record = files.pop("json")
    data = json.loads(record)
    if data["source"]["sha256"] != sha256 or not publish.is_as_written(record):
        raise ValueError("another content, or changed since")
    if not _are_as_listed(data, files.values()):
        raise ValueError("changed since")
    twin_outcome = replace(outcome_of(data, "", store.settings.low_confidence, copy_of=readable(name)), changes=())
    return Twin(name, data, files, twin_outcome)


def _are_as_listed(data: dict[str, Any], texts: Any) -> bool:
    listed = [entry["sha256"] for entry in data["files"]]
    return listed == [hashlib.sha256(text).hexdigest() for text in texts]


def publish_copy(twin: Twin, name: str, plan: PublishPlan) -> Outcome:
    """Publish a twin's files under the name of another scan. Its JSON then says so: ``source.copy_of``.

    For the twin's own name nothing is written. Where another document's text has the name, it gets one of its own, as
    a document that was read would.

    Args:
        name: of the other scan below the inbox.
        plan: where its files go.

    Raises:
        Passing: a link or a folder lies in the way.
        OSError: a file cannot be written; nothing is half-written.
    """
    place, kept = Place(dict(plan.targets)), []
    if plan.tells_strangers:
        place = place_for(twin.data, plan.targets, plan.shelf.root, plan.low_confidence, plan.timezone)
    targets = place.targets
    if name != twin.name:
        original = twin.data["source"].get("copy_of", readable(twin.name))
        shown = readable(PurePosixPath(name).name)
        data = {**twin.data, "source": {**twin.data["source"], "name": shown, "copy_of": original}}
        texts = {target: twin.texts[form] for form, target in targets.items() if form != "json"}
        whole = publish.manifest(data, {os.fsdecode(target.name): text for target, text in texts.items()})
        sets = all_sets(targets, plan.shelf.root)
        kept = replace_published({**texts, targets["json"]: whole}, sets, data["source"]["sha256"], plan.shelf)
    return replace(
        twin.outcome,
        name=readable(name),
        files=tuple(targets.values()),
        kept=tuple(kept),
        replaced=place.replaced,
        beside=place.beside,
    )
