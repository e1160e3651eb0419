"""A home as version 0.1.0 left it: its folders, what it published and noted, a Prefect database of its day.

The forms are those of files that 0.1.0 itself wrote (commit 2cc7db7, Prefect 3.8.8) over two of sample_scans/ and a
broken PDF; the contents are short.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from flows.settings import Folders
from tests.intake import PDF, dead_owner
from tests.scans import write_scan
from tests.service import ROOT, clean_environment

PREFECT_3_8 = "a3b9c7d2e5f1"
"""The revision of the database of Prefect 3.8.8."""

NOTE = """PDF bị hỏng, không mở được; hãy quét hoặc xuất lại.
The PDF is damaged and cannot be opened; scan or export it again.

Khi đã khắc phục: chép tệp vào lại inbox, hoặc chạy lệnh `nambat retry`.
When that is mended: drop the file into the inbox again, or run `nambat retry`.

hỏng.pdf, 2026-11-21 17:20:54 +0000, NotAScan
Unable to get page count.
"""

TEXT = "BÁO CÁO\n\nKết quả quản lý công trình thủy lợi năm 2023\n"


def record(scan: bytes) -> dict[str, Any]:
    """The JSON of a text, as 0.1.0 published it."""
    blocks = [
        {"type": "title", "level": 1, "text": "BÁO CÁO", "page": 1, "bbox": [1060, 640, 1420, 690]},
        {
            "type": "title",
            "level": 1,
            "text": "Kết quả quản lý công trình thủy lợi năm 2023",
            "page": 1,
            "bbox": [610, 700, 1870, 760],
        },
    ]
    facts = {"number": "286", "symbol": "BC-SNN", "type": "Báo cáo", "subject": "Kết quả quản lý công trình thủy lợi"}
    others = {"agency": "SỞ NÔNG NGHIỆP", "place": "Bình Lâm", "date": "2023-12-05", "signer": "Triệu Minh Đường"}
    correction = {
        "page": 1,
        "bbox": [700, 700, 800, 760],
        "where": "blocks/1",
        "start": 8,
        "before": "quan",
        "after": "quản",
        "kind": "tone",
        "probability": 0.9976,
        "evidence": "in its sentence the new reading is 5.0 orders of magnitude likelier",
    }
    page = {"number": 1, "dpi": 300, "skew": 0.0, "words": 11, "mean_confidence": 95.4, "lowest_confidence": 32.0}
    return {
        "schema": "nambat/1",
        "source": {"name": "thủy lợi.pdf", "sha256": _sha256(scan), "pages": 1, "bytes": len(scan)},
        "metadata": {**facts, **others, "signer_title": "PHÓ GIÁM ĐỐC", "recipients": ["- Lưu: VT."]},
        "blocks": blocks,
        "footnotes": [],
        "corrections": [correction],
        "pages": [{**page, "seconds": 10.857, "error": None}],
        "dropped": [{"page": 1, "bbox": [1301, 133, 1324, 169], "text": "2", "reason": "page number"}],
        "warnings": [],
        "engine": {"model": "vie"},
        "timings": {"pages": 10.857, "reading": 10.857, "structure": 0.057, "repair": 0.387},
        "files": [{"name": "thủy lợi.txt", "sha256": _sha256(TEXT.encode()), "bytes": len(TEXT.encode())}],
    }


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def make_old_home(folders: Folders, *, database: bool = False) -> None:
    """Write one: a text that is published, a scan in quarantine, and one that a kill left in working/.

    Args:
        database: whether it has its Prefect database, too, which takes some seconds.
    """
    for folder in (folders.inbox, folders.published / "Phòng A", folders.originals / "Phòng A", folders.quarantine):
        folder.mkdir(parents=True, exist_ok=True)
    scan = write_scan(folders.originals / "Phòng A" / "thủy lợi.pdf").read_bytes()
    (folders.published / "Phòng A" / "thủy lợi.txt").write_text(TEXT)
    text = json.dumps(record(scan), ensure_ascii=False, indent=1)
    (folders.published / "Phòng A" / "thủy lợi.json").write_text(text + "\n")
    (folders.quarantine / "hỏng.pdf").write_bytes(PDF[:30])
    (folders.quarantine / "hỏng.pdf.reason.txt").write_text(NOTE)
    claim = folders.working / "20261121-172050-0badcafe"
    (claim / "scan").mkdir(parents=True)
    write_scan(claim / "scan" / "dở dang.pdf")
    about = {"id": claim.name, "name": "dở dang.pdf", "owner": dead_owner(), "sha256": "", "attempt": 1}
    (claim / "claim.json").write_text(json.dumps({**about, "running": True, "flow_run": "", "keep": True}, indent=1))
    (folders.working / ".seen.json").write_text("{}")
    if database:
        make_old_database(folders.home / "prefect")


def make_old_database(prefect: Path) -> None:
    """A database as Prefect 3.8.8 made it, without rows."""
    prefect.mkdir(parents=True)
    code = (
        "import sys; from anyio import run, to_thread\n"
        "from prefect.server.database.alembic_commands import alembic_upgrade\n"
        "run(to_thread.run_sync, alembic_upgrade, sys.argv[1])"
    )
    environment = clean_environment(PREFECT_HOME=str(prefect), DO_NOT_TRACK="1")
    subprocess.run([sys.executable, "-P", "-c", code, PREFECT_3_8], cwd=ROOT, env=environment, check=True)
