"""A storage in a bucket of S3, or of what speaks its language.

Everything goes through s3fs, which brings the connection, the retries and the environment's endpoint and keys; what
decides between two machines are S3's own conditions (``If-None-Match``, ``If-Match``).
"""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import errno
import hashlib
import os
import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import s3fs
from botocore.exceptions import ClientError
from fsspec.asyn import sync

from flows import faults
from flows.batch.storage import BUCKET, LONGEST_NAME, Changed, Closed, Desk, Stored, check_name, ignore
from flows.host.moves import numbered
from flows.host.names import readable

Answer = TypeVar("Answer")

HELD = 0xF1A00
"""Where bytes that no key can hold stand among Unicode's private letters: those that are no UTF-8, and control
characters, which S3's lists cannot show."""

CONNECTIONS = 32

TRIES = 5
"""Times that S3 is asked again which says that it is at work on the same key."""

BLOCK = 1 << 20


class Refused(Exception):
    """S3 found a condition not met."""


class BucketStorage:
    """Objects whose keys begin with a prefix, in a bucket.

    Args:
        bucket: its name.
        prefix: without slashes at its ends; may be empty.
    """

    def __init__(self, bucket: str, prefix: str = "") -> None:
        self.address = f"{BUCKET}{bucket}/{prefix}".rstrip("/")
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._system = s3fs.S3FileSystem(
            skip_instance_cache=True,
            use_listings_cache=False,
            config_kwargs={"max_pool_connections": CONNECTIONS, "connect_timeout": 10, "read_timeout": 60},
        )

    def list(self, prefix: str = "", closed: Closed = ignore) -> Iterator[Stored]:
        more: dict[str, str] = {}
        while True:
            answer = self._ask("list_objects_v2", Prefix=self._prefix + _coded(prefix), **more)
            for one in answer.get("Contents", ()):
                if one["Key"].endswith("/"):
                    continue  # what stands for a folder in consoles
                try:
                    name = _name_of(one["Key"].removeprefix(self._prefix))
                except ValueError as fault:
                    closed(OSError(errno.EINVAL, str(fault), one["Key"]))
                    continue
                yield Stored(name, one["Size"], one["ETag"], one["LastModified"].timestamp())
            if not answer.get("IsTruncated"):
                return
            more = {"ContinuationToken": answer["NextContinuationToken"]}

    def look(self, name: str) -> Stored | None:
        with contextlib.suppress(FileNotFoundError):
            return _stored(name, self._ask("head_object", Key=self._key(name)))
        return None

    def read(self, name: str) -> tuple[bytes, str]:
        async def whole(answer: Any) -> bytes:
            async with answer["Body"] as body:
                data: bytes = await body.read()
                return data

        answer, data = self._ask_and("get_object", whole, Key=self._key(name))
        return data, answer["ETag"]

    def fetch(self, name: str, to: Path) -> Stored:
        async def to_disk(answer: Any) -> None:
            async with answer["Body"] as body:
                with to.open("xb") as file:
                    while part := await body.read(BLOCK):
                        file.write(part)

        try:
            answer, _nothing = self._ask_and("get_object", to_disk, Key=self._key(name))
        except BaseException:
            to.unlink(missing_ok=True)
            raise
        found = _stored(name, answer)
        os.utime(to, (found.modified, found.modified))
        return found

    def local(self, name: str) -> Path | None:
        return None

    def put(self, name: str, data: bytes) -> str:
        tag: str = self._ask("put_object", Key=self._key(name), Body=data)["ETag"]
        return tag

    def put_new(self, name: str, data: bytes) -> str:
        try:
            return self._put_on_condition(name, data, IfNoneMatch="*")
        except Refused as fault:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name) from fault

    def put_if(self, name: str, data: bytes, tag: str) -> str:
        try:
            return self._put_on_condition(name, data, IfMatch=tag)
        except (Refused, FileNotFoundError) as fault:
            raise Changed(name) from fault

    def _put_on_condition(self, name: str, data: bytes, **condition: str) -> str:
        try:
            tag: str = self._ask("put_object", Key=self._key(name), Body=data, **condition)["ETag"]
            return tag
        except Refused:
            # The answer to a first try may have been lost on its way: then what lies there is ours.
            with contextlib.suppress(FileNotFoundError):
                lies, tag = self.read(name)
                if lies == data:
                    return tag
            raise

    def copy(self, name: str, to: str, tag: str) -> None:
        # Not every server heeds the condition; for those, this look is all that there is.
        found = self.look(name)
        if found is None or found.tag != tag:
            raise Changed(name)
        source = {"Bucket": self._bucket, "Key": self._key(name)}
        try:
            self._ask("copy_object", CopySource=source, CopySourceIfMatch=tag, Key=self._key(to))
        except (Refused, FileNotFoundError) as fault:
            raise Changed(name) from fault

    def delete(self, name: str, tag: str = "") -> None:
        condition = {}
        if tag:
            found = self.look(name)  # as for a copy
            if found is None:
                return
            if found.tag != tag:
                raise Changed(name)
            condition = {"IfMatch": tag}
        try:
            self._ask("delete_object", Key=self._key(name), **condition)
        except FileNotFoundError:
            pass
        except Refused as fault:
            raise Changed(name) from fault

    def clock(self) -> float:
        headers = self._ask("head_bucket")["ResponseMetadata"]["HTTPHeaders"]
        return email.utils.parsedate_to_datetime(headers["date"]).timestamp()

    @contextlib.contextmanager
    def desk(self, name: str, work: Path) -> Iterator[Desk]:
        desk = Desk(work / "published", work / "versions", work / "staging")
        for folder in (desk.published, desk.versions):
            folder.mkdir()
        fetched = dict(self._fetched(name, desk))
        yield desk
        for path in _files(desk.versions):
            self._put_version(path.relative_to(work), path.read_bytes())
        there = {os.fspath(path.relative_to(work)): path.read_bytes() for path in _files(desk.published)}
        gone = fetched.keys() - there.keys()
        try:
            for one in sorted(there.keys() | gone, key=_puts_json_last):
                tag, digest = fetched.get(one, ("", ""))
                if one in gone:
                    self.delete(one, tag)
                elif not tag:
                    self.put_new(one, there[one])
                elif hashlib.sha256(there[one]).hexdigest() != digest:
                    self.put_if(one, there[one], tag)
        except FileExistsError as fault:
            raise Changed(name) from fault

    def _fetched(self, name: str, desk: Desk) -> Iterator[tuple[str, tuple[str, str]]]:
        """Fetch what is published of a document, and yield tag and SHA-256 of each."""
        place = PurePosixPath("published", name)
        stem = place.name.removesuffix(".json")
        # Where a name had to be cut, those of further documents and of parts are cut elsewhere.
        is_cut = len(os.fsencode(place.name)) > 200
        begin = os.fsencode(stem)[:150].decode("utf-8", "ignore") if is_cut else stem
        for one in self.list(os.fspath(place.with_name(begin))):
            rest = PurePosixPath(one.name).name.removeprefix(stem)
            if PurePosixPath(one.name).parent == place.parent and (is_cut or _OF_A_SET.fullmatch(rest)):
                path = desk.published.parent / one.name
                path.parent.mkdir(parents=True, exist_ok=True)
                found = self.fetch(one.name, path)
                yield one.name, (found.tag, hashlib.sha256(path.read_bytes()).hexdigest())

    def _put_version(self, place: Path, data: bytes) -> None:
        """Keep a version under its name, or a free one like it; once only."""
        number = 1
        while True:
            name = os.fspath(numbered(place, number))
            try:
                self.put_new(name, data)
                return
            except FileExistsError:
                if self.read(name)[0] == data:
                    return
            number += 1

    def _key(self, name: str) -> str:
        key = self._prefix + _coded(check_name(name))
        if len(key.encode()) > LONGEST_NAME:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), readable(name))
        return key

    def _ask(self, method: str, **arguments: Any) -> Any:
        async def nothing(answer: Any) -> None:
            return None

        return self._ask_and(method, nothing, **arguments)[0]

    def _ask_and(self, method: str, then: Callable[[Any], Awaitable[Answer]], **arguments: Any) -> tuple[Any, Answer]:
        """Ask S3, and do something with the answer in the loop that it came in.

        Raises:
            FileNotFoundError: there is no such object.
            PermissionError: it is archived, and cannot be had now.
            Refused: a condition is not met.
            StorageAway: anything else that it says, or nothing.
        """

        async def ask() -> tuple[Any, Answer]:
            for number in range(TRIES):
                try:
                    answer = await self._system._call_s3(method, Bucket=self._bucket, **arguments)
                    return answer, await then(answer)
                except Exception as fault:
                    if _code_of(fault) != "ConditionalRequestConflict" or number == TRIES - 1:
                        raise
                    await asyncio.sleep(0.1 * 2**number)
            raise AssertionError

        try:
            found: tuple[Any, Answer] = sync(self._system.loop, ask)
            return found
        except OSError as fault:
            if isinstance(fault.filename, str) and not isinstance(fault.__cause__, ClientError):
                raise  # of this machine's disk
            raise self._told(fault, arguments.get("Key", "")) from fault
        except Exception as fault:
            raise self._told(fault, arguments.get("Key", "")) from fault

    def _told(self, fault: Exception, key: str) -> Exception:
        code = _code_of(fault)
        if code in ("404", "NoSuchKey"):
            return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), key)
        if code in ("412", "PreconditionFailed", "ConditionalRequestConflict"):
            return Refused(code)
        if code == "InvalidObjectState":  # put away where it has to be asked for hours before; others can be had
            return OSError(errno.EACCES, os.strerror(errno.EACCES), key)
        return faults.STORAGE_AWAY.fault(repr(fault), where=self.address)


