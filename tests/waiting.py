"""Wait for what another process or thread does."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(what: Callable[[], T], seconds: float = 240, said: Callable[[], str] = lambda: "") -> T:
    """Ask until the answer is true, and return it.

    Args:
        said: what to show where it does not come to be in time.
    """
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, f"it did not happen in {seconds:g} s: {said()}"
        time.sleep(0.05 if seconds <= 20 else 0.2)
    return found
