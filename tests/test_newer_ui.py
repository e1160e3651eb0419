"""Prefect's newer UI, which asks a host of its maker's for settings, is not served and so not offered."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.service import ROOT, clean_environment

SCRIPT = """
from flows.service.lean_prefect import offer_no_newer_ui
offer_no_newer_ui()
from prefect.server.api.server import create_ui_app
app = create_ui_app(False)
(settings,) = [route.endpoint() for route in app.routes if getattr(route, "path", "") == "/ui-settings"]
print(*settings.available_uis, settings.v2_base_url)
"""


def test_the_server_has_one_ui_only(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", SCRIPT],
        capture_output=True,
        text=True,
        timeout=120,
        env=clean_environment(PYTHONPATH=str(ROOT), PREFECT_HOME=str(tmp_path)),
    )
    assert done.stdout == "v1 None\n", done.stderr
