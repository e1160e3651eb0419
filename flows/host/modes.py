"""Who may see the service's folders: its own user and nobody else, or a group that is named for it.

What lies there are the papers of an office: scans, their text, names of files in Prefect's database. The folders are
the barrier; what lies in one is reached through it only. A folder for scans or text that was chosen elsewhere
(``NAMBAT_INBOX``, ``NAMBAT_PUBLISHED``) belongs to whoever made it, and is left as it is.
"""

from __future__ import annotations

import contextlib
import grp
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from flows.language import _
from flows.settings import BadSetting, Folders

OWN, ENTERED, DROPPED_INTO, READ = 0o700, 0o710, 0o2770, 0o2750
"""Modes of folders: for the service's user alone; that a group may pass through, write to, read. What is made in the
latter two gets their group."""

OWN_FILE = 0o600

PRIVATE = ("prefect", "working", "originals", "quarantine", "versions", "dismissed", "logs", "review")
"""Folders of the home that nobody else has any business in."""

KNOWN = frozenset({*PRIVATE, "inbox", "published"})


def make_private(folders: Folders, group: str = "") -> list[Path]:
    """Make the folders that are missing, and give those under the home their modes.

    Args:
        group: whose members may drop scans and read text; nobody's if empty.

    Returns:
        Folders that others can see all the same: they belong to somebody else, or their file system keeps no modes.

    Raises:
        BadSetting: this user is not in the group.
        OSError: one cannot be made.
    """
    number = number_of(group) if group else None
    made_now = not folders.home.exists()
    folders.home.mkdir(mode=OWN, parents=True, exist_ok=True)
    folders.make()
    for name in PRIVATE:
        (folders.home / name).mkdir(mode=OWN, exist_ok=True)
    wanted = _wanted(folders, number is not None)
    if made_now or _is_ours_alone(folders.home):
        wanted[folders.home] = OWN if number is None else ENTERED
    seen = [folder for folder, mode in wanted.items() if not _set(folder, mode, number)]
    for path in _files(folders.home / "prefect"):
        _set(path, OWN_FILE, None)
    if number is not None and folders.published in wanted:
        _open_to_group(folders.published, number)
    return seen


def _wanted(folders: Folders, shared: bool) -> dict[Path, int]:
    """The mode of each folder that is ours to set; a link or a mounted share is its maker's."""
    wanted = {folders.home / name: OWN for name in PRIVATE}
    for folder, mode in ((folders.inbox, DROPPED_INTO), (folders.published, READ)):
        if folder.is_relative_to(folders.home) and not (folder.is_mount() or folder.is_symlink()):
            wanted[folder] = mode if shared else OWN
    return wanted


def seen_by_others(folders: Folders) -> list[Path]:
    """Folders under the home that users of this machine can see who are neither the service's nor in its group."""
    private = [folders.home / name for name in PRIVATE]
    shared = [folder for folder in (folders.inbox, folders.published) if folder.is_relative_to(folders.home)]
    if folders.home.exists() and not folders.home.stat().st_mode & stat.S_IXOTH:
        return []
    return [folder for folder in (*private, *shared) if folder.exists() and folder.stat().st_mode & 0o007]


def number_of(group: str) -> int:
    """The number of a group that this user is in.

    Raises:
        BadSetting: it is not, or there is no such group.
    """
    try:
        number = grp.getgrnam(group).gr_gid
    except KeyError:
        raise BadSetting(
            _("NAMBAT_GROUP: no group is called {group}; make it with: groupadd {group}").format(group=group)
        ) from None
    if os.geteuid() != 0 and number not in (os.getegid(), *os.getgroups()):
        said = _("NAMBAT_GROUP: the user who runs nambat is not in the group {group}; add it to the group")
        raise BadSetting(said.format(group=group))
    return number


def _is_ours_alone(home: Path) -> bool:
    """Whether nothing but nambat's folders lies in a home: one that somebody chose for more is not closed to them."""
    return home.stat().st_uid == os.geteuid() and {entry.name for entry in home.iterdir()} <= KNOWN


def _set(path: Path, mode: int, group: int | None) -> bool:
    """Give a file or folder of ours its mode, and a shared one its group; whether nobody else can see it now."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        now = os.fstat(handle)
        with contextlib.suppress(OSError):
            if group is not None and mode & stat.S_IRWXG and now.st_gid != group:
                os.fchown(handle, -1, group)
            if stat.S_IMODE(now.st_mode) != mode:
                os.fchmod(handle, mode)
        return stat.S_IMODE(os.fstat(handle).st_mode) & ~mode & 0o077 == 0
    finally:
        os.close(handle)


def _files(folder: Path) -> Iterator[Path]:
    for root, _folders, names in os.walk(folder):
        yield from (Path(root, name) for name in names)


def _open_to_group(published: Path, group: int) -> None:
    """Let the group read what was published before it was named."""
    for root, folders, names in os.walk(published):
        for name in folders:
            _set(Path(root, name), READ, group)
        for name in names:
            _set(Path(root, name), OWN_FILE | stat.S_IRGRP, group)
