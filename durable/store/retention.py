"""How long ended jobs are remembered, by their mode and their end: a part of the connector's store.

What somebody may still have to look into stays for months; what went well every few minutes is
thinned out. docs/operations.md says it to people.
"""

from collections.abc import Iterator

from durable.limits import Limits
from durable.machine.states import ENDED, PENDING, State
from durable.store.sql import Query, encode_states


KEY_MS = 24 * 60 * 60 * 1_000  # after its job's end, for which a trigger's key still names it
PAST_MS = KEY_MS  # after its deadline, a verification keeps nothing

# By `finished_at_ms`: a job that was retried, or cancelled late, is as young as its end.
FORGOTTEN = """
WITH ended AS (
  SELECT id,
    json_extract(body, '$.mode') AS mode,
    state = 'succeeded' AS is_success,
    coalesce(json_extract(body, '$.finished_at_ms'), 0) AS at_ms
  FROM job WHERE state IN (SELECT value FROM json_each(?))
), verified AS ( -- what is long past its time, newer code has left
  SELECT job_id FROM verification
  WHERE is_due AND job_id IN (SELECT id FROM job) AND json_extract(body, '$.until_ms') > ?
), placed AS (
  SELECT id, at_ms, mode = 'INCREMENTAL' AND is_success AS is_usual,
    row_number() OVER (PARTITION BY mode, is_success ORDER BY at_ms DESC, id DESC) AS place,
    row_number() OVER (
      PARTITION BY mode, is_success, at_ms / 86400000 ORDER BY at_ms DESC, id DESC
    ) AS place_of_day
  FROM ended
)
SELECT id FROM placed
WHERE (at_ms <= ? OR place > ? OR (is_usual AND place > ? AND place_of_day > 1))
  AND id <> ?
  AND id NOT IN (SELECT job_id FROM verified)
  AND id NOT IN (
    SELECT coalesce(json_extract(body, '$.repeats'), '') FROM job
    WHERE state IN (SELECT value FROM json_each(?))
  )
  AND (at_ms <= ? OR id NOT IN (SELECT job_id FROM trigger_key))
"""
FORGET_KEYS = """
DELETE FROM trigger_key WHERE job_id IN (
  SELECT id FROM job WHERE state IN (SELECT value FROM json_each(?))
    AND coalesce(json_extract(body, '$.finished_at_ms'), 0) <= ?
)
"""


class Retention:
    """Says what is to be forgotten.

    Args:
        query: the store's, so that all is written together.
    """

    def __init__(self, query: Query) -> None:
        self._query = query

    def forgotten(self, job_id: str, now_ms: int, limits: Limits) -> Iterator[str]:
        """The ids of the jobs whose time is over, once another one has ended.

        A verification that is still due keeps its job. A job that waits, or works, keeps the one
        whose rejects it repeats.

        Args:
            job_id: of the one that has ended.
            now_ms: the time.
            limits: of the deployment.
        """
        self._query(FORGET_KEYS, encode_states(ENDED), now_ms - KEY_MS)
        rows = self._query(
            FORGOTTEN,
            encode_states(ENDED),
            now_ms - PAST_MS,
            now_ms - limits.jobs_kept_ms,
            limits.jobs_kept_max,
            limits.successes_kept_max,
            job_id,
            encode_states(PENDING | {State.HELD}),
            now_ms - KEY_MS,
        )
        return (str(row["id"]) for row in rows)
