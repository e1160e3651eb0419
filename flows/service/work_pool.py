"""The work pool that a service leaves its reading to, so that workers of several machines share it.

Prefect's words: deployments lie in a queue of a pool, workers take runs out of it, those of the queue with the lowest
number first.
"""

from __future__ import annotations

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import WorkQueueFilter, WorkQueueFilterName
from prefect.client.schemas.objects import WorkPool
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.workers.process import ProcessWorker

from flows.language import _
from flows.service.prefect_server import ServerTrouble
from flows.service.record import ARCHIVE, INBOX

QUEUES = {INBOX: 1, ARCHIVE: 10}
"""The queues that we make, and their priorities: what people drop today comes before an archive of years."""

OWNER = "nambat, home "
"""How the description of a pool of ours begins; the home's name follows. People may write on behind it."""


async def make_pool(name: str, home: str) -> None:
    """Make the work pool and its queues, so far as they are missing; what people set of them stays.

    Args:
        home: the home's name. A run finds its scan in its own home only, so a pool belongs to one.

    Raises:
        ServerTrouble: the pool is another home's.
        Exception: the server does not answer.
    """
    async with get_client() as client:
        pool = await _find_or_make(client, name, home)
        if (owner := owner_of(pool)) not in ("", home):
            said = _("the work pool {pool} is that of the home {home}; choose another name with --pool")
            raise ServerTrouble(said.format(pool=name, home=owner))
        for queue, priority in QUEUES.items():
            named = WorkQueueFilter(name=WorkQueueFilterName(any_=[queue]))
            if not await client.read_work_queues(work_pool_name=name, work_queue_filter=named):
                await client.create_work_queue(queue, priority=priority, work_pool_name=name)


async def _find_or_make(client: PrefectClient, name: str, home: str) -> WorkPool:
    try:
        return await client.read_work_pool(name)
    except ObjectNotFound:
        template = ProcessWorker.get_default_base_job_template()
        wanted = WorkPoolCreate(
            name=name, type=ProcessWorker.type, description=f"{OWNER}{home}", base_job_template=template
        )
        try:
            return await client.create_work_pool(wanted)
        except ObjectAlreadyExists:  # a worker was quicker
            return await client.read_work_pool(name)


def owner_of(pool: WorkPool) -> str:
    """The name of the home that a pool belongs to; empty if its description tells of none."""
    described = pool.description or ""
    return described.removeprefix(OWNER).split()[0].rstrip(",;.") if described.startswith(OWNER) else ""
