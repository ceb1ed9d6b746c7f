"""What must hold, whatever happens: after every job, and in between."""

import re

from msgspec import Struct

from dev.comparison import Indexed, differences
from dev.soak.actors import Actors
from dev.soak.log import CLOSING, Window
from dev.soak.tally import Tally
from dev.soak.troubles import PASSING
from dev.stack import Stack
from durable.limits import Limits
from durable.machine.job import Mode
from durable.machine.states import State
from durable.views.status import Status


TURN_PAGES = 3  # in one turn at most, and so under way at one time
PAGE_RECORDS = 100  # what the connector asks for
SHOWN_MAX = 10
ANSWERED = re.compile(r"(the source|Glean) answered (\d{3})")
NOT_A_PAGE = re.compile(r"the source's (page is not of the declared shape|next_cursor is empty)")


class BrokenError(Exception):
    """Something happened that must not.

    Args:
        what: it is.
        job: whose doing it is, if it is one's.
    """

    def __init__(self, what: str, job: Status | None = None) -> None:
        super().__init__(what)
        self.job = job


class Happened(Struct):
    """What was done to a step's jobs, beside the faults."""

    kills: int = 0
    displacements: int = 0
    commands: int = 0  # cancel, retry, approve: each may leave a page half way


class Judge:
    """Compares the local Glean's index with the source.

    Args:
        stack: of both.
        actors: who can ask for what a job rejected.
        tally: gets what was lost or wrongly deleted.
    """

    def __init__(self, stack: Stack, actors: Actors, tally: Tally) -> None:
        self._stack = stack
        self._actors = actors
        self._tally = tally
        self._page_count = 1
        self._had: set[str] = set()  # ids in the index, when it was looked at last
        self._rejected: set[str] = set()  # ids that a job was made to reject

    def index(self, job: Status | None = None) -> dict[str, Indexed]:
        """The index, in which nothing is missing that was there and that the source still has."""
        found = {indexed.id: indexed for indexed in self._stack.glean_documents()}
        live = {record.id for record in self._stack.source_records()}
        self._page_count = _full_pages(Mode.FULL, len(live))
        gone = (self._had & live) - found.keys() - self._rejected
        self._had = set(found)
        if gone:
            self._tally.wrongly_deleted += len(gone)
            names = ", ".join(sorted(gone)[:SHOWN_MAX])
            raise BrokenError(f"{len(gone)} documents were wrongly deleted: {names}", job)
        return found

    @property
    def page_count(self) -> int:
        """Of the source, at the end of the latest job."""
        return self._page_count

    def rested(self, job: Status, window: Window, happened: Happened) -> None:
        """What must hold when a job has ended, or is held. Raises BrokenError."""
        self._tally.ends[job.mode, job.state] += 1
        if job.rejected:
            self._check_rejected(job, window)
        found = self.index(job)
        if job.state is State.SUCCEEDED:
            self._check_equal(job, found)
        elif job.state is State.FAILED:
            reason = _excuse(job, window, happened)
            if reason is None:
                raise BrokenError(f"a job failed without a cause: {job.last_error}", job)
            self._tally.excuses[reason] += 1

    def check_rework(self, jobs: list[Status], window: Window, happened: Happened) -> None:
        """A page is fetched again only where something happened to it.

        Args:
            jobs: of a step, all of them.
            window: what was asked in the meantime.
            happened: to these jobs.
        """
        live_count = len(self._stack.source_records())
        # After a kill or a fault the pages under way are fetched again, and after a command.
        troubles = happened.kills + happened.commands + sum(window.troubles().values())
        again = TURN_PAGES * troubles
        for mode in Mode:
            of_mode = [job for job in jobs if job.mode is mode]
            needed = sum(max(job.pages, _full_pages(mode, live_count)) for job in of_mode)
            fetches = [
                one for one in window.source if (one.updated_since is None) is (mode is Mode.FULL)
            ]
            crawls = sum("anew" in event.what for job in of_mode for event in job.events)
            # A last page with a document in it is made from a page that is fetched for that.
            last = sum(one.what == CLOSING and one.document_count > 0 for one in window.glean)
            most = needed + again + last + crawls * (_full_pages(Mode.FULL, live_count) + 1)
            self._tally.pages += needed
            if len(fetches) > most:
                what = f"{len(fetches)} pages were fetched for {mode}, at most {most} were due"
                raise BrokenError(what, of_mode[0] if of_mode else None)

    def _check_rejected(self, job: Status, window: Window) -> None:
        if not any(window.has_status(status, is_source=False) for status in (400, 413)):
            raise BrokenError(f"{job.rejected} documents were rejected without a cause", job)
        self._rejected |= self._actors.rejected(job.id)

    def _check_equal(self, job: Status, found: dict[str, Indexed]) -> None:
        different = [
            difference
            for difference in differences(self._stack.source_records(), found.values())
            if difference.id not in self._rejected
        ]
        if different:
            self._tally.lost += len(different)
            texts = "\n".join(f"  {one.id} {one.what}" for one in different[:SHOWN_MAX])
            what = f"{job.id} succeeded, and {len(different)} documents differ:\n{texts}"
            raise BrokenError(what, job)
        if not job.rejected:
            self._rejected.clear()


def _full_pages(mode: Mode, live_count: int) -> int:
    return max(1, -(-live_count // PAGE_RECORDS)) if mode is Mode.FULL else 0


def _excuse(job: Status, window: Window, happened: Happened) -> str | None:
    """Why the job was right to fail, if it was."""
    error = job.last_error or ""
    if (found := ANSWERED.match(error)) is not None:
        side, status = found[1], int(found[2])
        if status not in PASSING and window.has_status(status, is_source=side == "the source"):
            return f"{side} answered {status}"
    if NOT_A_PAGE.match(error) and window.has_status(200, is_source=True):
        return "the source answered 200 with something that is no page"
    # A late opening of a killed runtime is one more upload from elsewhere.
    is_excused = happened.displacements + happened.kills > Limits().restarts_max
    if error.startswith("Glean no longer had the job's upload") and is_excused:
        return "the upload was taken from it too often"
    was_displaced = happened.displacements + happened.kills > 0
    if error.startswith("Glean took the close, and after") and was_displaced:
        return "its close had no effect, and Glean did not say so"
    return None
