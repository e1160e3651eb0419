"""What is done to Prefect's server in memory so that it takes less of the machine, where it has no setting for it.

Prefect is pinned; tests/test_server.py says what of this must hold with another one.
"""

from __future__ import annotations

import importlib
import os
import sys
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

ENCRYPTION = "prefect.server.utilities.encryption"


def leave_out_modules() -> None:
    """Import less; to be called before Prefect's server is imported."""
    _check_no_types()
    _import_encryption_later()


def _check_no_types() -> None:
    """Do without beartype, which checks the arguments of a store of results that nobody uses here: 6 MB."""
    checker: Any = ModuleType("beartype")
    checker.BeartypeConf = lambda **_how: None
    checker.BeartypeStrategy = SimpleNamespace(O0=0, O1=1)
    checker.beartype = lambda conf: lambda function: function
    checker.claw = ModuleType("beartype.claw")
    checker.claw.beartype_this_package = lambda **_how: None
    sys.modules |= {"beartype": checker, "beartype.claw": checker.claw}


def _import_encryption_later() -> None:
    """Import what encrypts the secrets of blocks when the first is stored or read: 5 MB."""

    def now() -> Any:
        if sys.modules.get(ENCRYPTION) is later:
            del sys.modules[ENCRYPTION]
        return importlib.import_module(ENCRYPTION)

    async def encrypt_fernet(*given: Any) -> Any:
        return await now().encrypt_fernet(*given)

    async def decrypt_fernet(*given: Any) -> Any:
        return await now().decrypt_fernet(*given)

    later: Any = ModuleType(ENCRYPTION)
    later.encrypt_fernet, later.decrypt_fernet = encrypt_fernet, decrypt_fernet
    sys.modules[ENCRYPTION] = later


SELDOM = timedelta(seconds=5)
"""How often what Prefect's server has to do later is looked for. From 250 ms, a hundredth of a core went into that."""

AT_REST = timedelta(seconds=60)
"""How often is done what only matters where several servers share their work, or for what was lost on the way."""


def look_seldom() -> None:
    """Have loops of Prefect's server go round less often for which it has no setting.

    Together they took half of what a server took that has nothing to do; above all the one that asked ten times a
    second, in a thread of its own, whether a task of the server's own is to be cancelled, which Prefect never does.
    """
    from prefect.server.api import background_workers
    from prefect.server.events import triggers

    class Worker(background_workers.Worker):
        """Does at once what is to be done now, and what is to be done later up to five seconds late."""

        def __init__(self, docket: background_workers.Docket) -> None:
            docket.heartbeat_interval = AT_REST
            super().__init__(docket, minimum_check_interval=SELDOM, scheduling_resolution=SELDOM)

        async def _cancellation_listener(self) -> None:
            session = self._processing_session
            if session is not None:
                session.cancellation_ready.set()
                await session.stopping.wait()

    background_workers.Worker = Worker  # type: ignore[misc,assignment]
    # Events of automations whose predecessor was lost, and of buckets that are over.
    triggers.consumer = partial(triggers.consumer, periodic_granularity=AT_REST)


def offer_no_newer_ui() -> None:
    """Leave out Prefect's newer UI, which its dashboard offers: it asks a host of its maker's for settings."""
    import prefect

    prefect.__ui_v2_static_path__ = Path(os.devnull, "not served")
