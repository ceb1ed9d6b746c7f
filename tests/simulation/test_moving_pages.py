"""A list that is read by position: what moves to an earlier page while it is read, is missed."""

import httpx
import msgspec
from msgspec.structs import replace

from durable import Bearer, HttpSource, Mode, OffsetPaging, Secret
from durable.machine.states import State
from durable.timestamps import rfc3339
from tests.simulation.clock import NEW_YEAR_MS
from tests.simulation.connector import NOTES
from tests.simulation.truncation import Bystander
from tests.simulation.world import StandIn, World


SIZE = 2
CONNECTOR = replace(
    NOTES,
    documents=replace(
        NOTES.documents,
        source=HttpSource(
            url="${NOTES_URL}/notes",
            records="notes",
            paging=OffsetPaging(param="offset", size=SIZE, size_param="limit"),
            auth=Bearer(Secret("NOTES_TOKEN")),
        ),
    ),
)


class Shelf:
    """Lists notes by their position, the latest to change first."""

    def __init__(self) -> None:
        self.names = ["a", "b", "c", "d", "e"]
        self.moving = ""  # is put in front once the first page was read

    def answer(self, request: httpx.Request) -> httpx.Response:
        offset = int(request.url.params.get("offset", 0))
        listed = self.names[offset : offset + SIZE]
        if offset == 0 and self.moving:
            self.names.remove(self.moving)
            self.names.insert(0, self.moving)
            self.moving = ""
        notes = [
            {"id": name, "text": f"text of {name}", "updated_at": rfc3339(NEW_YEAR_MS)}
            for name in listed
        ]
        return httpx.Response(200, content=msgspec.json.encode({"notes": notes}))


def synced(shelf: Shelf) -> World:
    world = World(stand_in=StandIn(CONNECTOR, shelf.answer, Bystander))
    full(world)
    assert set(world.glean.index) == {"a", "b", "c", "d", "e"}
    return world


def full(world: World) -> None:
    world.begin(Mode.FULL)
    world.run()
    assert world.oracle.latest.state is State.SUCCEEDED, world.told(world.oracle.latest.error)


def test_what_one_full_crawl_has_missed_stays() -> None:
    shelf = Shelf()
    world = synced(shelf)
    shelf.moving = "d"
    full(world)

    gone = world.oracle.latest.crawl.gone
    assert (gone.count, gone.waiting_count) == (0, 1)
    assert "d" in world.glean.index
    full(world)
    assert world.oracle.latest.crawl.gone.waiting_count == 0
    assert set(world.glean.index) == set(shelf.names)


def test_what_two_full_crawls_in_a_row_have_missed_is_deleted() -> None:
    shelf = Shelf()
    world = synced(shelf)
    shelf.names.remove("d")
    full(world)
    assert "d" in world.glean.index
    full(world)

    assert set(world.glean.index) == set(shelf.names)


def test_what_was_seen_in_between_has_two_crawls_again() -> None:
    shelf = Shelf()
    world = synced(shelf)
    for _ in range(3):
        shelf.moving = "d"
        full(world)
        assert "d" in world.glean.index
        full(world)

    assert set(world.glean.index) == set(shelf.names)


def test_an_incremental_job_that_sees_it_counts_as_well() -> None:
    shelf = Shelf()
    world = synced(shelf)
    shelf.moving = "d"
    full(world)
    world.begin(Mode.INCREMENTAL)
    world.run()
    shelf.names.remove("d")
    full(world)

    assert "d" in world.glean.index