_OF_A_SET = re.compile(r"(~\d+)?(-\d+)?\.[a-z]+")
"""What the name of a file ends in that may be published of a document: see :mod:`flows.pipeline.publish`."""


def _puts_json_last(name: str) -> tuple[bool, bool, str]:
    """Texts, the JSONs of parts, that of the whole."""
    is_json = name.endswith(".json")
    return is_json, is_json and not re.search(r"-\d+\.json$", name), name


def _code_of(fault: BaseException) -> str:
    """What S3 called an error; empty if it was another's."""
    error = fault if isinstance(fault, ClientError) else fault.__cause__
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def _stored(name: str, answer: Any) -> Stored:
    return Stored(name, answer["ContentLength"], answer["ETag"], answer["LastModified"].timestamp())


def _files(folder: Path) -> list[Path]:
    """Files in visible folders."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts[:-1])]


def _coded(name: str) -> str:
    return "".join(map(_held, name))


def _held(char: str) -> str:
    code = ord(char)
    if HELD <= code < HELD + 256:
        raise ValueError(f"{char!r} stands in no name of an object")
    if 0xDC80 <= code <= 0xDCFF:
        return chr(HELD + code - 0xDC00)
    return chr(HELD + code) if code < 32 or code == 127 else char


def _name_of(key: str) -> str:
    """The name of the object with a key below the prefix.

    Raises:
        ValueError: none has such a key.
    """
    codes = (ord(char) - HELD if HELD <= ord(char) < HELD + 256 else -1 for char in key)
    name = "".join(
        char if code < 0 else chr(code + (0xDC00 if code >= 0x80 else 0)) for char, code in zip(key, codes, strict=True)
    )
    if _coded(check_name(name)) != key or os.fsdecode(os.fsencode(name)) != name:
        raise ValueError(f"{readable(name)!r} is no name of an object")
    return name
