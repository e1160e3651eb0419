"""Archives of scans: what lies in a ZIP file, and how it is unpacked without trusting a word of it.

Mail gateways and office systems hand several scans out as one ZIP file. Each scan in it is a document of its own, as if
a person had unpacked the archive into a folder of its name; what is no scan is told of. Names, sizes and kinds are what
the bytes say: declared sizes are not believed, no name leads out of the folder, no archive in an archive is opened.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from flows import faults
from flows.host.files import make_folder
from flows.host.names import NAME_BYTES, fitted, readable
from flows.language import _
from flows.pipeline.faults import OF_THE_MACHINE, as_fault
from flows.pipeline.publish import SCAN_SUFFIXES
from ocr import messages
from ocr.faults import Fault

SUFFIX = ".zip"

MOST_FILES = 1000
"""An archive of more files is refused; so is one whose list of files is longer than :data:`_LONGEST_LIST`."""
MOST_RATIO = 250
"""An archive that unpacks to more than so many times its size is a bomb, if it is larger than :data:`_HARMLESS`.
Scans are packed already; an uncompressed page of black and white shrinks to a hundredth."""
_LONGEST_LIST, _HARMLESS = 4 << 20, 64 << 20

#: LZMA, which no mail gateway uses, may ask for 4 GB of memory.
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
_HEADS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_END = struct.Struct("<4s4H2LH")
_END_MARK = b"PK\x05\x06"
_LOCATOR, _LOCATOR_MARK = struct.Struct("<4sLQL"), b"PK\x06\x07"
_END_64 = struct.Struct("<4sQ2H2L4Q")
_CHUNK, _PEEK = 1 << 20, 2048
_OFFICE = re.compile(r"\.(docx?|docm|dotx?|xlsx?|xlsm|xltx?|pptx?|pptm|ppsx?|od[tspg]|rtf)\Z", re.IGNORECASE)
_IS_PROGRAM = ("[content_types].xml", "mimetype", "meta-inf/manifest.mf", "meta-inf/container.xml")
_SYSTEM = re.compile(r"(?:__macosx|thumbs\.db|desktop\.ini|ehthumbs\.db|\..*|~\$.*)\Z", re.IGNORECASE)
#: Marks that Vietnamese sets over and under letters: grave, acute, circumflex, tilde, breve, hook, horn, dot below.
_MARKS = frozenset("\u0300\u0301\u0302\u0303\u0306\u0309\u031b\u0323")
_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A scan out of an archive.

    Attributes:
        name: its path in the archive, fit for a file system; no two are alike.
        path: where it lies now.
        damage: what is wrong with it, in a program's words; empty where nothing is.
        archive: what kind of archive it is itself; empty where it is none.
    """

    name: PurePosixPath
    path: Path
    damage: str = ""
    archive: str = ""

    @property
    def fault(self) -> Fault | None:
        """Why it must not be read, although it is kept; ``None`` if it may be."""
        if self.damage:
            return faults.MEMBER_DAMAGED.fault(self.damage)
        return faults.NESTED_ARCHIVE.fault(kind=self.archive) if self.archive else None


@dataclass(frozen=True, slots=True)
class Unpacking:
    """What was in an archive.

    Attributes:
        scans: in the order of the archive.
        others: one line for each file that is no scan and was left in the archive: its name, and what it is.
    """

    scans: tuple[Unpacked, ...]
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Member:
    info: zipfile.ZipInfo
    name: PurePosixPath


