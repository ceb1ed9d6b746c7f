"""Both readings of what Glean leaves open: switches, to be changed while the server runs.

A connector that comes out right under `every()` combination depends on none of them.
"""

from collections.abc import Iterator
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


DEFAULTS = Readings()


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


def every(others_max: int | None = None) -> Iterator[Readings]:
    """All combinations, the defaults first; or those with so many that are not at their default."""
    sides = ((default, not default) for default in Readings.__struct_defaults__)
    for values in product(*sides):
        others = map(ne, values, Readings.__struct_defaults__)
        if others_max is None or sum(others) <= others_max:
            yield Readings(**dict(zip(Readings.__struct_fields__, values, strict=True)))
