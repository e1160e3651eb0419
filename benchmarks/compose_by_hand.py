"""What compose.yaml says, done by hand where there is no Docker: ``python -m benchmarks.compose_by_hand`` (as root).

Each service is started as its container would be: its command, its environment and no other, its user without any
capability, a root that cannot be written to, its tmpfs, its volumes and its secrets, process ids and a host name of its
own, and no networks but its own. Programs are this machine's, not those of the images: PostgreSQL,
Redis, and nambat of this checkout. What only Docker or its kernel's groups do is not done: limits of memory, processors
and processes, published ports.

Then scans are dropped, the API is stopped and started while they are read, and all has to be published once. Exit
status 0 if that is so, 1 if not, 77 if it cannot be tried here.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import os
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from flows.host.processes import descendants

ROOT = Path(__file__).parents[1]
NETWORKS = {"stores": "10.99.1", "runs": "10.99.2"}
"""Networks of the file, and the first three numbers of all addresses in them."""

INSIDE = "COMPOSE_BY_HAND_INSIDE"
"""Environment variable of a process that is in the network of its own already."""

OWN = ("proc", "tmp", "run", "home", "root", "dev", "lost+found")
"""Folders of this machine's root that a container does not see."""

SILENT = ("noexec", "nosuid", "nodev")
"""What Docker mounts each tmpfs with."""

PUBLISHED_WITHIN = 600.0
HEALTHY_WITHIN = 240.0

POSTGRES = """
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    initdb --username="$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" -E UTF8 $POSTGRES_INITDB_ARGS >/dev/null
    echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
    echo "CREATE DATABASE \\"$POSTGRES_DB\\"" | postgres --single postgres >/dev/null
fi
exec postgres -c listen_addresses='*'
"""
"""What the image's own entrypoint does, as far as it matters here."""


class Untried(Exception):
    """It cannot be tried here; ``str()`` says why."""


@dataclass(frozen=True, slots=True)
class Image:
    """What an image brings.

    Attributes:
        environment: of every container.
        command: where the service names none.
        people: its users, as lines of /etc/passwd.
        stands: the folder that its programs are started in.
    """

    environment: dict[str, str]
    command: tuple[str, ...]
    people: str
    stands: str = "/tmp"


