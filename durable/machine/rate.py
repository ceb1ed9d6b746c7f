"""How often a source may be asked."""

from datetime import timedelta

from msgspec import Struct

from durable.errors import ConfigurationError
from durable.timestamps import MILLISECOND, is_span, milliseconds


class Rate(Struct, frozen=True, kw_only=True):
    """So many requests, and then none until the span is over, which begins with the first one.

    Raises:
        ConfigurationError: one of them is none.
    """

    requests: int
    per: timedelta

    def __post_init__(self) -> None:
        if type(self.requests) is not int or self.requests < 1:
            raise ConfigurationError(f"Rate: requests={self.requests!r}: it is a number from 1")
        if not is_span(self.per, MILLISECOND):
            raise ConfigurationError(
                f"Rate: per={self.per!r}: it is a timedelta, as in timedelta(minutes=1)"
            )

    @property
    def per_ms(self) -> int:
        return milliseconds(self.per)
