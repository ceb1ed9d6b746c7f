"""Plays a step: an edit at the source, a job, and all that happens to it."""

import time
from collections.abc import Callable

from msgspec import Struct

from dev.soak.actors import Actors
from dev.soak.judge import BrokenError, Happened, Judge
from dev.soak.log import Log
from dev.soak.plan import Act, Deed, Start, Step
from dev.soak.tally import Tally
from dev.stack import Stack
from durable.machine.job import Mode
from durable.machine.states import PENDING, State
from durable.views.status import Status


POLL_SECONDS = 0.02
STEP_SECONDS_MAX = 420  # a kill takes some seconds, and many more on a busy machine
RETRIES_MAX = 3  # then the faults are taken away


class World(Struct, frozen=True):
    """What all scenes share. `show` is told what goes on."""

    stack: Stack
    actors: Actors
    judge: Judge
    log: Log
    tally: Tally
    show: Callable[[str], None]
    job_ids: set[str]  # of all jobs that were asked for


class Scene:
    """One step, as it is played.

    Args:
        world: in which.
        step: as it was planned.
        number: of the step, from 1.
    """

    def __init__(self, world: World, step: Step, number: int) -> None:
        self.world = world
        self.step = step
        self.jobs: dict[str, Status] = {}
        self.main = ""  # the id of the step's own job
        self.happened = Happened()
        self._key = f"step {number}"
        self._day = number
        self._acts = list(step.acts)
        self._retries = 0
        self._cancelled: set[str] = set()

    def begin(self) -> None:
        """Edit, load the faults, and ask for the job."""
        actors, step = self.world.actors, self.step
        actors.edit(step.edit)
        actors.trouble(step.troubles)
        self.main = self.add(actors.begin(step, self._key, self._day))

    def add(self, job_id: str) -> str:
        """Follow a job that was asked for."""
        self.world.job_ids.add(job_id)
        self.jobs[job_id] = self.world.actors.status(job_id)
        return job_id

    def follow(self) -> Status:
        """All jobs until they rest, with all that happens to them. Gives the step's own."""
        deadline = time.monotonic() + STEP_SECONDS_MAX
        while True:
            self._look()
            main = self.jobs[self.main]
            if (act := self._due(main)) is not None:
                self._perform(act)
            elif not self._pending_jobs():
                return main
            elif time.monotonic() > deadline:
                raise BrokenError(f"{self._pending_jobs()} have not ended", main)
            else:
                self._show(main)
                time.sleep(POLL_SECONDS)

    def end(self) -> None:
        """Check what can only be seen at the end."""
        if self.step.start is Start.TICK:
            # Late and once more: the job is not to be seen again in the logs.
            self.world.actors.tick(self.step.mode, self._day)
        window = self.world.log.turn_page()
        self.world.tally.heard(window)
        self.world.judge.check_rework(list(self.jobs.values()), window, self.happened)
        unknown = window.jobs() - self.world.job_ids
        if unknown:
            raise BrokenError(f"nobody asked for {unknown}", self.jobs[self.main])

    def cancel(self, job_id: str) -> bool:
        """Whether the job took it."""
        if not self.world.actors.command("cancel", job_id):
            return False
        self.happened.commands += 1
        self.expect_cancelled(job_id)
        self._look()
        return True

    def expect_cancelled(self, job_id: str) -> None:
        self._cancelled.add(job_id)

    def command(self, command: str, job_id: str, **body: str) -> None:
        """One that the job must take, after which it goes on."""
        if not self.world.actors.command(command, job_id, **body):
            job = self.world.actors.status(job_id)
            raise BrokenError(f"{job_id} is {job.state} and does not take {command}", job)
        self.happened.commands += 1
        self._cancelled.discard(job_id)
        self.jobs[job_id] = self.world.actors.status(job_id)
        if self.jobs[job_id].state not in PENDING:
            self._rested(self.jobs[job_id])

    def kill(self) -> None:
        self.happened.kills += 1
        self.world.show("SIGKILL; the runtime starts again")
        self.world.actors.kill()

    def displace(self, deed: Callable[[], None]) -> None:
        self.happened.displacements += 1
        deed()

    def _look(self) -> None:
        for job_id in self._pending_jobs():
            job = self.jobs[job_id] = self.world.actors.status(job_id)
            if job.state not in PENDING:
                self._rested(job)

    def _pending_jobs(self) -> list[str]:
        return [job.id for job in self.jobs.values() if job.state in PENDING]

    def _rested(self, job: Status) -> None:
        if job.state is State.CANCELLED and job.id not in self._cancelled:
            raise BrokenError("a job was cancelled, and nobody had asked for it", job)
        if job.state is State.HELD and self.step.ending is None:
            raise BrokenError("a job was held, though few records were removed", job)
        if job.state is State.SUCCEEDED and self.step.ending is not None:
            # So many deletions wait for Glean's own administrator, too.
            self.world.actors.process()
        self.world.judge.rested(job, self.world.log.window(), self.happened)
        if job.state is State.FAILED:
            self._retry(job)

    def _retry(self, job: Status) -> None:
        """What a person does, who has read why it failed."""
        self._retries += 1
        if self._retries > 2 * RETRIES_MAX:
            raise BrokenError("a job fails again and again", job)
        if self._retries > RETRIES_MAX:
            self.world.stack.clear_faults()
        self.command("retry", job.id)

    def _due(self, main: Status) -> Act | None:
        """The next act, if its moment has come. Only kills are for jobs that rest, too."""
        is_resting = main.state not in PENDING
        if is_resting:
            self._acts = [act for act in self._acts if act.deed is Deed.KILL]
        if self._acts and (is_resting or _share(main, self.world) >= self._acts[0].share):
            return self._acts.pop(0)
        return None

    def _perform(self, act: Act) -> None:
        actors, step = self.world.actors, self.step
        time.sleep(act.pause_ms / 1_000)
        self.world.tally.deeds[act.deed] += 1
        match act.deed:
            case Deed.KILL:
                self.kill()
            case Deed.EXPIRE:
                self.displace(actors.expire)
            case Deed.INTRUDE:
                self.displace(actors.intrude)
            case Deed.CANCEL:
                if self.cancel(self.main):
                    self.command("retry", self.main)
            case Deed.ASIDE:
                mode = Mode.INCREMENTAL if step.mode is Mode.FULL else Mode.FULL
                self.add(actors.trigger(mode, f"{self._key} aside"))
            case Deed.CROWD:
                self.add(actors.crowd(step.mode, self._key, replace=step.is_replacing))

    def _show(self, main: Status) -> None:
        what = f"{main.mode} {main.state}, {main.pages} pages"
        self.world.show(f"{what}: {main.waits_because}" if main.waits_because else what)


def _share(main: Status, world: World) -> float:
    """Of its pages, how many are through; 1 and more at the close."""
    if main.state is State.CLOSING:
        return 1
    return main.pages / world.judge.page_count
