"""A connector from day to day, its steps chosen by Hypothesis; the oracle watches each."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from durable.job import Mode, State
from tests.simulation.draws import (
    DEPLOYMENTS,
    EDITS,
    OFFSETS_MS,
    SCHEDULES,
    TRIGGERS,
    Deployment,
    Edit,
    Schedule,
    Trigger,
)
from tests.simulation.effort import EFFORT
from tests.simulation.fates import AT_SAVE, Fate, calm, in_order


class Life(RuleBasedStateMachine):
    """That an unended job has an alarm, and the index is right, is checked at each step's end."""

    @initialize(deployment=DEPLOYMENTS)
    def deploy(self, deployment: Deployment) -> None:
        self.world = deployment.world()

    @rule(trigger=TRIGGERS, fate=st.sampled_from([Fate.OK, Fate.OK, *AT_SAVE]))
    def ask(self, trigger: Trigger, fate: Fate) -> None:
        self.world.driver.plan = in_order([], [fate])
        self.world.begin(trigger.mode, trigger.key)

    @rule(mode=st.sampled_from(Mode))
    def tick_twice(self, mode: Mode) -> None:
        """A cron trigger that fires twice in its minute."""
        self.world.driver.plan = calm
        key = f"cron {self.world.clock.now_ms // 60_000}"
        self.world.begin(mode, key)
        self.world.begin(mode, key)

    @rule(edit=EDITS)
    def edit(self, edit: Edit) -> None:
        if edit.is_deletion:
            self.world.delete(edit.note)
        else:
            self.world.edit(edit.note)

    @rule(
        schedule=SCHEDULES,
        offset_ms=OFFSETS_MS,
        meanwhile=st.dictionaries(st.integers(1, 6), EDITS | TRIGGERS, max_size=2),
    )
    def wake(
        self, schedule: Schedule, offset_ms: int, meanwhile: dict[int, Edit | Trigger]
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
        for mode in (Mode.INCREMENTAL, Mode.FULL):
            world.begin(mode)
            world.run()
            assert world.oracle.latest.state is State.SUCCEEDED
        assert world.glean.index == world.source.live


TestLife = Life.TestCase
TestLife.settings = settings(EFFORT, max_examples=EFFORT.max_examples // 4, stateful_step_count=20)
