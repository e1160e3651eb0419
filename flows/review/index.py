"""The index of the published documents: an SQLite file that can be deleted at any time, and is then made anew.

It knows each JSON below the published folder by size, time and inode, so that a look at what is new costs a walk over
the folder. What it keeps is written in transactions of some hundred documents: whoever is killed leaves the index as
it was before or after one. A file that is damaged is thrown away; nobody may have it open then, which a lock sees to
(``index.lock``, shared by all who read). The one thing that is nowhere else, which documents people have looked at,
lies beside it in ``looked_at/``.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import sqlite3
import stat
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TypeVar

from flows.host.files import make_folder, replace_file, try_writing
from flows.host.locks import locked
from flows.host.moves import Gone, open_regular, opened_folder
from flows.host.names import readable
from flows.language import N_
from flows.pipeline.workers import WorkerPool
from flows.review.entry import Entry, Facts, NotWhole, Text, entry_of
from flows.review.words import indexed, without_marks
from flows.settings import Folders, cores
from ocr.faults import Fault

VERSION = 4
"""Of the tables and of the words in them; an index of another version is thrown away."""

LARGEST = 256 * 1024**2
"""Bytes of a JSON that is read. A page has some 30 kB of it; 5,000 pages, the most that are read by default, 150 MB."""

BATCH, BATCH_BYTES = 500, 64 * 1024**2
"""So many documents, or so many bytes of JSON, go into one transaction."""

GATHERED = 32 * 1024**2
"""Bytes of words that are gathered in memory before they are written: those of a batch, so that little is merged."""

BUSY = 60.0
"""Seconds to wait for another process that writes a batch."""

TOO_LARGE = N_("it is too large to be one that nambat published")
CANNOT_BE_READ = N_("it cannot be read")

_FACTS = tuple(field.name for field in fields(Facts))

_TABLES = f"""
CREATE TABLE documents (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name BLOB NOT NULL UNIQUE,
    size INTEGER NOT NULL, changed INTEGER NOT NULL, inode INTEGER NOT NULL,
    is_ours INTEGER NOT NULL DEFAULT 1,
    broken TEXT NOT NULL DEFAULT '',
    scan TEXT NOT NULL DEFAULT '', sha256 TEXT NOT NULL DEFAULT '',
    pages INTEGER NOT NULL DEFAULT 0, unread INTEGER NOT NULL DEFAULT 0,
    doubtful INTEGER NOT NULL DEFAULT 0, doubt REAL NOT NULL DEFAULT 0,
    grade TEXT NOT NULL DEFAULT '', date TEXT NOT NULL DEFAULT '', state TEXT NOT NULL DEFAULT 'new'
);
CREATE INDEX newest ON documents (changed, number);
CREATE INDEX dated ON documents (date, number);
CREATE INDEX doubtful ON documents (unread, doubt, number);
CREATE TABLE parts (
    document INTEGER NOT NULL, part INTEGER NOT NULL,
    {", ".join(f"{name} TEXT NOT NULL" for name in _FACTS)},
    plain_agency TEXT NOT NULL, plain_type TEXT NOT NULL, plain_symbol TEXT NOT NULL,
    PRIMARY KEY (document, part)
) WITHOUT ROWID;
CREATE TABLE counts (
    document INTEGER NOT NULL, what TEXT NOT NULL, kind TEXT NOT NULL, many INTEGER NOT NULL,
    PRIMARY KEY (document, what, kind)
) WITHOUT ROWID;
CREATE TABLE readings (
    document INTEGER PRIMARY KEY, version TEXT NOT NULL, made_with TEXT NOT NULL, bytes INTEGER NOT NULL,
    confidences TEXT NOT NULL, poor INTEGER NOT NULL, warnings INTEGER NOT NULL, seconds REAL NOT NULL
);
CREATE TABLE put_right (
    document INTEGER NOT NULL, edit INTEGER NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL,
    PRIMARY KEY (document, edit, before, after)
) WITHOUT ROWID;
CREATE TABLE texts (document INTEGER PRIMARY KEY, packed BLOB NOT NULL);
CREATE VIRTUAL TABLE exact USING fts5 (words, content='', tokenize="ascii tokenchars '.,_'");
CREATE VIRTUAL TABLE plain USING fts5 (words, content='', tokenize="ascii tokenchars '.,_'");
INSERT INTO exact (exact, rank) VALUES ('hashsize', {GATHERED});
INSERT INTO plain (plain, rank) VALUES ('hashsize', {GATHERED});
PRAGMA user_version = {VERSION};
"""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Library:
    """Published documents, and where their index lies.

    Attributes:
        root: folder that the documents lie in and below.
        place: private folder of the index.
        passed_over: names of folders right below the root whose documents are not looked at.
    """

    root: Path
    place: Path
    passed_over: frozenset[str] = frozenset()

    @property
    def file(self) -> Path:
        return self.place / "index.sqlite"


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a look at the folder came to: documents that were read, of them broken ones, and those that are gone."""

    read: int
    broken: int
    gone: int


