"""A step that removes too much: its job must wait for a person, and touch nothing."""

from dev.comparison import Indexed
from dev.soak.judge import BrokenError
from dev.soak.plan import Ending
from dev.soak.scene import Scene
from durable.machine.states import State
from durable.views.status import Status


def hold(scene: Scene) -> None:
    """Play the scene, whose job is to be held, until the job is approved and has ended."""
    before = scene.world.judge.index()
    scene.begin()
    held = _wait_until_held(scene, before)
    match scene.step.ending:
        case Ending.KILLED:
            scene.kill()
        case Ending.EXPIRED:
            scene.displace(scene.world.actors.expire)
        case Ending.REPLACED:
            scene.expect_cancelled(held.id)
            scene.main = scene.add(scene.world.actors.trigger(held.mode, f"instead of {held.id}"))
            held = _wait_until_held(scene, before)
        case Ending.CANCELLED:
            scene.cancel(held.id)
            scene.command("retry", held.id)
            held = _wait_until_held(scene, before)
    _approve(scene, held)


def _wait_until_held(scene: Scene, before: dict[str, Indexed]) -> Status:
    job = scene.follow()
    if job.state is not State.HELD:
        raise BrokenError("a job was not held, though it deletes a third of the documents", job)
    if scene.world.judge.index(job) != before:
        raise BrokenError("a job was held, and has changed the index", job)
    return job


def _approve(scene: Scene, held: Status) -> None:
    missing = held.missing or 0
    if scene.world.actors.command("approve", held.id, deletions=missing - 1):
        raise BrokenError("an approval of too few deletions was taken", held)
    scene.command("approve", held.id, deletions=missing)
    job = scene.follow()
    if job.state is not State.SUCCEEDED:
        raise BrokenError("a job was approved, and has not succeeded", job)
