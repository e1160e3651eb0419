"""What can keep a document from being published, beside what can go wrong while it is read (:mod:`ocr.faults`).

One exception a cause; what they say is in :mod:`flows.messages`.
"""

from __future__ import annotations

from ocr.faults import Fault, PageFault, ScanFault


class TooManyPagesFailed(ScanFault):
    """So many pages could not be read that publishing the rest would mislead."""


class TooManyPagesTimedOut(TooManyPagesFailed):
    """The same, and some of them took too long or their reader died: under less load they may be read."""

    permanent = False


class TookTooLong(ScanFault):
    """The document's time is up."""


class WorkerDied(PageFault):
    """A worker process crashed in the middle of a call."""

    permanent = False


class CrashedTooOften(Fault):
    """The process that worked on a document died again and again."""


class Cancelled(Fault):
    """A person cancelled the run."""


class ShareAway(Fault):
    """A folder's network share is not mounted; ``str()`` says what to do."""

    permanent = False


class Passing(Fault):
    """A trouble of the machine that may pass: a full disk, no memory, a missing permission."""

    permanent = False
