"""Cron expressions as Cloudflare reads them: five fields, in UTC, Sunday is 1. Pure."""

import re
from datetime import UTC, datetime, timedelta

from cronsim import CronSim, CronSimError


MINUTE_MS = 60_000


def fault(expression: str) -> str | None:
    """What is wrong with the expression, or None."""
    try:
        next(_after(expression, datetime(2026, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration) as error:
        return str(error) or "it never comes"
    return None


def is_due(expression: str, at_ms: int) -> bool:
    """Whether the expression fires in the minute that holds this instant."""
    minute = datetime.fromtimestamp(at_ms // MINUTE_MS * 60, UTC)
    return next(_after(expression, minute - timedelta(minutes=1)), None) == minute


def _after(expression: str, moment: datetime) -> CronSim:
    fields = expression.upper().split()
    if len(fields) == 5:
        # A number that is neither a step nor an "n-th of the month" names a day.
        fields[4] = re.sub(r"(?<![#/\d])\d+", lambda day: str(int(day[0]) - 1), fields[4])
    if "-1" in fields[4:]:
        raise CronSimError("Bad day-of-week: Sunday is 1")
    return CronSim(" ".join(fields), moment)
