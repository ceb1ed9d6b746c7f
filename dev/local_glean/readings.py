"""Both readings of what Glean leaves open: switches, to be changed while the server runs.

A connector that comes out right under `every()` combination depends on none of them.
Those of documents, whatever upload they came by, make combinations of their own.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from operator import ne

import msgspec
from msgspec import Struct


class Readings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What Glean does where it documents nothing. Named so that True is the stricter Glean.

    An upload is over when it is finished, discarded or expired. A middle or last page of one,
    where it is not refused, is answered with 200 and has no effect at all.
    """

    # A first page with forceRestartUpload and the uploadId of an upload that is over: 409.
    # Else it opens that id anew. Not a matter of this: with forceRestartUpload the id of the
    # open upload is restarted, and without it no id is used twice.
    refuses_repeated_first: bool = True
    # A middle page with a document that is staged already: 409, and nothing of it is staged.
    # Else the last content wins. False, since Glean's own client repeats pages.
    refuses_repeated_middle: bool = False
    # A last page without documents that is not the first as well: 400, and nothing is closed.
    # False, since Glean's own sample closes with one.
    refuses_empty_last: bool = False
    # A last page of a finished upload: 409.
    refuses_repeated_last: bool = True
    # A middle page of a finished upload: 409.
    refuses_finished: bool = True
    # A middle or last page of an upload that another one discarded: 409.
    refuses_discarded: bool = True
    # A middle or last page of an upload that expired: 409.
    refuses_expired: bool = True
    # Discarded uploads stay in bulkUploadHistory, and look as if they were open.
    # False, since no state is documented for them.
    lists_discarded: bool = False
    # Documents of an upload that is open are found at once, and stay if it is never closed.
    # Else at the close. Users, groups and all others come at the close in any case.
    shows_unclosed: bool = False
    # /indexdocuments, /deletedocument and /updatepermissions while an upload of documents to the
    # datasource is open: 409. Else they have their effect at once, and the close may undo it.
    refuses_single_writes: bool = False
    # One id under two object types is two documents. Else it is one, of the type that came last.
    # To be set while nothing is indexed: what is there keeps the key that it has.
    keys_by_type: bool = False


DEFAULTS = Readings()
OF_DOCUMENTS = ("shows_unclosed", "refuses_single_writes", "keys_by_type")
OF_UPLOADS = tuple(name for name in Readings.__struct_fields__ if name not in OF_DOCUMENTS)


def parsed(text: bytes | str) -> Readings:
    """The readings of a JSON object with those that differ from the defaults.

    Raises:
        ValueError: it is not such an object. The message says why, and what could be in it.
    """
    fields = ", ".join(Readings.__struct_fields__)
    try:
        return msgspec.json.decode(text, type=Readings)
    except ValueError as error:  # msgspec's errors, and those of texts that are not UTF-8
        message = f"not readings: {error}. Expected an object of true or false for {fields}"
        raise ValueError(message) from error


def every(others_max: int | None = None, names: Sequence[str] = OF_UPLOADS) -> Iterator[Readings]:
    """All combinations of some, the defaults first; or those with few that are not at a default.

    Args:
        others_max: how many these may be.
        names: of the readings that are combined.
    """
    defaults = [getattr(DEFAULTS, name) for name in names]
    for values in product(*((default, not default) for default in defaults)):
        if others_max is None or sum(map(ne, values, defaults)) <= others_max:
            yield Readings(**dict(zip(names, values, strict=True)))
