"""What must hold for questions that are of no job."""

from collections.abc import Sequence

import httpx

from durable.machine.verification import Verification
from durable.store.verifications import Verifications
from tests.simulation.fates import Fate, Kind
from tests.simulation.oracle import LEASE_MS_MAX, SOON_MS, Oracle


QUESTIONS = frozenset({Kind.ASK, Kind.PROCESS})


class QuestionOracle(Oracle):
    """Judges what is asked while no job is pending, too.

    After a close: whether Glean deletes, and where the connector verifies, what it holds.
    """

    is_asking = False  # a question is under way that is of no job
    question_quiet_until_ms = 0

    @property
    def verifications(self) -> Verifications:
        return Verifications(lambda *query: self._storage.exec(*query).toArray())

    @property
    def due(self) -> Verification | None:
        return self.verifications.due()

    @property
    def due_at_ms(self) -> int | None:
        """When the next question is to be asked, of either kind."""
        due, watch_at_ms = self.due, self.verifications.watch_at_ms()
        times = [due.due_at_ms if due else None, watch_at_ms]
        return min((at_ms for at_ms in times if at_ms is not None), default=None)

    def sent(self, kind: Kind, request: httpx.Request, beside: Sequence[Kind]) -> None:
        self.is_asking = self.head is None
        if not self.is_asking:
            super().sent(kind, request, beside)
            return
        now_ms, alarm_at_ms = self._clock.now_ms, self._storage.alarm_at_ms
        due_at_ms = self.due_at_ms
        assert kind in QUESTIONS, f"{kind} without a job"
        assert not beside, f"{kind} beside {beside}"
        assert due_at_ms is not None, "asks for nothing"
        assert alarm_at_ms is not None, "the next question has no alarm"
        assert alarm_at_ms <= max(due_at_ms, now_ms + SOON_MS), "the next question comes late"
        assert alarm_at_ms > now_ms, "an alarm for a time that is over"
        assert now_ms >= self.question_quiet_until_ms, "does not wait as long as it was told"

    def answered(self, kind: Kind, fate: Fate, answer: httpx.Response | Exception) -> None:
        if not self.is_asking:
            super().answered(kind, fate, answer)
            return
        self.is_asking = False
        if isinstance(answer, httpx.Response) and "retry-after" in answer.headers:
            told_ms = int(answer.headers["retry-after"]) * 1_000
            self.question_quiet_until_ms = self._clock.now_ms + told_ms

    def rested(self, *, has_died: bool, is_redelivered: bool) -> None:
        if self.head is not None or (due_at_ms := self.due_at_ms) is None:
            super().rested(has_died=has_died, is_redelivered=is_redelivered)
            return
        self.committed()
        now_ms, alarm_at_ms = self._clock.now_ms, self._storage.alarm_at_ms
        if alarm_at_ms is None:
            assert is_redelivered, "a question is never asked"
            return
        latest_at_ms = max(due_at_ms, now_ms + (LEASE_MS_MAX if has_died else SOON_MS))
        assert alarm_at_ms <= latest_at_ms, "waits for nothing"
