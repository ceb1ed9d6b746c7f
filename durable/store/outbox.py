"""Deliveries of alerts that are still to be made: a part of an object's store.

They are written with what they tell of, so none is lost, and sent after it.
"""

from collections.abc import Collection, Iterable, Sequence

from durable.machine.alert_delivery import Delivery
from durable.machine.alerts import (
    Alert,
    AlertHistory,
    alert_of_outcome,
    alerts_of_job,
    reminders,
)
from durable.machine.job import Job, Mode
from durable.machine.staleness import Watched
from durable.store.sql import Query, decode_rows, encode, read_summary, write_summary


DELIVERIES_MAX = 100  # that wait: more are of something that never ends


class Outbox:
    """Of one object.

    Args:
        query: the store's, so that all is written together.
    """

    def __init__(self, query: Query) -> None:
        self._query = query

    def announce(self, before: Job, after: Job, targets: Sequence[str], now_ms: int) -> None:
        """Write what is to be told of a job's change, if anything is, and if there is anybody."""
        if not targets or before.state is after.state:
            return
        known = self.told()
        told, of_job = alerts_of_job(known, before, after, now_ms)
        told, of_outcome = alert_of_outcome(told, before, after, now_ms)
        if told != known:
            self.put_told(told)
        for alert in (of_job, of_outcome):
            if alert is not None:
                self.add(alert, targets)

    def remind(
        self, connector: str, modes: Collection[Mode], targets: Sequence[str], now_ms: int
    ) -> None:
        """Write what is still wrong, and was not told for a day."""
        known = self.told()
        told, alerts = reminders(known, connector, modes, now_ms)
        if not targets or told == known:
            return
        self.put_told(told)
        for alert in alerts:
            self.add(alert, targets)

    def told(self) -> AlertHistory:
        return read_summary(self._query, "told", AlertHistory)

    def put_told(self, told: AlertHistory) -> None:
        write_summary(self._query, "told", told)

    def watched(self) -> Watched:
        return read_summary(self._query, "watched", Watched)

    def put_watched(self, watched: Watched) -> None:
        write_summary(self._query, "watched", watched)

    def add(self, alert: Alert, targets: Iterable[str]) -> None:
        """To be sent as soon as can be."""
        for target in targets:
            self.put(Delivery(alert=alert, target=target, due_at_ms=alert.at_ms))
        self._query(
            "DELETE FROM delivery WHERE id IN"
            "  (SELECT id FROM delivery ORDER BY due_at_ms DESC LIMIT -1 OFFSET ?)",
            DELIVERIES_MAX,
        )

    def put(self, delivery: Delivery) -> None:
        query = "INSERT OR REPLACE INTO delivery (id, due_at_ms, body) VALUES (?, ?, ?)"
        self._query(query, _id(delivery), delivery.due_at_ms, encode(delivery))

    def remove(self, delivery: Delivery) -> None:
        self._query("DELETE FROM delivery WHERE id = ?", _id(delivery))

    def due(self, now_ms: int, count: int) -> list[Delivery]:
        """So many that are to be sent now, those that wait longest first."""
        query = "SELECT body FROM delivery WHERE due_at_ms <= ? ORDER BY due_at_ms LIMIT ?"
        return list(decode_rows(self._query(query, now_ms, count), Delivery))

    def due_at_ms(self) -> int | None:
        """When the next one is to be sent; None: there is none."""
        # Not of one that newer code wrote, and that is not understood here: it is never sent.
        deliveries = decode_rows(
            self._query("SELECT body FROM delivery ORDER BY due_at_ms"), Delivery
        )
        return next((delivery.due_at_ms for delivery in deliveries), None)


def _id(delivery: Delivery) -> str:
    return f"{delivery.alert.id} {delivery.target}"
