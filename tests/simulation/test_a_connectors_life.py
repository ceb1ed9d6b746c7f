"""A connector from day to day, its steps chosen by Hypothesis; the oracle watches each."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from durable import cron
from durable.machine.commands import Instruction
from durable.machine.job import Mode
from durable.machine.states import Command, State
from tests.simulation.draws import (
    ANY_DEPLOYMENTS,
    ASKS,
    EDITS,
    LETTERS,
    OFFSETS_MS,
    SCHEDULES,
    TRIGGERS,
    Ask,
    Deployment,
    Edit,
    Schedule,
    Trigger,
)
from tests.simulation.effort import EFFORT
from tests.simulation.fates import AT_SAVE, Fate, calm, in_order
from tests.simulation.world import ITS_LIST


class Life(RuleBasedStateMachine):
    """That an unended job has an alarm, and the index is right, is checked at each step's end."""

    @initialize(deployment=ANY_DEPLOYMENTS)
    def deploy(self, deployment: Deployment) -> None:
        self.world = deployment.world()
        self.world.oracle.may_be_refused = True

    @rule(trigger=TRIGGERS, fate=st.sampled_from([Fate.OK, Fate.OK, *AT_SAVE]))
    def ask(self, trigger: Trigger, fate: Fate) -> None:
        self.world.driver.plan = in_order([], [fate])
        self.world.begin(trigger.mode, trigger.key)

    @rule(mode=st.sampled_from(Mode))
    def tick_twice(self, mode: Mode) -> None:
        """A cron trigger that fires twice in its minute."""
        self.world.driver.plan = calm
        key = cron.trigger_key(self.world.clock.now_ms)
        self.world.begin(mode, key)
        self.world.begin(mode, key)

    @rule(ask=ASKS, fate=st.sampled_from([Fate.OK, Fate.OK, *AT_SAVE]))
    def command(self, ask: Ask, fate: Fate) -> None:
        self.world.driver.plan = in_order([], [fate])
        if (job_id := ask.of(self.world)) is not None:
            self.world.order(job_id, ask.instruction)

    @rule(note=st.sampled_from(LETTERS))
    def spoil(self, note: str) -> None:
        """Glean takes a note no longer, or takes it again."""
        if note in self.world.glean.unfit:
            self.world.mend(note)
        else:
            self.world.spoil(note)

    @rule()
    def expire(self) -> None:
        self.world.glean.expire()

    @rule()
    def open_elsewhere(self) -> None:
        self.world.glean.open_elsewhere()

    @rule()
    def lose_the_alarm(self) -> None:
        """The platform loses it; a tick of a cron trigger sets it again."""
        world = self.world
        world.driver.plan = calm
        if world.storage.alarm_at_ms is not None:
            world.storage.fire()
            assert world.tend() == (world.oracle.head is not None)

    @rule(edit=EDITS)
    def edit(self, edit: Edit) -> None:
        edit.on(self.world)()

    @rule(
        schedule=SCHEDULES,
        offset_ms=OFFSETS_MS,
        meanwhile=st.dictionaries(st.integers(1, 6), EDITS | TRIGGERS | ASKS, max_size=2),
    )
    def wake(
        self, schedule: Schedule, offset_ms: int, meanwhile: dict[int, Edit | Trigger | Ask]
    ) -> None:
        """The alarm fires; also where there is none."""
        world = self.world
        world.driver.plan = schedule.on(world)
        for ahead, doing in meanwhile.items():
            world.driver.meanwhile[len(world.driver.awaits) + ahead] = doing.on(world)
        world.wake(offset_ms)
        world.driver.meanwhile.clear()

    @rule()
    def evict(self) -> None:
        self.world.evict()

    @rule(passing_ms=st.sampled_from([1, 60_000, 3_600_000]))
    def wait(self, passing_ms: int) -> None:
        """Time passes; an alarm that is due then fires late."""
        self.world.clock.now_ms += passing_ms

    def teardown(self) -> None:
        """Once the faults are over, everything ends, and the next jobs bring all in order."""
        world = self.world
        if world.is_broken:
            return
        world.driver.plan = calm
        world.run()
        world.glean.expire()  # an upload that nobody closes, which may be in the way until then
        world.mend(*world.glean.unfit)
        world.source.restless = set()
        world.clock.now_ms += 1
        for mode in (Mode.INCREMENTAL, Mode.FULL):
            world.begin(mode)
            world.run()
            job = world.oracle.latest
            if job.state is State.HELD:
                world.order(job.id, Instruction(Command.APPROVE, ITS_LIST))
                world.run()
            assert world.oracle.latest.state is State.SUCCEEDED, world.told(job.error)
        world.oracle.check_whole()


TestLife = Life.TestCase
TestLife.settings = settings(EFFORT, max_examples=EFFORT.max_examples // 4, stateful_step_count=20)