@dataclass(slots=True)
class Container:
    """A service that was started.

    Attributes:
        name: of its service, with a number.
        enter: words before a command that have it run in there, as its user.
    """

    name: str
    service: dict[str, Any]
    process: subprocess.Popen[bytes]
    root: Path
    enter: list[str]
    log: Path

    @property
    def first(self) -> int:
        """The process that is number 1 in there."""
        return next(iter(descendants(self.process.pid)))

    @property
    def service_name(self) -> str:
        return self.name.rpartition("-")[0]

    def run(self, *words: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command in there, as ``docker exec`` does."""
        outside = ["nsenter", f"--target={self.first}", "--mount", "--pid", "--uts", "--net", "--"]
        return subprocess.run([*outside, *self.enter, *words], capture_output=True, text=True, timeout=seconds)

    def is_well(self) -> bool:
        """Ask as its health check does."""
        kind, *words = self.service["healthcheck"]["test"]
        words = ["sh", "-c", *words] if kind == "CMD-SHELL" else words
        return self.process.poll() is None and self.run(*words).returncode == 0

    def memory(self) -> float:
        """What its processes have in memory, what they share counted once, in MiB."""
        total = 0
        for pid in descendants(self.process.pid):
            with contextlib.suppress(OSError, ValueError):
                rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
                total += int(re.search(r"^Pss:\s+(\d+)", rollup, re.M).group(1))  # type: ignore[union-attr]
        return total / 1024


@dataclass(slots=True)
class Stack:
    """All that compose.yaml names, in a folder.

    Attributes:
        services: as the file has them, its variables filled in.
        scale: how many containers of each there are to be.
    """

    folder: Path
    services: dict[str, dict[str, Any]]
    scale: dict[str, int]
    images: dict[str, Image]
    running: list[Container] = field(default_factory=list)

    def named(self, service: str) -> list[Container]:
        """Its containers."""
        return [one for one in self.running if one.service_name == service]


def read_services(path: Path = ROOT / "compose.yaml") -> dict[str, dict[str, Any]]:
    """The services of a compose file, with the variables that nobody has set."""
    text = re.sub(r"(?<!\$)\$\{\w+:-([^}]*)\}", r"\1", path.read_text()).replace("$$", "$")
    services: dict[str, dict[str, Any]] = yaml.safe_load(text)["services"]
    return services


def image_environment(path: Path = ROOT / "Dockerfile") -> dict[str, str]:
    """What our image sets in the environment."""
    lines = re.sub(r"\\\n\s*", " ", path.read_text()).splitlines()
    words = [shlex.split(line.removeprefix("ENV ")) for line in lines if line.startswith("ENV ")]
    return dict(word.split("=", 1) for line in words for word in line)


def programs() -> str:
    """Where programs are: those of the checkout, Debian's PostgreSQL, and the rest.

    Raises:
        Untried: one is missing.
    """
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda place: float(place.parent.name))
    places = [Path(sys.executable).parent, ROOT / "deploy", *reversed(versions)]
    path = ":".join([*map(str, places), "/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin"])
    wanted = ("postgres", "initdb", "redis-server", "tini", "setpriv", "unshare", "nsenter", "ip", "prefect", "nambat")
    missing = [name for name in wanted if not shutil.which(name, path=path)]
    if missing:
        raise Untried(f"missing: {', '.join(missing)}")
    return path


def make_stack(folder: Path, asked: Mapping[str, int]) -> Stack:
    """The folders of volumes, secrets and roots; nothing is started.

    Args:
        asked: how many containers of some services there are to be, as by ``--scale``.

    Raises:
        Untried: a program is missing.
    """
    path, services = programs(), read_services()
    for name in ("database_password", "redis_password", "prefect_password"):
        secret = folder / "secrets" / name
        secret.parent.mkdir(mode=0o755, exist_ok=True)
        secret.write_text(f"{secrets.token_hex(24)}\n")
        secret.chmod(0o444)
    ours = Image(
        {**image_environment(), "PATH": path, "HOME": "/tmp"}, (), "nambat:x:1000:1000::/tmp:/bin/sh\n", "/data"
    )
    data = {"PATH": path, "PGDATA": "/var/lib/postgresql/data"}
    images = {
        "nambat": ours,
        "postgres": Image(data, ("sh", "-euc", POSTGRES), "postgres:x:999:999::/tmp:/bin/sh\n"),
        "redis": Image({"PATH": path}, (), "redis:x:999:999::/tmp:/bin/sh\n"),
    }
    for name, owner in (("database", 999), ("queue", 999), ("home", 1000)):
        (folder / name).mkdir(mode=0o700)
        os.chown(folder / name, owner, owner)
    scale = {name: asked.get(name, one.get("scale", 1)) for name, one in services.items()}
    return Stack(folder, services, scale, images)


def networks(service: dict[str, Any]) -> dict[str, list[str]]:
    """The networks of a service, and what else it is called there."""
    named = service["networks"]
    if isinstance(named, list):
        return {name: [] for name in named}
    return {name: (about or {}).get("aliases", []) for name, about in named.items()}


def address(stack: Stack, name: str, number: int, network: str) -> str:
    """The address of a container, always the same."""
    return f"{NETWORKS[network]}.{10 * (1 + list(stack.services).index(name)) + number}"


def hosts(stack: Stack, service: dict[str, Any]) -> str:
    """Who is called how, as a container of a service hears from Docker's name server: those of its own networks."""
    lines = ["127.0.0.1 localhost"]
    for name, other in stack.services.items():
        for number in range(1, stack.scale[name] + 1):
            for network in networks(service).keys() & networks(other).keys():
                names = [name, *networks(other)[network]]
                lines += [f"{address(stack, name, number, network)} {called}" for called in names]
    return "\n".join(lines) + "\n"


def make_networks() -> None:
    """Bridges for the networks, which this process is in as well."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for name, numbers in NETWORKS.items():
        subprocess.run(["ip", "link", "add", name, "type", "bridge"], check=True)
        subprocess.run(["ip", "address", "add", f"{numbers}.1/24", "dev", name], check=True)
        subprocess.run(["ip", "link", "set", name, "up"], check=True)


def connect(network: str, pid: int) -> None:
    """Put the network namespace of a process into a network; it finds an interface of that name."""
    outer = f"v{secrets.token_hex(5)}"
    peer = ["peer", "name", network, "netns", str(pid)]
    subprocess.run(["ip", "link", "add", outer, "type", "veth", *peer], check=True)
    subprocess.run(["ip", "link", "set", outer, "master", network, "up"], check=True)


def mounts(stack: Stack, service: dict[str, Any], image: Image, root: Path) -> Iterator[str]:
    """Shell commands that make a container's root of this machine's folders, none of which it may write to."""
    yield "mount --make-rprivate /"
    yield f"mount --bind {root} {root}"
    for folder in sorted(Path("/").iterdir()):
        if folder.is_symlink():
            yield f"cp -P {folder} {root}/"
        elif folder.is_dir() and folder.name not in OWN:
            # Not those mounted below: nothing there that a container would have.
            yield f"mkdir -p {root}{folder} && mount --bind {folder} {root}{folder}"
            yield f"mount -o remount,bind,ro {root}{folder}"
    yield f"mkdir -p {root}/proc {root}/dev {root}/run {root}/tmp {root}{image.stands}"
    yield f"mount -t proc proc {root}/proc && mount --bind /dev {root}/dev"
    yield f"mount -t tmpfs -o size={service.get('shm_size', '64m')} tmpfs {root}/dev/shm"
    yield f"mount -t tmpfs tmpfs {root}/run && mkdir -p {root}/run/secrets"
    for one in service.get("tmpfs", []):
        place, _, options = one.partition(":")
        options = ",".join([*SILENT, *filter(None, options.split(","))])
        yield f"mkdir -p {root}{place} && mount -t tmpfs -o {options} tmpfs {root}{place}"
    for name in service.get("secrets", []):
        yield f"touch {root}/run/secrets/{name} && mount --bind {stack.folder}/secrets/{name} {root}/run/secrets/{name}"
    yield f"mount -o remount,ro {root}/run"
    for checkout in {ROOT, Path(sys.base_prefix)}:
        if checkout.parts[1] in OWN:
            yield f"mkdir -p {root}{checkout} && mount --bind {checkout} {root}{checkout}"
            yield f"mount -o remount,bind,ro {root}{checkout}"
    people = f"root:x:0:0::/:/bin/sh\n{image.people}"
    for name, text in (("passwd", people), ("group", "root:x:0:\n"), ("hosts", hosts(stack, service))):
        (root.parent / f"{root.name}.{name}").write_text(text)
        yield f"mount --bind {root.parent}/{root.name}.{name} {root}/etc/{name}"
    for volume in service.get("volumes", []):
        name, place = volume.split(":")
        above = next(one for one in Path(place).parents if one.exists())
        if above != Path("/"):
            yield f"mount -t tmpfs tmpfs {root}{above}"
        yield f"mkdir -p {root}{place} && mount --bind {stack.folder}/{name} {root}{place}"
    yield f"mount -o remount,bind,ro {root}"


def start(stack: Stack, name: str, number: int = 1) -> Container:
    """Start a container of a service."""
    service = stack.services[name]
    image = stack.images[service["image"].partition(":")[0]]
    root = stack.folder / f"{name}-{number}-{secrets.token_hex(3)}"
    root.mkdir(mode=0o755)
    assert service["read_only"] and service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    user, group = service["user"].split(":")
    rights = [f"--reuid={user}", f"--regid={group}", "--clear-groups", "--no-new-privs", "--bounding-set=-all"]
    environment = {**image.environment, **service.get("environment", {})}
    given = [f"{variable}={value}" for variable, value in environment.items()]
    enter = ["chroot", str(root), "setpriv", *rights, "--inh-caps=-all", "env", "-i", f"--chdir={image.stands}", *given]
    words = [*service.get("entrypoint", []), *service.get("command", image.command)]
    script = "\n".join(
        ["set -e", f"hostname {secrets.token_hex(6)}", "ip link set lo up"]
        + [f"until ip link set {one} up 2>/dev/null; do sleep 0.05; done" for one in networks(service)]
        + [f"ip address add {address(stack, name, number, one)}/24 dev {one}" for one in networks(service)]
        + [*mounts(stack, service, image, root)]
        + [f"exec {shlex.join([*enter, *words])}"]
    )
    log = stack.folder / f"{name}-{number}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--uts", "--net", "--fork", "--kill-child", "sh", "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    made = Container(f"{name}-{number}", service, process, root, enter, log)
    stack.running.append(made)
    wait_until(lambda: descendants(process.pid), 10, f"{name} did not begin")
    for network in networks(service):
        connect(network, made.first)
    return made


def stop(stack: Stack, one: Container) -> float:
    """Stop a container as Docker does; the seconds that it took, below zero if it had to be killed."""
    begun = time.monotonic()
    stack.running.remove(one)
    grace = float(one.service.get("stop_grace_period", "10s").removesuffix("s"))
    killed = False
    if one.process.poll() is None:
        os.kill(one.first, signal.Signals[one.service.get("stop_signal", "SIGTERM")])
        try:
            one.process.wait(grace)
        except subprocess.TimeoutExpired:
            killed = True
            os.kill(one.first, signal.SIGKILL)  # all others in there end with it
            one.process.wait()
    took = time.monotonic() - begun
    return -took if killed else took


def wait_until_well(one: Container) -> float:
    """The seconds until its health check is content.

    Raises:
        AssertionError: it ends, or is not well in time.
    """
    begun = time.monotonic()
    while time.monotonic() - begun < HEALTHY_WITHIN:
        assert one.process.poll() is None, f"{one.name} ended: {one.log.read_text()[-3000:]}"
        with contextlib.suppress(subprocess.TimeoutExpired, StopIteration):
            if one.is_well():
                return time.monotonic() - begun
        time.sleep(0.5)
    kind, *words = one.service["healthcheck"]["test"]
    said = one.run(*words) if kind == "CMD" else None
    raise AssertionError(f"{one.name} is not well: {said}\n{one.log.read_text()[-3000:]}")


def order(services: dict[str, dict[str, Any]]) -> list[str]:
    """Names of services, each after those that it waits for."""
    found: list[str] = []
    while len(found) < len(services):
        found += [
            name for name, one in services.items() if name not in found and set(one.get("depends_on", {})) <= {*found}
        ]
    return found


def start_all(stack: Stack) -> None:
    """Start everything in its order, each when what it waits for is well."""
    for name in order(stack.services):
        for number in range(1, stack.scale[name] + 1):
            one = start(stack, name, number)
            if "healthcheck" in one.service:
                say(f"{one.name} is well after {wait_until_well(one):.1f} s, {one.memory():.0f} MiB")
                continue
            begun = time.monotonic()
            status = one.process.wait(HEALTHY_WITHIN)
            stack.running.remove(one)
            assert status == 0, one.log.read_text()
            say(f"{one.name} ended well after {time.monotonic() - begun:.1f} s")


def ask(stack: Stack, path: str, *, password: bool = True, **body: Any) -> Any:
    """What the API answers; its status if that is no good one."""
    word = (stack.folder / "secrets/prefect_password").read_text().strip()
    headers = {"content-type": "application/json"}
    if password:
        headers["authorization"] = "Basic " + base64.b64encode(f"nambat:{word}".encode()).decode()
    if body:
        token = ask(stack, "csrf-token?client=hand")["token"]
        headers.update({"prefect-csrf-client": "hand", "prefect-csrf-token": token})
    data = json.dumps(body).encode() if body else None
    asked = urllib.request.Request(
        f"http://{address(stack, 'api', 1, 'runs')}:4200/api/{path}", data=data, headers=headers
    )
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as fault:
        return fault.code


def shown_secrets(stack: Stack) -> set[str]:
    """Names of secrets that stand in a command line."""
    lines = b"\0".join(path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists())
    return {one.name for one in (stack.folder / "secrets").iterdir() if one.read_bytes().strip() in lines}


def drop(stack: Stack, count: int) -> list[str]:
    """Drop so many scans; their names."""
    samples = sorted(path for path in (ROOT / "sample_scans").iterdir() if path.suffix in (".pdf", ".jpg", ".tif"))
    names = []
    for number in range(count):
        scan = samples[number % len(samples)]
        name = f"tờ trình {number + 1}{scan.suffix}"
        file = stack.folder / "home/inbox" / name
        # No two alike: the same scan is read once only.
        file.write_bytes(scan.read_bytes() + b"\n" * (number // len(samples)))
        os.chown(file, 1000, 1000)
        names.append(name)
    return names


def published(stack: Stack) -> set[str]:
    """Names of the scans whose text is there."""
    records = (stack.folder / "home/published").glob("*.json")
    return {json.loads(path.read_bytes())["source"]["name"] for path in records}


def wait_until(done: Any, seconds: float, what: str) -> float:
    begun = time.monotonic()
    while not done():
        assert time.monotonic() - begun < seconds, what
        time.sleep(0.2)
    return time.monotonic() - begun


def completed(stack: Stack, names: Sequence[str]) -> list[str]:
    """The names of the runs that are completed; a run says so a moment after its scan is put away."""
    runs = ask(stack, "flow_runs/filter", sort="START_TIME_ASC", limit=200)
    return sorted(run["name"] for run in runs if run["name"] in names and run["state_type"] == "COMPLETED")


def try_out(stack: Stack, scans: int) -> None:
    """Start, drop, restart the API, look.

    Raises:
        AssertionError: something is not as it should be.
    """
    start_all(stack)
    assert shown_secrets(stack) == set()
    assert ask(stack, "admin/version", password=False) == 401
    with urllib.request.urlopen(f"http://{address(stack, 'api', 1, 'runs')}:4200/", timeout=60) as page:
        assert b"<title>Prefect Server</title>" in page.read()
    begun = time.monotonic()
    names = drop(stack, scans)
    working = stack.folder / "home/working"
    wait_until(lambda: any(working.glob("2*")), 120, "nothing was taken")
    (api,) = stack.named("api")
    took = stop(stack, api)
    say(f"the API is stopped while {len(list(working.glob('2*')))} are in work; it took {took:.1f} s")
    assert took > 0
    time.sleep(10)
    again = start(stack, "api")
    say(f"the API is well again after {wait_until_well(again):.1f} s")
    wait_until(lambda: set(names) <= published(stack), PUBLISHED_WITHIN, f"published only {sorted(published(stack))}")
    say(f"{scans} scans published after {time.monotonic() - begun:.1f} s")
    wait_until(lambda: not any(working.glob("2*")), 60, "something is left in work")
    home = stack.folder / "home"
    assert sorted(path.name for path in (home / "originals").iterdir()) == sorted(names)
    assert [path for path in (home / "quarantine").rglob("*") if path.is_file()] == []
    assert not (home / "versions").exists() or not any((home / "versions").iterdir()), "something was published twice"
    wait_until(lambda: completed(stack, names) == sorted(names), 60, f"completed only {completed(stack, names)}")
    for one in stack.running:
        assert one.is_well(), one.name
        say(f"{one.name}: {one.memory():.0f} MiB of {one.service['mem_limit']}")
    (service,) = stack.named("nambat")
    say(service.run("nambat", "status").stdout)


def stop_all(stack: Stack) -> None:
    """Stop everything, the last first.

    Raises:
        AssertionError: one had to be killed.
    """
    killed = []
    begun = order(stack.services)
    for one in sorted(stack.running, key=lambda one: begun.index(one.service_name), reverse=True):
        took = stop(stack, one)
        say(f"{one.name} stopped in {abs(took):.1f} s{' and had to be killed' if took < 0 else ''}")
        if took < 0:
            killed.append(one.name)
    assert killed == []


def say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)


def go_inside(arguments: Sequence[str]) -> int:
    """Run this again in a network and a mount namespace of its own."""
    if os.geteuid() != 0:
        raise Untried("making containers takes root")
    programs()
    apart = ["unshare", "--net", "--mount", "--propagation", "private"]
    if subprocess.run([*apart, "true"], capture_output=True).returncode:
        raise Untried("no network namespace can be made here")
    # All ends with this process, however it ends.
    command = [
        *apart,
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
        sys.executable,
        "-m",
        "benchmarks.compose_by_hand",
    ]
    return subprocess.run([*command, *arguments], cwd=ROOT, env={**os.environ, INSIDE: "yes"}).returncode


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--scans", type=int, default=4, help="how many scans are dropped")
    parser.add_argument("--workers", type=int, default=2, help="as --scale worker=N")
    parser.add_argument("--apis", type=int, default=1, help="how many processes of the API there are")
    parser.add_argument("--keep", action="store_true", help="leave the folder, and say where")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        if INSIDE not in os.environ:
            return go_inside(arguments)
        make_networks()
        folder = Path(tempfile.mkdtemp(prefix="compose-"))
        folder.chmod(0o755)
        stack = make_stack(folder, {"worker": given.workers, "api-more": given.apis - 1})
    except Untried as why:
        say(f"not tried: {why}")
        return 77
    try:
        try_out(stack, given.scans)
        stop_all(stack)
        say("all is well")
        return 0
    except AssertionError as fault:
        say(f"BAD: {fault}")
        return 1
    finally:
        for one in stack.running:
            for first in descendants(one.process.pid)[:1]:
                os.kill(first, signal.SIGKILL)
            one.process.wait()
        if given.keep:
            say(f"left in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
