"""A connector that verifies, and what must hold while it does."""

from msgspec.structs import replace

from durable.connector.definition import AnyConnector
from durable.machine.job import Mode
from durable.machine.verification import Verification
from tests.simulation.connector import NOTES
from tests.simulation.source import Order
from tests.simulation.world import PAGES, StandIn, World


VERIFYING = replace(NOTES, verify=True)
PROCESSING = replace(VERIFYING, process_immediately=True)
INDEXING_MS = 20 * 60 * 1_000


def synced(connector: AnyConnector = VERIFYING) -> World:
    """A FULL job was asked for. Glean takes a while to index what it brings.

    Until then it has other documents, and as many.
    """
    world = World(PAGES, Order.FEED, stand_in=StandIn(connector, None))
    world.glean.indexing_ms = INDEXING_MS
    world.glean.index = {f"gone {number}": "" for number in range(len(world.source.live))}
    world.begin(Mode.FULL)
    return world


def verification(world: World, job_id: str) -> Verification:
    found = world.oracle.verifications.load(job_id)
    assert found is not None, world.told(f"{job_id} is not verified")
    return found
