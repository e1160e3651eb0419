"""What can go wrong while a scan is read: one exception a cause. What they say is in :mod:`ocr.messages`.

``ScanFault`` concerns the whole file, ``PageFault`` a single page (the others can still be published),
``ToolMissing`` the machine.
"""

from __future__ import annotations


class Fault(Exception):
    """A cause a user can understand; ``str()`` is one plain English sentence that says what to do.

    Attributes:
        vietnamese: the same sentence in Vietnamese.
        detail: the technical detail (a program's own words), possibly empty.
        permanent: whether trying again with the same file cannot help.
    """

    permanent = True

    def __init__(self, message: str, *, vietnamese: str = "", detail: str = "") -> None:
        super().__init__(message)
        self.vietnamese = vietnamese or message
        self.detail = detail

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions cross process borders by pickle, which would drop keyword arguments.
        return _rebuild, (type(self), str(self), self.vietnamese, self.detail)


def _rebuild(kind: type[Fault], message: str, vietnamese: str, detail: str) -> Fault:
    return kind(message, vietnamese=vietnamese, detail=detail)


class ScanFault(Fault):
    """The file cannot be read as a scan."""


class NotAScan(ScanFault):
    """It is not what its name says: empty, text, another format, damaged beyond reading."""


class Encrypted(ScanFault):
    """It asks for a password."""


class NoPages(ScanFault):
    """It opens, and holds no page."""


class TooLarge(ScanFault):
    """It is larger than the limits allow (bytes, pages, pixels)."""


class PageFault(Fault):
    """One page could not be rendered or read."""


class Timeout(PageFault):
    """A page took longer than its limit; the program reading it was killed."""

    permanent = False


class RenderTimeout(Timeout):
    """A page took longer than its limit to render, where half a second is usual: one more try would cost as much."""

    permanent = True


class Killed(PageFault):
    """A program that reads pages was ended from outside (SIGKILL): by the kernel for want of memory, or by a person.

    That says little about the page.
    """

    permanent = False


class ToolMissing(Fault):
    """Tesseract, its Vietnamese data or poppler is missing; the message names the package to install."""

    permanent = False
