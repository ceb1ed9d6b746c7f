"""FULL jobs that send what differs from the ledger alone; a fault anywhere, and what follows it."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import count

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from dev.local_glean.readings import DEFAULTS, Readings
from durable.limits import Limits
from durable.machine.commands import Instruction
from durable.machine.job import Mode, Way
from durable.machine.states import ENDED, Command, State
from tests.simulation.clock import HOUR_MS
from tests.simulation.connector import LIMITS, NOTES
from tests.simulation.effort import tried
from tests.simulation.fates import (
    Choice,
    Fate,
    FatePlan,
    Kind,
    at,
    calm,
    faults_at,
    possible,
    where,
)
from tests.simulation.index import Found
from tests.simulation.ledger_oracle import expected_of
from tests.simulation.source import Order, Source
from tests.simulation.world import ITS_LIST, StandIn, World


PAGES = [("a", "b", "c", "d"), ("e", "f"), (), ("g", "h", "i", "j")]
WRITES = {Kind.OPEN, Kind.SEND, Kind.SHARE, Kind.CLOSE, Kind.DELETE}
READINGS = [
    pytest.param(DEFAULTS, id="defaults"),
    pytest.param(Readings(shows_unclosed=True, keys_by_type=True), id="the others"),
]
APPROVAL = Instruction(Command.APPROVE, ITS_LIST)
CANCEL = Instruction(Command.CANCEL)
RETRY = Instruction(Command.RETRY)

Scenario = Callable[[Readings], World]
Event = Callable[[World], object]


def synced(readings: Readings, limits: Limits = LIMITS, order: Order = Order.PLACE) -> World:
    """A FULL job has brought all there is."""
    world = World(PAGES, order, limits, readings=readings)
    world.begin(Mode.FULL)
    world.run()
    world.clock.now_ms += 1
    return world


def change(world: World) -> None:
    """Some are changed, some are others', some are of another type; some come, some go."""
    world.edit("a", "new")
    world.share("b")
    world.retype("e")
    world.delete("c")
    world.lose("h")


def changed(readings: Readings) -> World:
    world = synced(readings)
    change(world)
    world.begin(Mode.FULL)
    return world


def restored(readings: Readings) -> World:
    """What a FULL job has deleted, is there again, just as it was or not."""
    world = synced(readings)
    world.delete("c")
    world.lose("h")
    world.begin(Mode.FULL)
    world.run()
    world.clock.now_ms += 1
    world.edit("c", "h")
    world.begin(Mode.FULL)
    return world


def too_many(readings: Readings) -> World:
    """More changes than single requests are for: it begins to reconcile, and then replaces."""
    world = synced(readings, replace(LIMITS, changes_max=2))
    change(world)
    world.begin(Mode.FULL)
    return world


def most(readings: Readings) -> World:
    """More than a minute's changes, and more than half of what was read."""
    world = synced(readings, replace(LIMITS, documents_per_minute_max=3))
    change(world)
    world.edit("d", "f", "g", "i")
    world.begin(Mode.FULL)
    return world


def replacing(readings: Readings) -> World:
    """The last time was long ago, so all is brought anew."""
    world = synced(readings, replace(LIMITS, replace_every_ms=HOUR_MS))
    world.clock.now_ms += HOUR_MS
    change(world)
    world.begin(Mode.FULL)
    return world


def shared(readings: Readings) -> World:
    """Others may see some notes, of which nothing else has changed; and one is new."""
    world = synced(readings)
    world.share("b", "d", "e", "j")
    world.edit("new")
    world.begin(Mode.FULL)
    return world


def shared_since(readings: Readings) -> World:
    """The same, by changes alone, of which the source tells each."""
    world = synced(readings, order=Order.FEED)
    world.share("b", "d")
    world.edit("new", "d")
    world.share("e", "j", "d")
    world.begin(Mode.INCREMENTAL)
    return world


SCENARIOS = [
    pytest.param(scenario, id=scenario.__name__)
    for scenario in (changed, restored, too_many, most, replacing, shared, shared_since)
]


