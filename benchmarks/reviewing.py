"""The review page: from its start to the first page, and until a long document can be read, in Chromium.

    python -m benchmarks.reviewing [--pages 300] [--rounds 5]

The document is made up: 13 words in 29 copies a page, each with its place, on a scan whose words are black bars. "Text"
is when the words of the first page are there, "picture" when its image is, each counted from the click that opens it.
Quote the median and the worst, and how busy the machine is.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from flows.review.index import document_id
from flows.service.prefect_server import free_port
from tests.browser import browser
from tests.review import publish

COPIES = 29


def first_answer(folder: Path, scans: Path, port: int) -> tuple[subprocess.Popen[bytes], float, float]:
    """``nambat review`` over a folder, and the seconds until its list was there, of the clock and of the processor."""
    begun = time.monotonic()
    command = [sys.executable, "-m", "flows.cli", "review", str(folder), "--scans", str(scans), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as answer:
                answer.read()
            return process, time.monotonic() - begun, used_by(process.pid)
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.02)


def used_by(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def told(what: str, seconds: list[float], used: list[float] | None = None) -> None:
    """One line of the result.

    Args:
        used: processor seconds of the review page in it.
    """
    processor = f"   of its processor {statistics.median(used):6.2f} s" if used else ""
    print(f"{what:32} median {statistics.median(seconds):6.2f} s   worst {max(seconds):6.2f} s{processor}")


def main() -> None:
    """Measure, and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        published = publish(Path(made, "document"), options.pages, COPIES)
        size = published.json.stat().st_size
        print(f"JSON of {options.pages} pages: {size / 1e6:.1f} MB; load {os.getloadavg()[0]:.1f}")
        starts, texts, pictures, started, opened = [], [], [], [], []
        for number in range(options.rounds):
            port = free_port()
            process, seconds, used = first_answer(published.folder, published.scans, port)
            starts.append(seconds)
            started.append(used)
            try:
                with browser(Path(made, f"profile-{number}")) as page:
                    page.open(f"http://127.0.0.1:{port}/")
                    begun, used = time.monotonic(), used_by(process.pid)
                    page.tab.goto(
                        f"http://127.0.0.1:{port}/documents/{document_id('van-ban.json')}", wait_until="commit"
                    )
                    page.wait_for("!!document.querySelector('.leaf mark')")
                    texts.append(time.monotonic() - begun)
                    opened.append(used_by(process.pid) - used)
                    page.wait_for("document.querySelector('.paper img').naturalWidth > 0")
                    pictures.append(time.monotonic() - begun)
            finally:
                process.terminate()
                process.wait()
        told("start to the list", starts, started)
        told(f"{options.pages} pages: first text", texts, opened)
        told(f"{options.pages} pages: first picture", pictures)


if __name__ == "__main__":
    main()
