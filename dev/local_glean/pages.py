"""Requests of bulk uploads: what Glean asks of their flags, whatever is in them."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from dev.local_glean.errors import RefusedError
from dev.local_glean.uploads import Page, Place


ITEMS_MAX = 1_000
Item = TypeVar("Item")


class BulkRequest(Protocol):
    """What the requests of all bulk uploads have in common."""

    upload_id: str
    is_first_page: bool | None
    is_last_page: bool | None
    force_restart_upload: bool | None


def check_count(items: Sequence[object], place: Place) -> None:
    """Raises RefusedError."""
    if len(items) > ITEMS_MAX:
        raise RefusedError(400, f"{len(items)} {place.entity} in a request, at most {ITEMS_MAX}")


def bulk_page(
    request: BulkRequest,
    place: Place,
    items: Sequence[Item],
    disabling: tuple[str, bool | None] = ("", None),
) -> Page[Item]:
    """The page of a request. Raises RefusedError.

    Args:
        request: its flags are checked.
        place: where its upload goes.
        items: those of the request, found good.
        disabling: name and value of its flag that disables the check of what is deleted.
    """
    name, deletes_unchecked = disabling
    if not request.upload_id:
        raise RefusedError(400, "No value for required field uploadId")
    if request.force_restart_upload and not request.is_first_page:
        raise RefusedError(400, "forceRestartUpload must be specified with isFirstPage=true")
    if deletes_unchecked and not request.is_last_page:
        raise RefusedError(400, f"{name} must only be set when isLastPage=true")
    return Page(
        place=place,
        upload_id=request.upload_id,
        is_first=bool(request.is_first_page),
        is_last=bool(request.is_last_page),
        restarts=bool(request.force_restart_upload),
        deletes_unchecked=bool(deletes_unchecked),
        items=items,
    )
