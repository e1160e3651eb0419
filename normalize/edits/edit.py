"""An edit before it is made, and what is wrong with one that cannot be.

Whoever makes one says where, what stands there and what shall stand there. :func:`normalize.edits.apply.apply` widens
it to whole words and fills in where that is on paper and what it took out of the document.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast, get_args

from normalize.document import Edit, EditKind

__all__ = ["LONGEST", "DoesNotFit", "Edit", "edit_from", "new", "typed"]

LONGEST = 10_000
"""Characters that one edit may take away or put in."""

_LONGEST_NAME = 100
_WHERE = re.compile(r"(?:blocks|dropped)/\d{1,7}|footnotes/[^/\s]{1,40}/\d{1,7}|documents/\d{1,7}/[a-z_]{1,40}")


class DoesNotFit(Exception):
    """The document is not as an edit takes it to be; ``str()`` says why."""


def new(
    kind: EditKind,
    who: str,
    where: str,
    *,
    start: int = 0,
    before: str = "",
    after: str = "",
    when: datetime | None = None,
) -> Edit:
    """An edit of somebody, to be made.

    Args:
        where, start, before, after: see :class:`Edit`. Of ``join`` and ``type`` only the place must be told, and of
            ``part`` where in the block's text the second one begins.
        when: now, if it is ``None``.
    """
    at = (when or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="seconds")
    name = typed(who)[:_LONGEST_NAME]
    return Edit(secrets.token_hex(8), kind, name, at, where, start, before, after)


def typed(text: str) -> str:
    """What a person typed, as it can stand in a text: composed letters, one space where there are several or a break.

    >>> typed(" to\u0302\u0301i\tnay\u0007 ")
    'tối nay'
    """
    shown = "".join(" " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c) not in _UNSEEN)
    return unicodedata.normalize("NFC", " ".join(shown.split()))


_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
"""What nobody sees: signs that steer a terminal or the direction of writing, halves of signs, signs that are none."""


def edit_from(data: Mapping[str, Any], who: str) -> Edit:
    """The edit that a person asks for, from outside: nothing in it is taken for granted.

    Args:
        data: ``kind``, ``where`` and, as the kind needs them, ``start``, ``before`` and ``after``.

    Raises:
        DoesNotFit: it is no edit.
    """
    kind, where, start = data.get("kind"), data.get("where"), data.get("start", 0)
    before, after = data.get("before", ""), data.get("after", "")
    if not isinstance(kind, str) or kind not in get_args(EditKind):
        raise DoesNotFit("there is no such kind of change")
    if not isinstance(where, str) or not _WHERE.fullmatch(where):
        raise DoesNotFit("there is no such place")
    if not isinstance(start, int) or isinstance(start, bool) or start < 0:
        raise DoesNotFit("a place in a text is a number from 0 up")
    if not isinstance(before, str) or not isinstance(after, str) or max(len(before), len(after)) > LONGEST:
        raise DoesNotFit(f"a change has {LONGEST:,} characters at most")
    if kind == "metadata":
        after = "\n".join(filter(None, map(typed, after.split("\n"))))
    elif kind in ("text", "tie"):
        after = _typed_inside(after)
    return new(cast(EditKind, kind), who, where, start=start, before=before, after=after)


def _typed_inside(text: str) -> str:
    """What is typed into a text: a space at its beginning or end parts it from what stands there."""
    inside = typed(text)
    if not inside:
        return " " if text and text.isspace() else ""
    return " " * text[0].isspace() + inside + " " * text[-1].isspace()
