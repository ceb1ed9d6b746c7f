"""Records decoded and mapped by their connector, with the place named where that fails."""

from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Raw

from durable.connector import AnyConnector
from durable.documents import Change, Deletion, Document
from durable.errors import UpstreamError


def changes(
    connector: AnyConnector, records: Sequence[Raw], cursor: str | None
) -> Iterator[Change]:
    """What the records become in Glean, one at a time.

    Args:
        connector: gives the records' type and their mapping.
        records: of one page, undecoded.
        cursor: of that page, for errors.

    Raises:
        UpstreamError: a record does not decode, or its mapping raises or gives something else.
    """
    decoder = msgspec.json.Decoder(connector.record)
    for place, raw in enumerate(records, start=1):
        where = f"record {place} of the page at cursor {cursor!r}"
        try:
            change = connector.document(decoder.decode(raw))
        except msgspec.DecodeError as error:
            raise UpstreamError(
                f"{where} is not a {connector.record.__name__}: {error}", is_transient=False
            ) from error
        except Exception as error:  # the author's mapping may raise anything
            raise UpstreamError(
                f"{where}: the mapping raised {type(error).__name__}: {error}", is_transient=False
            ) from error
        if not isinstance(change, Document | Deletion):
            raise UpstreamError(
                f"{where}: the mapping gave a {type(change).__name__}, "
                "not a Document or a Deletion",
                is_transient=False,
            )
        yield change
