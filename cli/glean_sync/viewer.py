"""Jobs shown while they are followed: bars on a terminal, lines elsewhere, or JSON."""

import asyncio
from collections.abc import Sequence

from glean_sync.answers import Status
from glean_sync.bars import Bars
from glean_sync.exits import ExitCode
from glean_sync.phrases import counts, outcome_row
from glean_sync.session import Session
from glean_sync.watching import exit_code, follow
from glean_sync.worker import Answer, Worker


async def watch_jobs(session: Session, worker: Worker, job_ids: Sequence[str]) -> ExitCode:
    """Show the jobs until all rest; the exit code is of the one that ended worst."""
    output = session.output
    lines = _Lines(session)
    try:
        with Bars(output.person, session.machine.moment) as bars:

            def show(status: Status, answer: Answer) -> None:
                bars.update(status)
                lines.update(status, answer)

            statuses = await follow(worker, session.machine, job_ids, show)
    except asyncio.CancelledError:
        jobs = "The job goes on" if len(job_ids) == 1 else "The jobs go on"
        output.note(f"{jobs}: `glean-sync watch {' '.join(job_ids)}` follows again.")
        raise
    lines.end(statuses)
    return exit_code(statuses)


class _Lines:
    """What goes to standard output."""

    def __init__(self, session: Session) -> None:
        self._output = session.output
        self._latest: dict[str, Status] = {}

    def update(self, status: Status, answer: Answer) -> None:
        before, self._latest[status.id] = self._latest.get(status.id), status
        if self._output.is_json:
            if status != before:
                self._output.json_line(answer.body)
        elif self._output.person.is_terminal:
            return  # the bars show it, and would be torn by lines
        elif status.is_resting:
            self._output.words(*outcome_row(status))
        elif before is None or status.state != before.state:
            self._output.words(status.id, status.state, counts(status))

    def end(self, statuses: Sequence[Status]) -> None:
        if self._output.person.is_terminal and not self._output.is_json:
            for status in statuses:
                self._output.words(*outcome_row(status))