def documents(world: World) -> list[Found]:
    """What Glean is to have."""
    rows = sorted(world.source.rows.values(), key=lambda row: row.id)
    return [document for row in rows if (document := expected_of(row)) is not None]


def check(world: World) -> None:
    job = world.oracle.latest
    assert job.state is State.SUCCEEDED, world.told(job.error)
    found = sorted(world.glean.found.documents.values(), key=lambda one: one.id)
    assert found == documents(world), world.told("the index is wrong")


def moments(scenario: Scenario, readings: Readings, *kinds: Kind) -> Iterator[tuple[int, Kind]]:
    """The awaits of the scenario's job without a fault, by index."""
    world = scenario(readings)
    first = len(world.driver.awaits)
    world.run()
    check(world)
    for point in tried(world.driver.awaits[first:]):
        if not kinds or point.kind in kinds:
            yield point.index, point.kind


def sync(world: World) -> None:
    """The next FULL job, with nothing in its way."""
    world.driver.plan = calm
    world.clock.now_ms += 1
    world.begin(Mode.FULL)
    world.run()


@pytest.mark.parametrize("readings", READINGS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_any_one_fault_is_survived(scenario: Scenario, readings: Readings) -> None:
    for index, kind in moments(scenario, readings):
        for fate in faults_at(kind):
            world = scenario(readings)
            world.driver.plan = at({index: Choice(fate, index)})
            world.run()
            check(world)


@pytest.mark.parametrize(
    ("scenario", "way"),
    [
        (changed, Way.RECONCILE),
        (restored, Way.RECONCILE),
        (too_many, Way.REPLACE),
        (most, Way.REPLACE),
        (replacing, Way.REPLACE),
    ],
)
def test_what_differs_is_sent_alone_until_all_of_it_is_sooner_sent(
    scenario: Scenario, way: Way
) -> None:
    world = scenario(DEFAULTS)
    world.run()

    check(world)
    assert world.oracle.latest.way is way


def test_a_job_that_finds_nothing_changed_writes_nothing_to_glean() -> None:
    world = synced(DEFAULTS)
    first = len(world.driver.awaits)
    sync(world)

    check(world)
    kinds = {point.kind for point in world.driver.awaits[first:]}
    assert not kinds & WRITES


def cancel(world: World) -> None:
    if world.oracle.head is not None:
        world.cancel_within()


GIVEN_UP = [
    pytest.param(cancel, id="cancelled"),
    pytest.param(lambda world: world.glean.expire(), id="expired"),
    pytest.param(lambda world: world.glean.open_elsewhere(), id="displaced"),
]


@pytest.mark.parametrize("readings", READINGS)
@pytest.mark.parametrize("event", GIVEN_UP)
@pytest.mark.parametrize("scenario", [changed, too_many, replacing])
def test_what_a_job_that_is_given_up_has_sent_is_found_again(
    scenario: Scenario, event: Event, readings: Readings
) -> None:
    """Whether Glean shows it or not: also what the source has lost by the time of the next job."""
    for index, kind in moments(scenario, readings):
        if kind is Kind.SAVE:
            continue
        world = scenario(readings)
        world.oracle.may_be_refused = True
        world.driver.meanwhile[index] = partial(event, world)
        world.run()
        world.glean.expire()
        world.lose("new")
        world.retype("e")
        world.share("a")
        sync(world)
        check(world)


@pytest.mark.parametrize("readings", READINGS)
@pytest.mark.parametrize("scenario", [changed, replacing])
def test_what_a_job_that_is_killed_again_and_again_has_sent_is_found_again(
    scenario: Scenario, readings: Readings
) -> None:
    for index, kind in moments(scenario, readings, *WRITES):
        world = scenario(readings)
        world.driver.plan = _from(index, where(Choice(Fate.DIED_SENT), kind))
        for _ in range(4):
            world.wake()
        if world.oracle.latest.state not in ENDED:
            world.order(world.oracle.latest.id, CANCEL)
        world.lose("new")
        world.retype("e")
        sync(world)
        check(world)


@pytest.mark.parametrize("readings", READINGS)
def test_what_an_earlier_try_of_a_page_has_staged_is_known(readings: Readings) -> None:
    """A page is read again, and has lost a note by then: an upload has it all the same."""
    for index, _ in moments(replacing, readings, Kind.SEND):
        for fate in (Fate.LOST, Fate.DIED_SENT):
            world = replacing(readings)
            world.driver.plan = at({index: Choice(fate)})
            world.driver.meanwhile[index] = partial(_lose, world, "a", "new", "g", "d")
            world.run()
            assert world.oracle.latest.state is State.SUCCEEDED
            sync(world)
            check(world)


def _lose(world: World, *notes: str) -> None:
    """While a request is under way."""
    names = {name for name in notes if name in world.source.rows}
    world.source.lose(names, world.clock.now_ms)


def test_what_glean_has_refused_comes_once_it_takes_it() -> None:
    world = synced(DEFAULTS, replace(LIMITS, rejects_share_max=1.0))
    world.edit("a", "new")
    world.glean.unfit = {"a", "new"}
    sync(world)
    assert world.glean.index["a"] == "a 0"
    world.glean.unfit, world.oracle.excused = set(), {"a", "new"}
    sync(world)
    world.oracle.excused = set()

    check(world)


def test_what_glean_does_not_delete_is_on_the_next_jobs_list() -> None:
    world = synced(DEFAULTS, replace(LIMITS, rejects_share_max=1.0))
    world.lose("c", "h")
    world.glean.undeletable, world.oracle.excused = {"c"}, {"c"}
    sync(world)
    assert "c" in world.glean.index
    assert "h" not in world.glean.index
    world.glean.undeletable = set()
    sync(world)
    world.oracle.excused = set()

    check(world)


def test_who_may_see_a_note_is_brought_alone_where_nothing_else_of_it_has_changed() -> None:
    world = synced(DEFAULTS)
    world.source.share_untold("a")
    first = len(world.driver.awaits)
    sync(world)

    check(world)
    kinds = [point.kind for point in world.driver.awaits[first:]]
    assert [kind for kind in kinds if kind in WRITES] == [Kind.SHARE]


def test_of_what_is_in_doubt_not_only_who_may_see_it_is_brought() -> None:
    world = synced(DEFAULTS)
    world.edit("a")
    world.driver.plan = where(Choice(Fate.DIED_UNSENT), Kind.SEND)
    world.begin(Mode.FULL)
    world.wake()
    world.order(world.oracle.latest.id, CANCEL)
    world.share("a")
    sync(world)

    check(world)


@pytest.mark.parametrize("mode", list(Mode))
def test_what_glean_does_not_have_any_more_is_brought_whole_where_it_is_shared(mode: Mode) -> None:
    world = synced(DEFAULTS)
    for name in ("a", "e"):
        world.glean.found.delete(name, "Note")
    world.share("a", "b", "e")
    world.oracle.may_be_refused, world.oracle.excused = True, {"a", "e"}
    world.begin(mode)
    world.run()
    world.oracle.excused = set()

    check(world)
    first = len(world.driver.awaits)
    sync(world)
    assert not {point.kind for point in world.driver.awaits[first:]} & WRITES


@pytest.mark.parametrize("fate", [Fate.LOST, Fate.REFUSED, Fate.DIED_SENT, Fate.DIED_UNSENT])
@pytest.mark.parametrize("mode", list(Mode))
def test_a_share_that_is_not_acknowledged_is_in_doubt(mode: Mode, fate: Fate) -> None:
    world = synced(DEFAULTS)
    world.share("a")
    world.driver.plan = where(Choice(fate), Kind.SHARE)
    world.begin(mode)
    world.wake()
    world.order(world.oracle.latest.id, CANCEL)
    world.share("a")  # just as it was at first, which Glean has or not
    sync(world)

    check(world)


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("fate", [Fate.REFUSED, Fate.LOST, Fate.DIED_SENT, Fate.DIED_UNSENT])
def test_of_a_page_that_fails_among_its_shares_no_later_try_repeats_what_is_in_glean(
    fate: Fate, mode: Mode
) -> None:
    world = synced(DEFAULTS)
    world.share("a", "b", "d")
    shares = count()
    world.driver.plan = lambda point: (
        Choice(fate) if point.kind is Kind.SHARE and next(shares) == 1 else Choice()
    )
    first = len(world.driver.awaits)
    sent: list[str] = []
    index_documents = world.glean.found.show

    def noted(documents: Iterable[Found]) -> None:
        listed = list(documents)
        sent.extend(one.id for one in listed)
        index_documents(listed)

    world.glean.found.show = noted  # type: ignore[method-assign]
    world.begin(mode)
    world.run()

    check(world)
    assert Counter(sent)["a"] == 1
    kinds = [point.kind for point in world.driver.awaits[first:] if point.kind in WRITES]
    assert kinds == [Kind.SHARE, Kind.SHARE, Kind.SEND]  # what is left is in doubt, and goes whole


def test_who_may_see_what_glean_has_refused_comes_once_it_takes_it() -> None:
    world = synced(DEFAULTS, replace(LIMITS, rejects_share_max=1.0))
    world.share("a", "b")
    world.glean.unfit = {"a"}
    sync(world)
    assert "a" not in world.glean.index
    world.glean.unfit, world.oracle.excused = set(), {"a"}
    sync(world)
    world.oracle.excused = set()

    check(world)


@pytest.mark.parametrize("mode", [Mode.FULL, Mode.INCREMENTAL])
def test_whatever_fails_an_older_version_is_not_seen_by_others(
    mode: Mode,
) -> None:
    def scenario(_readings: Readings) -> World:
        world = synced(DEFAULTS, replace(LIMITS, rejects_share_max=1.0), Order.FEED)
        world.share("a")
        world.edit("b")
        world.glean.unfit = {"a", "b"}
        world.begin(mode)
        return world

    calm_one = scenario(DEFAULTS)
    first = len(calm_one.driver.awaits)
    calm_one.run()
    assert calm_one.glean.index["b"] == "b 0"  # by those who may see the new one too
    for point in tried(calm_one.driver.awaits[first:]):
        if point.kind not in WRITES:
            continue
        for fate in possible(point.kind):
            world = scenario(DEFAULTS)
            world.driver.plan = at({point.index: Choice(fate)})
            world.run()
            sync(world)
            assert "a" not in world.glean.index, world.told("everybody sees it")
            world.glean.unfit, world.oracle.excused = set(), {"a", "b"}
            world.share("a")  # it is as it was
            sync(world)
            check(world)


@pytest.mark.parametrize("readings", READINGS)
@pytest.mark.parametrize("death", [Fate.DIED_SENT, Fate.LOST])
def test_what_was_sent_before_a_death_is_known_though_it_is_lost_by_then(
    death: Fate, readings: Readings
) -> None:
    for scenario in (changed, feed):
        for index, _ in moments(scenario, readings, Kind.SEND, Kind.SHARE):
            world = scenario(readings)
            world.driver.plan = at({index: Choice(death)})
            world.driver.meanwhile[index] = partial(_lose, world, "new", "last")
            world.run()
            sync(world)
            check(world)


def feed(readings: Readings) -> World:
    """Changes and deletions of notes that come and go, each of which the source tells."""
    world = synced(readings, order=Order.FEED)
    for _ in range(2):
        world.edit("new", "a")
        world.delete("new")
        world.share("b")
    # On two pages, and in the end as it was; and on one and the next.
    for name in ("d", "e", "e", "e", "d"):
        world.retype(name)
    world.edit("last")
    world.begin(Mode.INCREMENTAL)
    return world


@pytest.mark.parametrize("readings", READINGS)
def test_what_an_incremental_job_that_is_given_up_has_sent_is_found_again(
    readings: Readings,
) -> None:
    for index, kind in moments(feed, readings):
        for fate in () if kind is Kind.SAVE else (Fate.OK, Fate.DIED_SENT):
            world = feed(readings)
            world.driver.plan = at({index: Choice(fate)})
            if fate is Fate.OK:
                world.driver.meanwhile[index] = partial(cancel, world)
                world.run()
            else:
                world.wake()
                if world.oracle.latest.state not in ENDED:
                    world.order(world.oracle.latest.id, CANCEL)
            world.lose("last")
            sync(world)
            check(world)


@pytest.mark.parametrize("wakes", range(4))
def test_a_mapping_that_is_deployed_meanwhile_has_all_brought_anew(wakes: int) -> None:
    world = changed(DEFAULTS)
    for _ in range(wakes):
        world.wake()
    renamed = replace(NOTES, documents=replace(NOTES.documents, map=_renamed))
    world.redeploy(renamed)
    world.run()
    if world.oracle.head is None and "again" not in "".join(world.glean.index.values()):
        sync(world)

    assert world.oracle.latest.state is State.SUCCEEDED
    assert world.oracle.latest.way is Way.REPLACE
    live = {name: f"{text} again" for name, text in world.source.live.items()}
    assert world.glean.index == live
    first = len(world.driver.awaits)
    sync(world)
    kinds = {point.kind for point in world.driver.awaits[first:]}
    assert not kinds & WRITES


def _renamed(note: object) -> object:
    document = NOTES.documents.map(note)
    title = getattr(document, "title", None)
    return document if title is None else replace(document, title=f"{title} again")


class Forgetful:
    """A source that now and then has lost what is on some of its pages."""

    def __init__(self) -> None:
        self.source: Source | None = None
        self.lost: set[str] | None = set()  # pages, by their cursors; None: all

    def answer(self, request: httpx.Request) -> httpx.Response:
        assert self.source is not None
        response = self.source.answer(request)
        cursor = request.url.params.get("after", "page 0")
        if self.lost is not None and cursor not in self.lost:
            return response
        page = msgspec.json.decode(response.content)
        return httpx.Response(200, content=msgspec.json.encode({**page, "notes": []}))


@pytest.mark.parametrize("lost", [{"page 0"}, {"page 3"}, {"page 0", "page 3"}, None])
@pytest.mark.parametrize("way", list(Way))
def test_a_list_that_is_lost_for_a_while_deletes_nothing(lost: set[str] | None, way: Way) -> None:
    forgetful = Forgetful()
    bounds = replace(LIMITS, shrink_count=2, replace_every_ms=HOUR_MS)
    world = World(PAGES, limits=bounds, stand_in=StandIn(NOTES, forgetful.answer))
    forgetful.source = world.source
    world.oracle.excused = {"of a lost page"}  # so that nobody counts what was read
    sync(world)
    forgetful.lost = lost
    world.clock.now_ms += HOUR_MS if way is Way.REPLACE else 1
    world.begin(Mode.FULL)
    world.run()

    held = world.oracle.latest
    assert (held.state, held.way) == (State.HELD, way)
    assert world.glean.index == world.source.live
    world.begin(Mode.INCREMENTAL)
    world.run()
    assert world.glean.index == world.source.live
    forgetful.lost = set()
    world.order(held.id, APPROVAL)
    world.run()
    assert world.oracle.jobs[held.id].state is State.SUCCEEDED
    assert world.glean.index == world.source.live


def failed_deleting(readings: Readings) -> World:
    """Notes are gone, and the job fails as it is to delete one of them."""
    world = synced(readings)
    world.lose("c", "h", "j")
    world.begin(Mode.FULL)
    return world


@pytest.mark.parametrize("readings", READINGS)
def test_what_is_there_again_before_a_retry_is_not_deleted(readings: Readings) -> None:
    for index, _ in moments(failed_deleting, readings, Kind.DELETE):
        world = failed_deleting(readings)
        world.driver.plan = at({index: Choice(Fate.FORBIDDEN, 1)})
        world.run()
        job = world.oracle.latest
        assert job.state is State.FAILED
        world.driver.plan = calm
        world.clock.now_ms += 1
        world.edit("c", "h")
        world.begin(Mode.INCREMENTAL)
        world.run()
        world.order(job.id, RETRY)
        world.run()

        assert world.oracle.jobs[job.id].state is State.SUCCEEDED
        assert world.glean.index == world.source.live, world.told("the index is wrong")


@pytest.mark.parametrize("readings", READINGS)
def test_what_comes_back_while_it_is_deleted_is_right_after_the_next_job(
    readings: Readings,
) -> None:
    for index, kind in moments(failed_deleting, readings):
        if kind is Kind.SAVE:
            continue
        world = failed_deleting(readings)

        def come_back(world: World = world) -> None:
            for name in ("c", "h"):
                world.source.edit(name, world.clock.now_ms)

        world.driver.meanwhile[index] = come_back
        world.run()
        world.clock.now_ms += 1
        world.begin(Mode.INCREMENTAL)
        world.run()
        check(world)


@pytest.mark.parametrize("readings", READINGS)
def test_what_another_client_has_uploaded_goes_and_what_it_has_deleted_comes_back(
    readings: Readings,
) -> None:
    world = synced(readings)
    world.oracle.excused = {name for page in PAGES for name in page} | {"foreign"}
    world.glean.upload_elsewhere({"a": "another's", "foreign": "another's"})
    sync(world)
    world.oracle.excused = set()

    check(world)


def test_another_clients_upload_is_waited_for_where_it_is_in_the_way() -> None:
    readings = Readings(refuses_single_writes=True)
    for index, kind in moments(changed, readings):
        if kind is Kind.SAVE:
            continue
        world = changed(readings)
        world.oracle.may_be_refused = True
        world.driver.meanwhile[index] = world.glean.open_elsewhere
        for _ in range(3):
            world.wake()
        world.glean.expire()
        world.run()
        check(world)


def test_an_upload_that_was_given_up_is_in_no_later_jobs_way() -> None:
    """Nobody closes it, and Glean refuses single documents for as long as it is open."""
    readings = Readings(refuses_single_writes=True)
    for index, _ in moments(most, readings, Kind.OPEN, Kind.SEND):
        world = most(readings)
        world.driver.meanwhile[index] = partial(cancel, world)
        world.run()
        sync(world)
        check(world)


@pytest.mark.parametrize("is_named", [True, False])
def test_while_a_record_is_unusable_its_document_stays(*, is_named: bool) -> None:
    world = synced(DEFAULTS, replace(LIMITS, rejects_share_max=1.0))
    unusable = world.source.broken if is_named else world.source.nameless
    unusable.add("a")
    world.lose("c")
    world.oracle.excused = {"a", "c"}
    sync(world)

    assert world.oracle.latest.state is State.SUCCEEDED
    assert world.glean.index["a"] == "a 0"
    # Of a record that tells no id, nobody knows which it is.
    assert ("c" in world.glean.index) is not is_named
    unusable.clear()
    sync(world)
    world.oracle.excused = set()
    check(world)


@pytest.mark.parametrize("readings", READINGS)
def test_of_two_spellings_of_one_id_the_first_is_brought(readings: Readings) -> None:
    world = synced(readings)
    world.edit("A")
    sync(world)
    sync(world)

    assert world.oracle.latest.state is State.SUCCEEDED
    assert [one.id for one in world.glean.found.documents.values()].count("a") == 1
    assert "A" not in world.glean.index
    assert sum(part.reject_count for part in world.oracle.latest.parts) == 1
    world.lose("a")
    sync(world)
    check(world)


@pytest.mark.parametrize("readings", READINGS)
def test_a_note_that_is_spelt_in_another_way_takes_the_place_of_the_first(
    readings: Readings,
) -> None:
    for mode in Mode:
        world = synced(readings)
        world.lose("a")
        world.edit("A")
        world.begin(mode)
        world.run()
        sync(world)
        check(world)


@pytest.mark.parametrize("way", list(Way))
def test_what_is_read_beside_another_spelling_is_seen(way: Way) -> None:
    limits = replace(LIMITS, turn_pages_max=9, batch_documents_max=1, replace_every_ms=HOUR_MS)
    world = World([("a",), ("b", "c"), ("d",)], limits=limits)
    sync(world)
    world.clock.now_ms += HOUR_MS if way is Way.REPLACE else 1
    world.lose("a")
    world.edit("b", "A")  # while the page of the one is under way, the other is looked up
    sync(world)

    check(world)
    assert world.oracle.latest.way is way
    assert world.oracle.entries.keys() == {"a", "b", "c", "d"}


def _from(index: int, plan: FatePlan) -> FatePlan:
    """The plan, from that await on."""
    return lambda point: plan(point) if point.index >= index else Choice()