def is_archive(path: Path) -> bool:
    """Whether a file begins as a ZIP file does, whatever its name.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return file.read(4) in _HEADS


def left_whole(path: Path) -> Fault:
    """Why a file is not read that begins as a ZIP file, where archives are not unpacked: also documents of Word do.

    Raises:
        OSError: it cannot be read.
    """
    try:
        _check_list(path)
        with zipfile.ZipFile(path) as archive:
            _members(archive.infolist())
    except Fault as fault:
        return fault
    except (zipfile.BadZipFile, ValueError, EOFError, struct.error, NotImplementedError, RuntimeError):
        pass  # who unpacks it will see that
    return messages.ARCHIVE.fault(kind="ZIP")


def folder_of(name: str) -> str:
    """The folder beside an archive of that name into which a person would unpack it: ``a/b.zip`` gives ``a/b``."""
    path = PurePosixPath(name)
    stem = path.stem if path.suffix else f"{path.name} (zip)"
    return str(path.with_name(stem))


def unpack(path: Path, folder: Path, max_bytes: int, *, room: int | None = None) -> Unpacking:
    """Unpack the scans of an archive, each into a folder of its own below ``folder``, flushed to disk.

    Args:
        folder: is made; what lies in it of an earlier try is replaced.
        max_bytes: that all files of the archive may have together.
        room: bytes that the disk has left for them; ``None`` if that does not matter.

    Raises:
        Encrypted: it asks for a password.
        TooLarge: there are too many files in it, or they are too large.
        NotAScan: it is damaged, holds names that lead elsewhere, is a program's document, or holds no scan.
        OSError: the machine fails (its disk).
    """
    _check_list(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = _members(archive.infolist())
            budget = _Budget(max_bytes, path.stat().st_size, room)
            scans: list[Unpacked] = []
            others: list[str] = []
            for number, member in enumerate(members):
                why = _why_no_scan(archive, member)
                if why:
                    others.append(f"{readable(str(member.name))}: {why}")
                    continue
                scans.append(_unpack_one(archive, member, folder / f"{number:04}", budget))
    except OSError:
        raise
    except (zipfile.BadZipFile, ValueError, EOFError, struct.error, NotImplementedError, RuntimeError) as fault:
        raise faults.ARCHIVE_DAMAGED.fault(repr(fault)) from fault
    if not scans:
        raise faults.ARCHIVE_WITHOUT_SCANS.fault("\n".join(others[:100]))
    return Unpacking(tuple(scans), tuple(others))


def _check_list(path: Path) -> None:
    """Look at the end of an archive, before its list of files is read into memory as long as it may be.

    Raises:
        TooLarge: the list is too long.
        NotAScan: there is none.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - (1 << 16) - _END.size))
        tail = file.read()
        at = tail.rfind(_END_MARK)
        if at < 0 or len(tail) - at < _END.size:
            raise faults.ARCHIVE_DAMAGED.fault("it has no end")
        told = [_END.unpack_from(tail, at)[4:6]]
        locator = tail[max(0, at - _LOCATOR.size) : at]
        if locator.startswith(_LOCATOR_MARK):  # of a 64-bit archive, whose numbers count instead of those at the end
            file.seek(min(_LOCATOR.unpack(locator)[2], size))
            record = file.read(_END_64.size)
            told.append(_END_64.unpack(record)[7:9] if len(record) == _END_64.size else (0, 0))
    if any(count > MOST_FILES or length > _LONGEST_LIST for count, length in told):
        raise faults.ARCHIVE_TOO_MANY.fault(most=MOST_FILES)


def _members(infos: Sequence[zipfile.ZipInfo]) -> list[_Member]:
    """The files of an archive under names that are fit for a folder.

    Raises:
        Encrypted, TooLarge, NotAScan: as :func:`unpack`.
    """
    if len(infos) > MOST_FILES:
        raise faults.ARCHIVE_TOO_MANY.fault(most=MOST_FILES)
    taken: set[str] = set()
    members: list[_Member] = []
    for info in infos:
        name = _name_of(info)
        if name.lower() in _IS_PROGRAM:
            raise faults.ARCHIVE_OF_A_PROGRAM.fault(name)
        if name.endswith(("/", "\\")) or info.is_dir():
            continue
        if info.flag_bits & 0x1:
            raise faults.ARCHIVE_LOCKED.fault(readable(name))
        members.append(_Member(info, _free(_safe(name), taken)))
    return members


