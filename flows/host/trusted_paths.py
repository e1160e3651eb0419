"""Where modules, programs and libraries are looked for: never in the current folder, which may be a stranger's.

A clerk stands in the folder that a scan was sent in when it is converted. A ``resource.py``, a ``tesseract`` or a
``prefect.toml`` beside it is not ours. The environment is trusted, but an empty part of a list in it
(``PATH=:/usr/bin``, ``PYTHONPATH=$PYTHONPATH:/opt/x`` where there was none) means the current folder, which hardly
anyone wanted.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path

LISTS = ("PATH", "LD_LIBRARY_PATH")
"""Environment variables that list folders to take programs and libraries from."""

FILES = (
    *("NAMBAT_HOME", "NAMBAT_INBOX", "NAMBAT_PUBLISHED", "NAMBAT_WORDS", "TESSDATA_PREFIX"),
    *("PREFECT_HOME", "PREFECT_PROFILES_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR"),
)
"""Environment variables that name a file or folder, for which a relative path counts from where nambat was started."""


def import_path() -> list[str]:
    """``sys.path`` without the current folder, unless nambat itself lies there or ``PYTHONPATH`` spells it out."""
    try:
        here = os.path.realpath(Path.cwd())
    except OSError:  # it was removed
        here = ""
    spelled_out = {os.path.realpath(part) for part in _absolute(os.environ.get("PYTHONPATH", ""))}
    ours = {os.path.realpath(place) for place in (str(Path(__file__).parents[2]), *sysconfig.get_paths().values())}
    path = [str(Path(part).absolute()) for part in sys.path] if here else list(_absolute(os.pathsep.join(sys.path)))
    return [part for part in path if os.path.realpath(part) != here or here in spelled_out | ours]


def trusted_environment(given: Mapping[str, str]) -> dict[str, str]:
    """``given`` for a Python that is started from this one: nothing in it means the current folder.

    The new process finds the modules that this one finds, wherever it is started.
    """
    kept = {name: value for name, value in given.items() if name not in LISTS}
    for name in LISTS:
        if parts := list(_absolute(given.get(name, ""))):
            kept[name] = os.pathsep.join(parts)
    for name in FILES:
        if given.get(name):
            kept[name] = str(Path(given[name]).expanduser().absolute())
    return {**kept, "PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(import_path())}


def shut_out_current_folder() -> None:
    """Let this process and all that it starts take nothing from the current folder, from here on."""
    path = import_path()
    for name, value in trusted_environment(os.environ).items():
        os.environ[name] = value
    for name in LISTS:
        if not list(_absolute(os.environ.get(name, ""))):
            os.environ.pop(name, None)
    sys.path[:] = path


def stand_in(folder: Path) -> None:
    """Make a folder of ours the current one, for this process and all that it starts.

    Prefect reads ``prefect.toml``, ``pyproject.toml`` and ``.env`` from wherever it is imported.

    Raises:
        OSError: it cannot be made, or not be entered.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.chdir(folder)


def _absolute(listed: str) -> Iterator[str]:
    """The absolute paths of a list of folders."""
    return (part for part in listed.split(os.pathsep) if os.path.isabs(part))  # noqa: PTH117 - the parts are text
