"""What a FULL crawl has not seen of what Glean has. Pure."""

from msgspec import Struct


class Gone(Struct, frozen=True):
    """What the ledger has and a crawl has not seen. Stored as a part of the job."""

    count: int = 0
    new_count: int = 0  # that no person has approved of
    after: str = ""  # the key up to which the ledger was compared
    is_whole: bool = False  # all of it was
    digest: str = ""  # of the list
    waiting_count: int = 0  # that the next FULL crawl decides about, since pages may move
    outdated_count: int = 0  # whose records were rejected: Glean keeps an older version
    new_listed_count: int = 0  # of `new_count`, that the source may have still: it was rejected
    is_unnamed: bool = False  # some was rejected of which nobody knows what it is