def _name_of(info: zipfile.ZipInfo) -> str:
    """A file's name in NFC, whoever wrote it.

    In UTF-8 where it says so, or where it can be nothing else; else in Windows' Vietnamese code page 1258 if that makes
    Vietnamese letters of it, or in that of DOS, 437.
    """
    name = info.orig_filename
    if not info.flag_bits & 0x800:
        raw = name.encode("cp437")
        name = _extra_name(info.extra, raw) or _decoded(raw)
    return unicodedata.normalize("NFC", name)


def _extra_name(extra: bytes, raw: bytes) -> str:
    """The name in UTF-8 that Info-ZIP and others write beside the old one; empty where there is none for it."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        part = extra[at + 4 : at + 4 + length]
        if kind == 0x7075 and len(part) > 5 and struct.unpack_from("<L", part, 1)[0] == zlib.crc32(raw):
            return part[5:].decode("utf-8", "replace")
        at += 4 + length
    return ""


def _decoded(raw: bytes) -> str:
    for code in ("utf-8", "cp1258"):
        try:
            name = unicodedata.normalize("NFC", raw.decode(code))
        except UnicodeDecodeError:
            continue
        if code == "utf-8" or all(map(_is_vietnamese, name)):
            return name
    return raw.decode("cp437")


def _is_vietnamese(char: str) -> bool:
    """Whether a character is ASCII or a letter of the Vietnamese alphabet."""
    base, *marks = list(unicodedata.normalize("NFD", char))
    return char.isascii() or char in "đĐ" or (base.isascii() and base.isalpha() and _MARKS.issuperset(marks))


def _safe(name: str) -> PurePosixPath:
    """A name as a path that stays below where it is put.

    Raises:
        NotAScan: it does not, or holds signs that hide what it is.
    """
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    is_hidden = any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in name)
    leads_away = name.startswith(("/", "\\")) or bool(_DRIVE.match(name)) or ".." in parts
    if is_hidden or leads_away or not parts:
        raise faults.ARCHIVE_UNSAFE.fault(repr(name), name=readable(name))
    return PurePosixPath(*(part if len(part.encode()) <= NAME_BYTES else _shortened(part) for part in parts))


def _shortened(part: str) -> str:
    stem, dot, suffix = part.rpartition(".")
    return fitted(stem, dot + suffix) if stem and len(suffix) < 10 else fitted(part, "")


def _free(path: PurePosixPath, taken: set[str]) -> PurePosixPath:
    """The path, or one like it that no other file of the archive has on systems that ignore case; it is taken then."""
    number, free = 1, path
    while (key := unicodedata.normalize("NFC", str(free)).casefold()) in taken:
        number += 1
        free = path.with_name(fitted(path.stem, f" ({number}){path.suffix}"))
    taken.add(key)
    return free


def _why_no_scan(archive: zipfile.ZipFile, member: _Member) -> str:
    """What a file is that is no scan; empty for one that is, or says that it is, and for an archive."""
    if stat.S_ISLNK(member.info.external_attr >> 16):
        return _("a link")
    if any(_SYSTEM.match(part) for part in member.name.parts):
        return _("a file of the system")
    if _OFFICE.search(member.name.name):
        return _("a document of an office program, not a scan")
    if member.name.suffix.lower() in SCAN_SUFFIXES:
        return ""
    if member.info.compress_type not in _PACKINGS:
        return _("packed in a way that is not opened")
    try:
        with archive.open(member.info) as file:
            head = file.read(_PEEK)
    except _DAMAGE as fault:
        return _("not a scan by its name, and damaged ({what})").format(what=type(fault).__name__)
    from ocr.rasterize import archive_kind, begins_as_scan  # with NumPy: not for those who have no archive

    kind = archive_kind(head)
    if kind == "office":
        return _("a document of an office program, not a scan")
    return "" if kind or begins_as_scan(head) else _("not a scan")


_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError),
    *(struct.error, OSError),
)
"""What reading a damaged file of an archive may raise, or one that is packed in a way we do not know."""


@dataclass(slots=True)
class _Budget:
    """How many bytes an archive may still unpack to."""

    max_bytes: int
    packed: int
    room: int | None
    spent: int = 0

    def spend(self, count: int) -> None:
        self.spent += count
        if self.spent > self.max_bytes:
            raise faults.ARCHIVE_TOO_LARGE.fault(most=self.max_bytes / 1e6)
        if self.spent > max(_HARMLESS, MOST_RATIO * self.packed):
            raise faults.ARCHIVE_BOMB.fault(times=MOST_RATIO)
        if self.room is not None and self.spent > self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _unpack_one(archive: zipfile.ZipFile, member: _Member, folder: Path, budget: _Budget) -> Unpacked:
    """One file, as far as it can be unpacked.

    Raises:
        TooLarge: the archive unpacks to too much.
        OSError: the machine fails.
    """
    make_folder(folder)
    place = folder / member.name.name
    damage = ""
    with place.open("wb") as out:
        try:
            if member.info.compress_type not in _PACKINGS:
                raise NotImplementedError(f"packed in way {member.info.compress_type}")
            with archive.open(member.info) as file:
                while chunk := file.read(_CHUNK):
                    budget.spend(len(chunk))
                    out.write(chunk)
        except _DAMAGE as trouble:
            if isinstance(trouble, OSError) and trouble.errno in OF_THE_MACHINE:
                raise
            damage = repr(trouble)
        out.flush()
        os.fsync(out.fileno())
    from ocr.rasterize import archive_kind  # see above

    with place.open("rb") as written:
        kind = archive_kind(written.read(_PEEK)) or ""
    return Unpacked(member.name, place, damage, "" if kind == "office" else kind)


@dataclass(slots=True)
class Opened:
    """The files of a command line, with those that archives hold in place of the archives.

    Attributes:
        files: each with the folder its output path is relative to; a scan of an archive as if it lay beside it.
        places: where such a scan lies in truth.
        failed: name and reason of archives and scans in them that cannot be read.
        others: name of an archive, and a line for each file in it that is no scan.
    """

    files: list[tuple[Path, Path]] = field(default_factory=list)
    places: dict[Path, Path] = field(default_factory=dict)
    failed: list[tuple[str, Fault]] = field(default_factory=list)
    others: list[tuple[str, str]] = field(default_factory=list)


def open_archives(files: Sequence[tuple[Path, Path]], work: Path, max_bytes: int) -> Opened:
    """Unpack the archives among the files of a command line.

    Args:
        work: a folder for what is unpacked.
        max_bytes: that the files of an archive may have together.
    """
    opened = Opened()
    given = {path.absolute() for path, _ in files}
    for number, (path, root) in enumerate(files):
        shown = readable(path.relative_to(root) if path.parent != root else path.name)
        try:
            if not is_archive(path):
                opened.files.append((path, root))
                continue
            if path.stat().st_size > max_bytes:
                raise faults.FILE_TOO_LARGE.fault(megabytes=path.stat().st_size / 1e6, most=max_bytes / 1e6)
            unpacking = unpack(path, work / f"archive-{number}", max_bytes)
        except Exception as fault:
            opened.failed.append((shown, as_fault(fault)))
            continue
        opened.others += [(shown, line) for line in unpacking.others]
        folder = Path(folder_of(str(path)))
        if any((folder / scan.name).absolute() in given for scan in unpacking.scans):
            folder = path
        for scan in unpacking.scans:
            if scan.fault:
                opened.failed.append((f"{shown}/{readable(str(scan.name))}", scan.fault))
            else:
                opened.files.append((folder / scan.name, root))
                opened.places[folder / scan.name] = scan.path
    return opened
