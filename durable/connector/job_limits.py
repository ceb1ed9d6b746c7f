"""The limits of one connector's jobs, within those of the deployment."""

from collections.abc import Iterator
from datetime import timedelta

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from durable.errors import ConfigurationError
from durable.limits import Limits
from durable.timestamps import MILLISECOND, is_span, milliseconds


class JobLimits(Struct, frozen=True, kw_only=True):
    """Limits of one connector. The lower one of it and the deployment's applies.

        limits=JobLimits(shrink_max=0.05, rejects_max=0, stall_max=timedelta(hours=6))

    Attributes:
        shrink_max: a FULL job that has lost more than this share of documents is held.
        rejects_max: so many records may be rejected; more stop the job.
        rejects_share_max: likewise of all records, at the end of the source.
        changes_max: more, and an INCREMENTAL job becomes a FULL one.
        stall_max: without progress for so long, a job gives up.
        rejects_retried: for so long, INCREMENTAL jobs try again what was rejected, and read from
            where it was for that; zero: they do not.

    Raises:
        ConfigurationError: one of them is none.
    """

    shrink_max: float | None = None
    rejects_max: int | None = None
    rejects_share_max: float | None = None
    changes_max: int | None = None
    stall_max: timedelta | None = None
    rejects_retried: timedelta | None = None

    def __post_init__(self) -> None:
        for name, shortest in (("stall_max", MILLISECOND), ("rejects_retried", timedelta(0))):
            span = getattr(self, name)
            if span is not None and not is_span(span, shortest):
                raise ConfigurationError(
                    f"JobLimits: {name}={span!r} is not right: it is a timedelta, as in "
                    "timedelta(hours=6)"
                )
        try:
            msgspec.convert(dict(self._declared()), Limits)
        except msgspec.ValidationError as error:
            raise ConfigurationError(f"JobLimits: it is not right: {error}") from error

    def within(self, limits: Limits) -> Limits:
        """The deployment's limits, lowered by these."""
        lower = {name: value for name, value in self._declared() if value < getattr(limits, name)}
        return replace(limits, **lower) if lower else limits

    def _declared(self) -> Iterator[tuple[str, float]]:
        for name in ("shrink_max", "rejects_max", "rejects_share_max", "changes_max"):
            if (value := getattr(self, name)) is not None:
                yield name, value
        if self.stall_max is not None:
            yield "stall_ms_max", milliseconds(self.stall_max)
        if self.rejects_retried is not None:
            yield "rejects_retried_ms", milliseconds(self.rejects_retried)