def of_service(folders: Folders) -> Library:
    """The documents that a service publishes.

    Raises:
        OSError: there is no place for an index.
    """
    return Library(folders.published, _writable(folders.review, folders.published))


def of_folder(folder: Path) -> Library:
    """The documents that ``nambat convert`` wrote into a folder; what it put aside in ``versions/`` is not looked at.

    Raises:
        OSError: there is no place for an index.
    """
    root = folder.absolute()
    return Library(root, _writable(root / ".nambat_review", root), frozenset({"versions"}))


def _writable(wanted: Path, root: Path) -> Path:
    """``wanted``, or a folder in the user's cache where nothing can be written there."""
    with contextlib.suppress(OSError):
        if not wanted.is_symlink():
            return _made(wanted)
    folder = _in_cache(root)
    make_folder(folder.parent)
    return _made(folder)


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    try_writing(folder)
    return folder


def _in_cache(root: Path) -> Path:
    cache = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(cache) if cache.startswith("/") else Path("~/.cache").expanduser()
    return base / "nambat" / hashlib.sha256(os.fsencode(root)).hexdigest()[:16]


def document_id(name: str) -> str:
    """The id of the document whose JSON has this path below the root: the same in every index."""
    return hashlib.sha256(os.fsencode(name)).hexdigest()[:16]


def name_of(library: Library, id: str) -> str | None:
    """The path of a document's JSON below the root; ``None`` if the index has no such id."""

    def question(connection: sqlite3.Connection) -> str | None:
        row = connection.execute("SELECT name FROM documents WHERE id = ? AND is_ours", (id,)).fetchone()
        return os.fsdecode(row[0]) if row else None

    return ask(library, question)


def ask(library: Library, question: Callable[[sqlite3.Connection], T]) -> T:
    """The answer of ``question`` to the index, which is made anew if it turns out to be damaged.

    Raises:
        OSError, sqlite3.Error: the index can be neither read nor made.
    """
    try:
        with _opened(library) as connection:
            return question(connection)
    except sqlite3.DatabaseError as fault:
        if not _is_damaged(fault):
            raise
    _throw_away(library)
    refresh(library)
    with _opened(library) as connection:
        return question(connection)


def refresh(library: Library, *, wait: bool = True) -> Refreshed:
    """Bring the index up to date with the folder.

    Args:
        wait: for another process that does so just now. Otherwise nothing is done then.

    Raises:
        OSError, sqlite3.Error: the folder cannot be looked at, or the index not be written.
    """
    with locked(library.place / "refresh.lock", wait=wait) as is_ours:
        if not is_ours:
            return Refreshed(0, 0, 0)
        try:
            with _opened(library) as connection:
                return _refreshed(library, connection)
        except sqlite3.DatabaseError as fault:
            if not _is_damaged(fault):
                raise
        _throw_away(library)
        with _opened(library) as connection:
            return _refreshed(library, connection)


