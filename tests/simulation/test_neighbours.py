"""Two connectors in one isolate, one of which has a page that ends it each time."""

import random
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.effects import Event, Fetch, Fetched, Pack, Packed, Send, Sent, Woke
from durable.machine.job import Job, JobSpec, Mode
from durable.machine.machine import step
from durable.machine.pacing import spread_ms_max
from durable.machine.pages import Page
from durable.machine.states import State


LIMITS = Limits()
KILL_MS = 50  # from its request to the death of the isolate
WOKE = Woke(watermark_ms=0, spec=JobSpec(), last=None)
HOUR_MS = 60 * 60 * 1_000


class Neighbour:
    """A job of the isolate, carried by the machine, as far as time is concerned."""

    def __init__(self, name: str, page_ms: int | None, chance: random.Random) -> None:
        job = Job(id=f"{name}-1", connector=name, mode=Mode.INCREMENTAL, created_at_ms=0)
        self.job = replace(job, state=State.SENDING, alarm_at_ms=0)
        self.page_ms = page_ms  # None: its page ends the isolate
        self.acts_at_ms: int | None = None  # that its page is there; None: none is asked for
        self._chance = chance
        self._awaited: Fetch | None = None
        self._begun_ms = 0  # the work of its turn

    @property
    def next_at_ms(self) -> int | None:
        times = [at for at in (self.acts_at_ms, self.job.alarm_at_ms) if at is not None]
        return min(times, default=None)

    def wake(self, now_ms: int) -> None:
        self.job, effects = step(self.job, WOKE, now_ms, LIMITS)
        longest_ms = spread_ms_max(self.job, LIMITS)
        self._begun_ms = now_ms + round(longest_ms * self._chance.random())
        self._ask(effects, self._begun_ms)

    def land(self, now_ms: int) -> None:
        """Its page has come, and is sent at once."""
        assert self._awaited is not None
        index = self._awaited.page_index
        page = Page(next_cursor=str(index + 1), byte_count=100, record_count=1, digest=str(index))
        self.acts_at_ms = None
        events: list[Event] = [
            Fetched(index, page),
            Packed(index, batch_count=1, document_count=1, deletion_count=0, reject_count=0),
            Sent(index, 0, document_count=1),
        ]
        for event in events:
            if self.job.turn is not None:
                self.job, effects = step(self.job, event, now_ms, LIMITS)
                assert all(isinstance(effect, Fetch | Pack | Send) for effect in effects)
                self._ask(effects, now_ms)

    def die(self, now_ms: int, down_ms: int) -> None:
        """Its alarm stays; one that is due while nothing runs, fires once something does."""
        if self.acts_at_ms is not None and now_ms < self._begun_ms:
            assert self.job.turn is not None
            turn = replace(self.job.turn, is_apart=True)  # as it has been remembered
            self.job = replace(self.job, turn=turn)
        self.acts_at_ms = self._awaited = None
        if self.job.alarm_at_ms is not None:
            self.job = replace(self.job, alarm_at_ms=max(self.job.alarm_at_ms, now_ms + down_ms))

    def _ask(self, effects: tuple[object, ...], now_ms: int) -> None:
        for effect in effects:
            if isinstance(effect, Fetch):
                self._awaited = effect
                self.acts_at_ms = now_ms + (KILL_MS if self.page_ms is None else self.page_ms)


def lived(killer: Neighbour, others: list[Neighbour], down_ms: int) -> Iterator[int]:
    """The times of the isolate's deaths, until the killer's job has ended."""
    everybody = [killer, *others]
    while killer.job.state is State.SENDING:
        times = [(at, one) for one in everybody if (at := one.next_at_ms) is not None]
        now_ms, one = min(times, key=lambda pair: pair[0])
        if one.acts_at_ms != now_ms:
            one.wake(now_ms)
        elif one is killer:
            for each in everybody:
                each.die(now_ms, down_ms)
            yield now_ms
        else:
            one.land(now_ms)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("page_ms", [200, 1_000, 3_000])
@pytest.mark.parametrize("down_ms", [0, 2_000, 90_000], ids=lambda down_ms: f"down {down_ms}")
def test_a_page_that_kills_ends_its_own_job_and_no_other(
    down_ms: int, page_ms: int, seed: int
) -> None:
    """Both were begun by the same tick, and after the last death all alarms may be overdue."""
    chance = random.Random(f"{seed} {page_ms} {down_ms}")
    killer = Neighbour(f"killer-{seed}", None, chance)
    others = [Neighbour(f"good-{seed}-{number}", page_ms, chance) for number in range(3)]

    deaths = list(lived(killer, others, down_ms))

    assert killer.job.state is State.FAILED
    assert len(deaths) <= LIMITS.deaths_max + LIMITS.turn_pages_max.bit_length()
    assert deaths[-1] < HOUR_MS
    assert [other.job.state for other in others] == [State.SENDING] * 3
    for other in others:
        while not other.job.crawl.page_count:
            assert other.next_at_ms is not None, "a job that works has an alarm"
            at_ms = other.next_at_ms
            (other.land if other.acts_at_ms == at_ms else other.wake)(at_ms)


@pytest.mark.parametrize("seed", range(4))
def test_a_job_that_comes_further_between_deaths_survives_any_number_of_them(seed: int) -> None:
    """The isolate dies every 30 s, by whomever; a page takes some seconds."""
    chance = random.Random(seed)
    good = Neighbour(f"good-{seed}", 4_000, chance)
    now_ms, kill_at_ms = 0, 30_000
    for _ in range(300):
        while (at := good.next_at_ms) is not None and at < kill_at_ms:
            now_ms = at
            (good.land if good.acts_at_ms == now_ms else good.wake)(now_ms)
        good.die(kill_at_ms, down_ms=1_000)
        kill_at_ms += 30_000

    assert good.job.state is State.SENDING
    assert good.job.crawl.page_count > 100


def test_what_is_told_of_deaths_is_what_is_known() -> None:
    killer = Neighbour("killer", None, random.Random(1))

    list(lived(killer, [], 0))

    error = killer.job.error
    assert "other connectors" in error
    assert "is not known" in error
    assert "page 1" in error


def test_a_job_that_was_killed_once_goes_on_at_once() -> None:
    one = Neighbour("one", 100, random.Random(1))
    one.wake(0)
    one.die(0, 0)
    woken_ms = one.next_at_ms
    assert woken_ms is not None

    one.wake(woken_ms)

    assert one.acts_at_ms == woken_ms + 100


def test_jobs_that_were_killed_together_do_not_wake_together() -> None:
    jobs = [Neighbour(f"one-{number}", 100, random.Random(number)) for number in range(20)]
    for one in jobs:
        one.wake(0)
        one.die(0, 0)

    leases = [one.next_at_ms for one in jobs]

    assert len(set(leases)) > 10
    longest_ms = LIMITS.lease_ms
    assert all(at is not None and longest_ms * 3 // 4 <= at <= longest_ms for at in leases)


def test_jobs_that_were_killed_again_work_apart() -> None:
    jobs = [Neighbour(f"one-{number}", 100, random.Random(number)) for number in range(20)]
    for one in jobs:
        for death in range(3):
            one.wake(death * LIMITS.lease_ms)
            if death < 2:
                one.die(death * LIMITS.lease_ms, 0)

    assert len({one.acts_at_ms for one in jobs}) > 10
