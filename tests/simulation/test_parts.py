"""Pages that take several answers, too large ones and those of a wiki, with any one fault."""

from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from durable.environment import Secret
from durable.http.auth import Bearer
from durable.machine.job import Mode
from durable.machine.states import State
from durable.sources.http import HttpSource
from durable.sources.paging.cursors import BodyCursor
from durable.sources.paging.mediawiki import MediaWikiPaging
from durable.sources.paging.offset import OffsetPaging, PageNumber
from durable.sources.paging.protocol import Paging
from tests.simulation.connector import LIMITS, NOTES
from tests.simulation.effort import tried
from tests.simulation.fates import AT_SAVE, Choice, Fate, Kind, at
from tests.simulation.truncation import Bystander
from tests.simulation.world import StandIn, World


FAULTS = (Fate.REFUSED, Fate.LOST, Fate.GARBLED, Fate.BROKE, Fate.DIED_UNSENT, Fate.DIED_SENT)
IDS = "abcdefghijklm"
LARGE = "de"  # the two of them are too much for one answer
TEXTS = {name: name * (600 if name in LARGE else 3) for name in IDS}
# The oracle takes each answer for a page.
BOUNDS = replace(LIMITS, page_bytes_max=1_500, turn_pages_max=9)
Page = Callable[[httpx.QueryParams], Any]


def record(name: str) -> dict[str, str]:
    return {"id": name, "text": TEXTS[name], "updated_at": "2025-12-31T23:00:00Z"}


def some(start: int, size: int) -> list[dict[str, str]]:
    return [record(name) for name in IDS[start : start + size]]


def numbered(params: httpx.QueryParams) -> Any:
    number, size = int(params["page"]), int(params["per_page"])
    return {"notes": some((number - 1) * size, size)}


def at_offset(params: httpx.QueryParams) -> Any:
    return {"notes": some(int(params["offset"]), int(params["limit"])), "total": len(IDS)}


def opaque(params: httpx.QueryParams) -> Any:
    """The cursor is a page's number, though nobody can see it."""
    number = int(b64decode(params["cursor"])) if "cursor" in params else 0
    size = int(params["limit"])
    is_last = (number + 1) * size >= len(IDS)
    after = None if is_last else b64encode(b"%03d" % (number + 1)).decode()
    return {"notes": some(number * size, size), "next_cursor": after}


def wiki(params: httpx.QueryParams) -> Any:
    """Of each batch of four, one answer has the texts, and another one the times."""
    start = int(params.get("gapcontinue", 0))
    batch = some(start, 4)
    if "rvcontinue" not in params:
        pages = [{"pageid": one["id"], "id": one["id"], "text": one["text"]} for one in batch]
        further = {"rvcontinue": "1", "gapcontinue": str(start)}
        return {"continue": further, "query": {"pages": pages}}
    pages = [{"pageid": one["id"], "updated_at": one["updated_at"]} for one in batch]
    answer: dict[str, Any] = {"batchcomplete": True, "query": {"pages": pages}}
    if start + 4 < len(IDS):
        answer["continue"] = {"gapcontinue": str(start + 4)}
    return answer


def source(paging: Paging, **fields: Any) -> HttpSource:
    auth = Bearer(Secret("NOTES_TOKEN"))
    return HttpSource(
        **{"records": "notes", "auth": auth, **fields}, url="${NOTES_URL}/notes", paging=paging
    )


KINDS: dict[str, tuple[HttpSource, Page]] = {
    "by number": (source(PageNumber(size=4)), numbered),
    "at offset": (source(OffsetPaging(size=4), total="total"), at_offset),
    "opaque": (source(BodyCursor(size=4)), opaque),
    "wiki": (source(MediaWikiPaging(), records="query/pages"), wiki),
}


def world_of(name: str) -> World:
    listed, page = KINDS[name]

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=page(request.url.params))

    world = World(
        [IDS],
        limits=BOUNDS,
        stand_in=StandIn(
            replace(NOTES, documents=replace(NOTES.documents, source=listed)), answer, Bystander
        ),
    )
    world.glean.index = {"gone": "deleted long ago"}
    world.begin(Mode.FULL)
    return world


@pytest.mark.parametrize("name", KINDS)
def test_all_that_takes_several_answers_is_brought_whatever_fails(name: str) -> None:
    calm = world_of(name)
    first = len(calm.driver.awaits)
    calm.run()
    assert calm.glean.index == TEXTS, calm.told(calm.oracle.latest.error)

    for index, point in tried(enumerate(calm.driver.awaits[first:], start=first)):
        for fate in AT_SAVE if point.kind is Kind.SAVE else FAULTS:
            world = world_of(name)
            world.driver.plan = at({index: Choice(fate)})
            world.run()

            assert world.oracle.latest.state is State.SUCCEEDED, world.told(point.kind)
            assert world.glean.index == TEXTS, world.told("something is lost")