def mark_looked_at(library: Library, id: str, *, looked_at: bool = True) -> None:
    """Note that somebody has looked at a document, or that nobody has. Of an unknown one nothing is noted.

    Raises:
        OSError, sqlite3.Error: it cannot be noted.
    """

    def question(connection: sqlite3.Connection) -> str | None:
        row = connection.execute("SELECT sha256 FROM documents WHERE id = ? AND broken = ''", (id,)).fetchone()
        return row[0] if row else None

    sha256 = ask(library, question)
    if sha256 is None:
        return
    mark = _mark(library, id)
    mark.parent.mkdir(mode=0o700, exist_ok=True)
    if looked_at:
        replace_file(mark, sha256.encode())
    else:
        mark.unlink(missing_ok=True)
    state = "looked at" if looked_at else "new"
    change = "UPDATE documents SET state = ? WHERE id = ? AND state != 'mended'"
    ask(library, lambda connection: connection.execute(change, (state, id)))


def _mark(library: Library, id: str) -> Path:
    return library.place / "looked_at" / id


@contextlib.contextmanager
def _opened(library: Library) -> Iterator[sqlite3.Connection]:
    """The index, with its tables; while it is open nobody throws it away."""
    lock = os.open(library.place / "index.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)
        if not library.file.exists():  # for its mode; WAL and the like get the same
            os.close(os.open(library.file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
        connection = sqlite3.connect(library.file, timeout=BUSY, isolation_level=None, check_same_thread=False)
        try:
            with contextlib.suppress(sqlite3.OperationalError):  # another process is about to say the same
                connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA cache_size = -64000")
            if _version(connection) != VERSION:
                _make_tables(connection)
            yield connection
        finally:
            connection.close()
    finally:
        os.close(lock)


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _make_tables(connection: sqlite3.Connection) -> None:
    """Make the tables in an empty file.

    Raises:
        DatabaseError: it is none; it is to be thrown away.
    """
    with _transaction(connection):
        version = _version(connection)
        if version == VERSION:  # another process was faster
            return
        if version or connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            raise Damaged("not an index of this version")
        for statement in _TABLES.split(";"):
            connection.execute(statement)


class Damaged(sqlite3.DatabaseError):
    """The file is no index of this version, or does not hold what was written."""


def _is_damaged(fault: sqlite3.DatabaseError) -> bool:
    """Whether the file is none that SQLite can use, which no waiting mends."""
    code = getattr(fault, "sqlite_errorcode", 0) & 0xFF
    return isinstance(fault, Damaged) or code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _throw_away(library: Library) -> None:
    """Remove the index when nobody has it open. One that another process made anew meanwhile is made once more."""
    with locked(library.place / "index.lock"):
        for end in ("", "-wal", "-shm", "-journal"):
            library.file.with_name(library.file.name + end).unlink(missing_ok=True)


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


@dataclass(frozen=True, slots=True)
class _Seen:
    """What tells whether a file is the one that was read."""

    size: int
    changed: int
    inode: int


def _look(status: os.stat_result) -> _Seen:
    return _Seen(status.st_size, status.st_mtime_ns, status.st_ino & (2**63 - 1))


def _refreshed(library: Library, connection: sqlite3.Connection) -> Refreshed:
    rows = connection.execute("SELECT name, size, changed, inode FROM documents")
    known = {os.fsdecode(name): _Seen(*seen) for name, *seen in rows}
    closed: list[str] = []
    found = dict(_found(library, closed))
    gone = [name for name in known.keys() - found.keys() if not name.startswith(tuple(closed))]
    for begin in range(0, len(gone), BATCH):
        with _transaction(connection):
            for name in gone[begin : begin + BATCH]:
                _forget(connection, name)
    news = sorted(name for name, seen in found.items() if known.get(name) != seen)
    broken = 0
    for read in _all_read(library, news, found):
        broken += sum(isinstance(kept, str) for _, _, kept in read)
        with _transaction(connection):
            for name, seen, kept in read:
                _forget(connection, name, keep_number=True)
                _keep(library, connection, name, seen, kept)
    return Refreshed(len(news), broken, len(gone))


def _all_read(library: Library, names: Sequence[str], found: dict[str, _Seen]) -> Iterator[list[_Read]]:
    """Read JSONs, a batch at a time: many of them side by side in processes of their own."""
    batches = list(_batches(names, found))
    if len(batches) == 1:
        yield [_read(library, name, found[name]) for name in names]
    if len(batches) < 2:
        return
    with WorkerPool(cores(), warm=("flows.review.index",)) as pool, ThreadPoolExecutor(cores()) as threads:
        waiting: deque[Future[list[_Read]]] = deque()
        try:
            for batch in batches:
                if len(waiting) > cores():  # no more than are worked on, and one that is ready
                    yield waiting.popleft().result()
                waiting.append(threads.submit(_read_elsewhere, pool, library, batch, [found[name] for name in batch]))
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.stop()


def _read_elsewhere(pool: WorkerPool, library: Library, names: Sequence[str], seen: Sequence[_Seen]) -> list[_Read]:
    try:
        return pool.call(read_batch, library, names, seen)
    except Fault:  # the process was killed; what there is no room for elsewhere may be read here
        return read_batch(library, names, seen)


def read_batch(library: Library, names: Sequence[str], seen: Sequence[_Seen]) -> list[_Read]:
    """Read some JSONs, in a worker process."""
    return [_read(library, name, one) for name, one in zip(names, seen, strict=True)]


def _found(library: Library, closed: list[str]) -> Iterator[tuple[str, _Seen]]:
    """The JSONs below the root, by their path there; nothing hidden, no links.

    Args:
        closed: gets the folders that cannot be looked into, each with a slash behind it.

    Raises:
        OSError: the root cannot be looked into.
    """
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            entries = list(os.scandir(library.root / folder))
        except OSError as fault:
            if not folder:
                raise
            if not isinstance(fault, FileNotFoundError | NotADirectoryError):
                closed.append(folder)
            continue
        for one in entries:
            if one.name.startswith(".") or (not folder and one.name in library.passed_over):
                continue
            with contextlib.suppress(FileNotFoundError):
                if one.is_dir(follow_symlinks=False):
                    folders.append(f"{folder}{one.name}/")
                elif one.name.endswith(".json") and stat.S_ISREG((status := one.stat(follow_symlinks=False)).st_mode):
                    yield folder + one.name, _look(status)


def _batches(names: Sequence[str], found: dict[str, _Seen]) -> Iterator[list[str]]:
    batch: list[str] = []
    weight = 0
    for name in names:
        batch.append(name)
        weight += found[name].size
        if len(batch) == BATCH or weight > BATCH_BYTES:
            yield batch
            batch, weight = [], 0
    if batch:
        yield batch


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What is kept of a document, ready to be written.

    Attributes:
        entry: without its texts.
        packed: the texts.
        exact, plain: their words.
    """

    entry: Entry
    packed: bytes
    exact: str
    plain: str


_Read = tuple[str, _Seen, _Prepared | str | None]
"""Name of a JSON, how it looked when it was read, and what is to be kept of it; nothing if it is somebody else's, or
why it is broken, in English."""


def _read(library: Library, name: str, seen: _Seen) -> _Read:
    try:
        with (
            opened_folder(library.root, name) as folder,
            os.fdopen(open_regular(name.rpartition("/")[2], folder), "rb") as file,
        ):
            seen = _look(os.fstat(file.fileno()))
            raw = file.read(LARGEST + 1)
    except (Gone, OSError):
        return name, seen, CANNOT_BE_READ
    if len(raw) > LARGEST:
        return name, seen, TOO_LARGE
    try:
        entry = entry_of(raw)
    except NotWhole as fault:
        return name, seen, str(fault)
    if entry is None:
        return name, seen, None
    as_typed, plainly = indexed(one.text for one in entry.texts)
    return name, seen, _Prepared(replace(entry, texts=()), _packed(entry.texts), as_typed, plainly)


def _forget(connection: sqlite3.Connection, name: str, *, keep_number: bool = False) -> None:
    """Take a document out of the index.

    Args:
        keep_number: its row stays, to be written anew.
    """
    row = connection.execute("SELECT number FROM documents WHERE name = ?", (os.fsencode(name),)).fetchone()
    if row is None:
        return
    packed = connection.execute("SELECT packed FROM texts WHERE document = ?", row).fetchone()
    if packed is not None:
        # The index of words holds no texts: it must be told what to take out.
        as_typed, plainly = indexed(one.text for one in unpacked(packed[0]))
        connection.execute("INSERT INTO exact (exact, rowid, words) VALUES ('delete', ?, ?)", (*row, as_typed))
        connection.execute("INSERT INTO plain (plain, rowid, words) VALUES ('delete', ?, ?)", (*row, plainly))
    for table in ("texts", "parts", "counts", "readings", "put_right"):
        connection.execute(f"DELETE FROM {table} WHERE document = ?", row)
    if not keep_number:
        connection.execute("DELETE FROM documents WHERE number = ?", row)


def _keep(
    library: Library, connection: sqlite3.Connection, name: str, seen: _Seen, kept: _Prepared | str | None
) -> None:
    """Put a document into the index, which knows nothing of it but perhaps its number."""
    id = document_id(name)
    row: dict[str, object] = {"id": id, "name": os.fsencode(name), "is_ours": kept is not None}
    row |= {"size": seen.size, "changed": seen.changed, "inode": seen.inode, "scan": readable(name)}
    if isinstance(kept, _Prepared):
        entry = kept.entry
        row |= {"scan": entry.scan, "sha256": entry.sha256, "pages": entry.pages, "unread": entry.unread}
        row |= {"doubtful": entry.doubtful, "doubt": entry.doubtful / max(entry.pages, 1), "grade": entry.grade}
        row |= {"date": entry.parts[0].date, "state": _state(library, id, entry), "broken": ""}
    else:
        row |= {"broken": kept or "", "state": "broken", "date": "", "doubtful": 0, "doubt": 0.0, "unread": 0}
    columns, marks = ", ".join(row), ", ".join("?" * len(row))
    renew = ", ".join(f"{column} = excluded.{column}" for column in row)
    insert = f"INSERT INTO documents ({columns}) VALUES ({marks}) ON CONFLICT (name) DO UPDATE SET {renew}"
    connection.execute(insert, tuple(row.values()))
    if not isinstance(kept, _Prepared):
        return
    (number,) = connection.execute("SELECT number FROM documents WHERE name = ?", (row["name"],)).fetchone()
    for part, facts in enumerate(entry.parts):
        symbol = f"{facts.number}/{facts.symbol}"
        values = (
            number,
            part,
            *(getattr(facts, name) for name in _FACTS),
            *map(without_marks, (facts.agency, facts.type, symbol)),
        )
        connection.execute(f"INSERT INTO parts VALUES ({', '.join('?' * len(values))})", values)
    connection.executemany("INSERT INTO counts VALUES (?, ?, ?, ?)", [(number, *one) for one in entry.counts])
    if how := entry.how_read:
        scan, pages = (how.version, how.made_with, how.bytes), json.dumps(how.confidences)
        reading = number, *scan, pages, how.poor, how.warnings, how.seconds
        connection.execute("INSERT INTO readings VALUES (?, ?, ?, ?, ?, ?, ?, ?)", reading)
    connection.executemany("INSERT INTO put_right VALUES (?, ?, ?, ?)", [(number, *one) for one in entry.put_right])
    connection.execute("INSERT INTO texts VALUES (?, ?)", (number, kept.packed))
    connection.execute("INSERT INTO exact (rowid, words) VALUES (?, ?)", (number, kept.exact))
    connection.execute("INSERT INTO plain (rowid, words) VALUES (?, ?)", (number, kept.plain))


def _state(library: Library, id: str, entry: Entry) -> str:
    """``new``, ``looked at`` or ``mended``."""
    if entry.edits:
        return "mended"
    try:
        return "looked at" if _mark(library, id).read_text() == entry.sha256 else "new"
    except (OSError, ValueError):
        return "new"


def _packed(texts: Sequence[Text]) -> bytes:
    return zlib.compress(
        json.dumps([(one.where, one.text, one.pages) for one in texts], ensure_ascii=False).encode(), 1
    )


def unpacked(packed: bytes) -> list[Text]:
    """The texts of a document, as the index keeps them.

    Raises:
        Damaged: they are not as they were written.
    """
    try:
        return [
            Text(where, text, tuple((offset, page) for offset, page in pages))
            for where, text, pages in json.loads(zlib.decompress(packed))
        ]
    except (zlib.error, ValueError, TypeError) as fault:
        raise Damaged("the texts of a document are damaged") from fault
