"""Every setting, declared once, with its environment variable (``NAMBAT_...``) and its meaning.

``nambat settings`` prints them. A flag on the command line wins over the environment, the environment over
the default written here.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import Field, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from flows.language import N_, _
from normalize.formats import WRITERS

FORMATS = (*WRITERS, "json")

_POOL = re.compile(r"(?!(?i:prefect))[\w.-]+( +[\w.-]+)*")
"""Names of work pools: they stand in addresses, and Prefect keeps those with its own name in front for itself."""

LONGEST_PAUSE = 3600.0
"""Most seconds between two tries of a document."""

RepairMode = Literal["off", "safe", "full"]
FootnoteStyle = Literal["paragraph", "inline", "end"]
LogFormat = Literal["text", "json"]
SplitMode = Literal["off", "separator", "letterhead"]


_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/(?!\.{1,2}(/|$))[^/\0]+)*/?")
"""A bucket and a prefix in it; nothing that a key or a password could stand in."""


class BadSetting(Exception):
    """A setting has a value that makes no sense; ``str()`` names the variable and says what it may be."""


def cores() -> int:
    """Cores this process may use (containers and ``taskset`` often allow fewer than the machine has)."""
    return len(os.sched_getaffinity(0))


def split_names(value: str) -> tuple[str, ...]:
    """The names in a list with commas between."""
    return tuple(part.strip() for part in value.split(",") if part.strip())


class Settings(BaseSettings):
    """All settings of nambat; see each field's description for its unit."""

    model_config = SettingsConfigDict(env_prefix="NAMBAT_", extra="ignore", frozen=True, validate_default=True)

    home: Path = Field(
        Path("nambat-data"),
        description="The service's folders: inbox, working, published, originals, quarantine.",
    )
    inbox: Path | None = Field(None, description="Where people drop scans. Default: inbox/ under the home.")
    published: Path | None = Field(None, description="Where clean text goes. Default: published/ under the home.")

    read_roots: Annotated[tuple[Path, ...], NoDecode] = Field(
        (),
        description="Folders, with colons between, below which the deployment `read` may read files, "
        "beside those of the home.",
    )

    bucket: str = Field(
        "",
        description="Bucket of S3 that batch runs take scans from and publish into, as s3://BUCKET/PREFIX. "
        "Default: none, but the folders of the home. Its address and keys are those of the environment (AWS_...).",
    )
    batch_pages: int = Field(500, ge=200, le=2000, description="Pages that one part of a batch run reads, 200 to 2000.")

    group: str = Field(
        "",
        description="Group whose members may drop scans into inbox/ and read published/ under the home. "
        "Default: only the service's own user may.",
    )

    lang: Literal["", "vi", "en"] = Field(
        "", description="Language of messages, help and reports: vi or en. Default: that of the locale."
    )

    pool: str = Field(
        "",
        description="Work pool of Prefect that the service leaves the reading to; `nambat worker` on this machine and "
        "on others takes runs from it. Default: the service reads by itself.",
    )
    worker_grace: float = Field(
        30,
        ge=0,
        description="Seconds that a `nambat worker` that is stopped lets its runs go on before their scans go back to "
        "the inbox.",
    )

    jobs: int = Field(default_factory=cores, ge=1, description="Pages read side by side. Default: all cores.")
    documents: int = Field(
        2,
        ge=1,
        description="Documents the service works on at once; together they read at most `jobs` pages.",
    )
    dpi: int = Field(300, ge=72, le=1200, description="Resolution at which pages are read, dots per inch.")
    repair: RepairMode = Field("safe", description="How far diacritics are repaired: off, safe or full.")
    footnotes: FootnoteStyle = Field(
        "paragraph",
        description="Where a footnote stands in the text: after its paragraph, inline, or at the end.",
    )
    formats: Annotated[tuple[str, ...], NoDecode] = Field(
        ("txt", "json"),
        description="Files to publish, of {formats}; with commas between. json is always made.",
    )

    words: Path | None = Field(
        None,
        description="Text file with an office's own words and names, for repair. "
        "Default: words.txt under the home, if there is one; the service only.",
    )

    split: SplitMode = Field(
        "off",
        description="Publish the documents of a bundle as NAME-1, NAME-2, ...: off, at each separator sheet "
        "(separator), or at each new letterhead too (letterhead).",
    )

    page_timeout: float = Field(180, gt=0, description="Seconds one page may take before it is given up.")
    document_timeout: float = Field(4 * 3600, gt=0, description="Seconds one document may take before it is given up.")
    text_timeout: float = Field(
        600, gt=0, description="Seconds `nambat normalize` may take for one text before it is given up."
    )
    max_text_bytes: int = Field(20 * 1000**2, gt=0, description="Largest text that `nambat normalize` takes, in bytes.")
    max_bytes: int = Field(2 * 1024**3, gt=0, description="Largest file that is read, in bytes.")
    max_pages: int = Field(5000, gt=0, description="Longest document that is read, in pages.")
    max_pixels: int = Field(
        60_000_000,
        ge=1_000_000,
        description="Most pixels of a page image; larger pages are rendered smaller, or refused where that is no use.",
    )
    failed_page_share: float = Field(
        0.10,
        ge=0,
        le=1,
        description="A document fails when more than this share of its pages cannot be read ...",
    )
    failed_pages_least: int = Field(2, ge=1, description="... and at least so many of them (or all) are unreadable.")
    low_confidence: float = Field(
        75,
        ge=0,
        le=100,
        description="A page is pointed out when the mean confidence of its words is below this, in percent.",
    )
    worker_memory: int = Field(
        4 * 1024**3,
        ge=0,
        description="Address space of one reading process and its children, bytes; 0 = no limit.",
    )

    worker_scratch: int = Field(
        1024**3,
        ge=0,
        description="Largest scratch file that a reading process or a child of it may write, bytes; 0 = no limit.",
    )
    min_free: int = Field(
        500 * 1000**2,
        ge=0,
        description="Free space, in bytes, below which the service takes no more files from the inbox.",
    )

    settle: float = Field(
        5, ge=0, description="Seconds a file in the inbox must lie unchanged before it counts as whole."
    )
    settle_closed: float = Field(
        2,
        ge=0,
        description="Seconds after its writer closed it, where the file system tells, until a whole file is taken.",
    )
    settle_broken: float = Field(
        60,
        ge=0,
        description="Seconds a file that does not open must lie unchanged before it counts as damaged.",
    )
    watch: bool = Field(
        True,
        description="Take files as they arrive. With false only the sweep's schedule looks at the inbox.",
    )
    rescan: float = Field(
        10,
        gt=0,
        description="Seconds between looks at the inbox beside file events (network shares send none).",
    )
    sweep_interval: float = Field(
        900,  # each is a run of Prefect, and writes 20 to 40 kB to its database
        gt=0,
        description="Seconds between two scheduled sweeps of the inbox.",
    )
    sweep_cron: str = Field(
        "", description="Cron line for the sweep instead of the interval, e.g. `*/10 7-18 * * 1-6`."
    )
    timezone: str = Field("Asia/Ho_Chi_Minh", description="Time zone of the cron line and of all times shown.")
    attempts: int = Field(3, ge=1, description="Times a document is tried again after a crash before quarantine.")

    retries: int = Field(
        8,
        ge=0,
        description="Times a document is tried again after a trouble of the machine (disk full) before quarantine.",
    )
    retry_delay: float = Field(
        60, gt=0, description="Seconds before the first of these; each later pause is twice as long, at most an hour."
    )
    claim_timeout: float = Field(
        120,
        ge=30,
        description="Seconds without a sign of life after which another machine's claims are taken over.",
    )

    late_after: float = Field(
        900,
        gt=0,
        description="Seconds that a file may wait in the inbox after it is due before the service counts as ill.",
    )
    stuck_after: float = Field(
        1800,
        gt=0,
        description="Seconds without a sign of progress after which a file in work counts as stuck. "
        "At least three times NAMBAT_PAGE_TIMEOUT.",
    )
    log_format: LogFormat = Field("text", description="Lines of the logs: text for people, or json, an object a line.")
    log_bytes: int = Field(10 * 1000**2, ge=1000, description="Size of a log file at which a new one is begun, bytes.")
    log_files: int = Field(5, ge=1, description="Older files that are kept of each log.")
    report_pictures: int = Field(
        10, ge=0, le=50, description="Small pictures of doubtful places in the report of a run; 0 = none."
    )

    host: str = Field("127.0.0.1", description="Address that the Prefect server listens on.")
    port: int = Field(4200, ge=1, le=65535, description="Port of the Prefect server and its UI.")
    review_port: int = Field(
        4280, ge=0, le=65535, description="Port of the review page, at the same address; 0 = no review page."
    )
    no_password: bool = Field(
        False, description="Let the server listen beyond this machine without a password (behind a proxy that asks)."
    )

    @field_validator("home", "inbox", "published", "words")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        # Once and for all: a service stands in a folder of its own later.
        return value and value.expanduser().absolute()

    @field_validator("read_roots", mode="before")
    @classmethod
    def _paths(cls, value: object) -> object:
        return tuple(part for part in value.split(os.pathsep) if part) if isinstance(value, str) else value

    @field_validator("read_roots")
    @classmethod
    def _absolute_roots(cls, value: tuple[Path, ...]) -> tuple[Path, ...]:
        return tuple(path.expanduser().absolute() for path in value)

    @field_validator("formats", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return split_names(value) if isinstance(value, str) else value

    @field_validator("formats")
    @classmethod
    def _known_formats(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in value if name not in FORMATS]
        if unknown:
            raise ValueError(_("there is no such format; write of {formats}").format(formats=", ".join(FORMATS)))
        # JSON is the manifest: it names the source and the other files, so it is always written, and last.
        return tuple(name for name in FORMATS if name in value or name == "json")

    @field_validator("bucket")
    @classmethod
    def _real_bucket(cls, value: str) -> str:
        if value and not _BUCKET.fullmatch(value):
            raise ValueError(_("that is no bucket; write s3://BUCKET or s3://BUCKET/PREFIX"))
        return value.rstrip("/")

    @field_validator("sweep_cron")
    @classmethod
    def _real_cron_line(cls, value: str) -> str:
        from datetime import UTC, datetime

        from cronsim import CronSim, CronSimError

        if value:
            try:
                CronSim(value, datetime.now(UTC))
            except CronSimError as fault:
                raise ValueError(_("that is no cron line; write five fields, e.g. */10 7-18 * * 1-6")) from fault
        return value

    @field_validator("pool")
    @classmethod
    def _possible_pool(cls, value: str) -> str:
        value = value.strip()
        if value and not _POOL.fullmatch(value):
            raise ValueError(_("write letters, digits, blanks, - . and _ only, and no `prefect` in front"))
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        from zoneinfo import ZoneInfo

        try:
            ZoneInfo(value)
        except Exception as fault:
            raise ValueError(_("no time zone is called so; write one such as Asia/Ho_Chi_Minh")) from fault
        return value

    @property
    def folders(self) -> Folders:
        home = self.home
        return Folders(
            home=home,
            inbox=self.inbox or home / "inbox",
            working=home / "working",
            published=self.published or home / "published",
            originals=home / "originals",
            quarantine=home / "quarantine",
            versions=home / "versions",
            dismissed=home / "dismissed",
        )

    @property
    def word_list(self) -> Path:
        """The file of the office's own words that the service reads, if it is there."""
        return self.words or self.home / "words.txt"

    def pause_before_retry(self, tries: int) -> float:
        """Seconds to wait before a document is tried again that was put off ``tries`` times before."""
        return min(LONGEST_PAUSE, self.retry_delay * 2.0 ** min(tries, 20))

    def too_many_failed(self, failed: int, pages: int) -> bool:
        """Whether a document of ``pages`` pages with ``failed`` unreadable ones is given up as a whole."""
        if failed == pages:
            return True
        return failed >= self.failed_pages_least and failed > self.failed_page_share * pages


def tell_words(settings: Settings) -> None:
    """Tell normalize/, and the processes that it runs in, where the office's own words are: by the environment."""
    if settings.word_list.is_file():
        os.environ["NAMBAT_WORDS"] = str(settings.word_list)


@dataclass(frozen=True, slots=True)
class Folders:
    """The service's folders, as absolute paths."""

    home: Path
    inbox: Path
    working: Path
    published: Path
    originals: Path
    quarantine: Path
    versions: Path
    dismissed: Path

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def review(self) -> Path:
        return self.home / "review"

    def make(self) -> None:
        """Create those that are missing, for this user alone (``versions`` and ``dismissed``: when first needed).

        Raises:
            OSError: one cannot be created.
        """
        for folder in (self.inbox, self.working, self.published, self.originals, self.quarantine):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def check_apart(self) -> None:
        """Make sure that no folder is or lies in another one: what is published would be read as a scan.

        Raises:
            BadSetting: one does.
        """
        names = ("inbox", "working", "published", "originals", "quarantine", "versions", "dismissed", "logs", "review")
        places = {name: Path(getattr(self, name)).resolve() for name in names}
        for name, place in places.items():
            for other, root in places.items():
                if name != other and place.is_relative_to(root):
                    setting = f"NAMBAT_{'PUBLISHED' if 'published' in (name, other) else 'INBOX'}"
                    raise BadSetting(
                        _("{setting}: {name} ({place}) lies in {other} ({root}); choose folders side by side").format(
                            setting=setting, name=name, place=place, other=other, root=root
                        )
                    )


def load(**given: object) -> Settings:
    """The settings, with those ``given`` that are not ``None`` in place of the environment's.

    Raises:
        BadSetting: a value makes no sense, or the environment has a setting that there is none of.
    """
    check_names(os.environ)
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as fault:
        raise BadSetting(_complaint(fault.errors()[0], given)) from fault


PREFIX = "NAMBAT_"

NOT_SETTINGS = frozenset({"NAMBAT_SERVER_OF", "NAMBAT_WORKER", "NAMBAT_CHAOS", "NAMBAT_BARE_INSIDE"})
"""Variables that are none of a user's business: marks of processes of our own, switches of long tests."""

_OF_A_CLUSTER = re.compile(r"NAMBAT_(SERVICE_(HOST|PORT)|PORT_\d+_)")
"""What Kubernetes and Docker tell containers beside a service that is called nambat."""


def check_names(environment: Mapping[str, str]) -> None:
    """Make sure that every variable that looks like a setting is one: a misspelt one would do nothing, unseen.

    Raises:
        BadSetting: one is none; it names the setting that is spelt most like it.
    """
    known = [f"{PREFIX}{name.upper()}" for name in Settings.model_fields]
    for given in sorted(environment):
        name = given.upper()
        if not name.startswith(PREFIX) or name in known or name in NOT_SETTINGS or _OF_A_CLUSTER.match(name):
            continue
        nearest = difflib.get_close_matches(name, known, 1)
        if nearest:
            raise BadSetting(
                _("{name}: there is no such setting; did you mean {nearest}?").format(name=given, nearest=nearest[0])
            )
        raise BadSetting(
            _("{name}: there is no such setting; `nambat settings` lists them all, unset this one").format(name=given)
        )


_COMPLAINTS = {
    "int_parsing": N_("write a whole number"),
    "int_from_float": N_("write a whole number"),
    "float_parsing": N_("write a number"),
    "finite_number": N_("write a number"),
    "bool_parsing": N_("write true or false"),
    "literal_error": N_("write one of {choices}"),
    "greater_than": N_("write a number above {gt:g}"),
    "greater_than_equal": N_("write a number of {ge:g} or more"),
    "less_than_equal": N_("write a number of {le:g} or less"),
}
"""What is said of a value that Pydantic does not take, by its name for that."""


def _complaint(error: ErrorDetails, given: Mapping[str, object]) -> str:
    """What is wrong with a value, where it comes from, and what may be written there."""
    name = str(error["loc"][0]) if error["loc"] else "settings"
    # An option may be spelt in another way than its setting; the commands that have such check it themselves.
    source = f"--{name.replace('_', '-')}" if given.get(name) is not None else f"{PREFIX}{name.upper()}"
    kind = error["type"]
    if kind in _COMPLAINTS:
        choices = get_args(Settings.model_fields[name].annotation) if kind == "literal_error" else ()
        shown = ", ".join(choice for choice in choices if choice)
        what = _(_COMPLAINTS[kind]).format(**error.get("ctx", {}), choices=shown)
    else:
        what = error["msg"].removeprefix("Value error, ")
    return _("{source}: {what} (it is {value})").format(source=source, what=what, value=repr(error.get("input")))


@dataclass(frozen=True, slots=True)
class InForce:
    """A setting as it counts now.

    Attributes:
        variable: the environment variable that sets it.
        value: as text; empty where there is none.
        is_set: whether the environment sets it.
        meaning: in the language of the moment.
    """

    variable: str
    value: str
    is_set: bool
    meaning: str


def in_force(settings: Settings) -> list[InForce]:
    """Every setting with the value that counts now."""
    folders = settings.folders
    found = []
    for name, field in Settings.model_fields.items():
        variable = f"{PREFIX}{name.upper()}"
        value = getattr(folders, name) if name in ("inbox", "published") else getattr(settings, name)
        is_set = any(given.upper() == variable for given in os.environ)
        meaning = (_(field.description) if field.description else "").replace("{formats}", ", ".join(FORMATS))
        found.append(InForce(variable, _shown(value), is_set, meaning))
    return found


_SECRET = re.compile(r"AUTH|KEY|PASSWORD|SECRET|TOKEN|DATABASE|HEADERS")
_WITH_PASSWORD = re.compile(r"(?<=//)[^/@\s]*@")


def heeded() -> list[tuple[str, str]]:
    """The environment's variables of Prefect and Tesseract, which count beside our own; passwords are not shown."""
    names = sorted(name for name in os.environ if name.startswith("PREFECT_") or name == "TESSDATA_PREFIX")
    return [
        (name, "***" if _SECRET.search(name) else _WITH_PASSWORD.sub("***@", os.environ[name]))
        for name in names
        if os.environ[name]
    ]


def _shown(value: object) -> str:
    if value is None:
        return ""
    return ",".join(str(part) for part in value) if isinstance(value, tuple) else str(value)
