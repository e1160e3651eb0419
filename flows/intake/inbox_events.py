"""What the kernel tells of the inbox (inotify): that something moved there, and which file its writer has closed.

Whoever has closed a file after writing to it, or has moved it here, is done with it as far as anybody can tell; without
such word a file must first have lain still for a while. Nothing here is needed: other machines' writers on a share send
no events, nor does a kernel without inotify.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Callable
from pathlib import Path

from inotify_simple import Event, INotify, flags

MASK = (
    *(flags.CREATE, flags.MODIFY, flags.CLOSE_WRITE, flags.ATTRIB, flags.DELETE, flags.MOVED_FROM, flags.MOVED_TO),
    *(flags.ONLYDIR, flags.EXCL_UNLINK),
)

GATHERED = 100
"""Milliseconds from the first event to the reading of all that came with it."""


class EventsLost(Exception):
    """What happened is not fully known: watch anew, and look everywhere."""


class InboxEvents:
    """The events of a folder and its subfolders. For one thread; :meth:`close` it after use.

    Args:
        inbox: may be a link; links in it are not followed.
        quiet: seconds without an event after which a file that its writer closed counts as settled.
        clock: gives seconds.

    Raises:
        OSError: they are not to be had: the user watches too many folders, or the kernel has none.
    """

    def __init__(self, inbox: Path, quiet: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._inbox, self._quiet, self._clock = inbox, quiet, clock
        self._folders: dict[int, str] = {}
        self._closed: dict[str, float] = {}
        self._inotify = INotify()
        try:
            self._watch("")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Watch no longer."""
        self._inotify.close()

    def wait(self, seconds: float) -> bool:
        """Return once something has happened (true), or after so many seconds (false).

        Raises:
            EventsLost: not all were told; make another one of these.
            OSError: there are no more to be had.
        """
        events = self._inotify.read(timeout=max(0, int(seconds * 1000)), read_delay=GATHERED)
        for event in events:
            self._note(event)
        return bool(events)

    def is_settled(self, path: str) -> bool:
        """Whether its writer closed or moved a file, of a path below the inbox, and nothing has happened to it since.

        Asks for what has happened up to now.
        """
        self.wait(0)
        at = self._closed.get(path)
        return at is not None and self._clock() >= at + self._quiet

    def next_settled(self, after: float) -> float | None:
        """When, after a time, the next file will count as settled if nothing happens to it; ``None`` if none will."""
        return min((at + self._quiet for at in self._closed.values() if at + self._quiet > after), default=None)

    def _note(self, event: Event) -> None:
        if event.mask & (flags.Q_OVERFLOW | flags.UNMOUNT):
            raise EventsLost("there were too many")
        folder = self._folders.get(event.wd)
        if event.mask & flags.IGNORED:
            self._folders.pop(event.wd, None)
            if folder == "":
                raise EventsLost("the inbox itself was removed")
            return
        if folder is None or not event.name:
            return
        path = f"{folder}{event.name}"
        if event.mask & flags.ISDIR:
            if event.mask & flags.MOVED_FROM:
                raise EventsLost("a folder was moved")  # its watch goes on under the old name
            if event.mask & (flags.CREATE | flags.MOVED_TO):
                self._watch(f"{path}/", came_whole=bool(event.mask & flags.MOVED_TO))
        elif event.mask & (flags.CLOSE_WRITE | flags.MOVED_TO):
            self._closed[path] = self._clock()
        elif event.mask & flags.ATTRIB and path in self._closed:
            self._closed[path] = self._clock()  # as a copy does last, to keep the time stamps
        else:
            self._closed.pop(path, None)

    def _watch(self, below: str, came_whole: bool = False) -> None:
        """Watch a folder and all below it.

        Args:
            came_whole: whether it was moved here with all that is in it.
        """
        follow = 0 if below == "" else flags.DONT_FOLLOW
        try:
            number = self._inotify.add_watch(self._inbox / below.rstrip("/"), sum(MASK) | follow)
        except OSError as fault:
            if below and fault.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EACCES, errno.ENAMETOOLONG):
                return  # gone again, a link, or not to be looked into
            raise
        self._folders[number] = below
        with contextlib.suppress(OSError), os.scandir(self._inbox / below) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    self._watch(f"{below}{entry.name}/", came_whole)
                elif came_whole:
                    self._closed[f"{below}{entry.name}"] = self._clock()
