"""How a source is asked for what has changed. Pure."""

from msgspec import Struct
from msgspec.structs import replace

from durable.instant import rfc3339
from durable.sources.paging import Ask


class Since(Struct, frozen=True, kw_only=True):
    """A query parameter takes the watermark.

    Attributes:
        param: its name; records changed at that very time must be in the answer.
    """

    param: str = "updated_since"

    def asked(self, ask: Ask, since_ms: int) -> Ask:
        """The request of changes since a time, made of that of the source."""
        return replace(ask, params={**ask.params, self.param: rfc3339(since_ms)})
