"""A step that removes too much: its job must wait for a person, and touch nothing."""

from dev.comparison import Indexed
from dev.soak.judge import BrokenError
from dev.soak.plan import Ending
from dev.soak.scene import Scene
from durable.machine.job import Way
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
        case Ending.INTRUDED:
            # No upload is open meanwhile that it could take away.
            scene.world.actors.intrude()
        case Ending.REPLACED:
            # Not before the other one has read all of the source.
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
    found = scene.world.judge.index(job)
    if not before.keys() <= found.keys():
        raise BrokenError("a job was held, and has deleted documents", job)
    if job.way is Way.REPLACE and found != before:
        raise BrokenError("a job was held that replaces, and has changed the index", job)
    return job


def _approve(scene: Scene, held: Status) -> None:
    listed = scene.world.actors.missing(held.id)
    if len(listed) != held.missing:
        what = f"{held.missing} documents are missing, and {len(listed)} are listed"
        raise BrokenError(what, held)
    if scene.world.actors.command("approve", held.id, list="0" * 16):
        raise BrokenError("an approval of another list was taken", held)
    scene.command("approve", held.id, list=held.missing_list or "")
    job = scene.follow()
    if job.state is not State.SUCCEEDED:
        raise BrokenError("a job was approved, and has not succeeded", job)
