"""Continues a list from its last record's own value, once its cursor has expired."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from durable.decoding import EXACT_MAX, decode
from durable.errors import Cause, ConfigurationError, Recourse, UpstreamError
from durable.http.error_rules import Action, Rules
from durable.sources.newest_first import NewestFirst
from durable.sources.paging.keyset import Keyset
from durable.sources.paging.one_page import OnePage
from durable.sources.paging.param_location import (
    ParamLocation,
    check_names,
    check_placed,
    place_cursor,
    wrong,
)
from durable.sources.paging.protocol import Ask, Paging
from durable.sources.record_fields import key_of
from durable.sources.since import Changes
from durable.sources.source import Records, cursor_fault


ANY_CURSOR = "1"  # of every paging that has none of its own kind
Read = Callable[[Ask, str | None], Awaitable[Records]]  # a page, by the paging's own cursor


class Resume(Struct, frozen=True, kw_only=True):
    """How to ask a source that has forgotten the cursor for what comes after a record.

        HttpSource(
            url="${NOTES_URL}/list",
            params={"sort": "id"},
            paging=BodyCursor(),
            resume=Resume(path="id", param="after_id"),
        )

    Without it, the crawl begins anew. The list has to be in the order of the field, in jobs of
    both modes: the source's params ask for it. The source may answer from the value on, with it,
    and has to where several records may share one: what comes again is sent again.

    The parameter is sent with every page of the list that begins so, or is in the links that the
    source gives. A `total` is then that of what comes after the record.

    Attributes:
        path: the path of the value in a record of the list, a text or a number.
        param: what takes it.
        location: where it goes.

    Raises:
        ConfigurationError: a name is empty.
    """

    path: str
    param: str
    location: ParamLocation = ParamLocation.QUERY

    def __post_init__(self) -> None:
        check_names(self, "path", "param")

    def check(self, ask: Ask, paging: Paging, since: Changes | None, rules: Rules) -> None:
        """Whether the rest of the source's declaration fits. Raises ConfigurationError."""
        if isinstance(paging, Keyset | OnePage):
            kind = type(paging).__name__
            raise ConfigurationError(
                f"Resume: paging={kind} has no cursor that expires: leave out resume"
            )
        if isinstance(since, NewestFirst):
            raise ConfigurationError(
                f"Resume: since=NewestFirst has the list in another order than that of "
                f"path={self.path!r}: leave out resume, or declare since=Since(...)"
            )
        is_told = paging.is_given or any(rule.then is Action.RESTART for rule in rules)
        if not is_told:
            raise ConfigurationError(
                "Resume: no rule says how the source tells that a cursor has expired: declare one, "
                "as in rules=(Rule(status=410, then=Action.RESTART),)"
            )
        check_placed(self, ask, self.location, self.param)
        cursors = [None] if paging.is_linked else [None, ANY_CURSOR]
        if any(self._is_taken(ask, partial(paging.prepare, cursor=at)) for at in cursors):
            raise wrong(self, "param", "the source's paging has the parameter for itself")
        if since is not None and self._is_taken(ask, lambda other: since.prepare(other, 0)):
            raise wrong(self, "param", "the source's since has the parameter for itself")

    def _is_taken(self, ask: Ask, further: Callable[[Ask], Ask]) -> bool:
        """Whether it matters who goes first: both put something into the same place."""
        with suppress(UpstreamError):  # of a paging whose cursors are of a kind of their own
            return self.prepare(further(ask), "") != further(self.prepare(ask, ""))
        return False

    def prepare(self, ask: Ask, after: str | None) -> Ask:
        """The request for the list after a value; None: from its start."""
        return place_cursor(ask, self.location, self.param, after)

    def key(self, record: Raw) -> str:
        """The value in a record. Raises UpstreamError where there is none."""
        return key_of(record, self.path, is_typed=self.location is ParamLocation.BODY)


class ResumePosition(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the crawl continues. As JSON it is the cursor: add fields with defaults only."""

    listed: str | None  # the paging's own cursor; None: at the start of the list
    key: str | None = None  # of the last record before the page
    after: str | None = None  # the key that the list began after
    read: int = 0  # records before the page, if their number is told
    passed: int = 0  # of these, before the list began

    def cursor(self) -> str:
        return msgspec.json.encode(self).decode()


async def resume_page(resume: Resume | None, read: Read, ask: Ask, cursor: str | None) -> Records:
    """The page at the cursor; or, where that has expired, the one after the last record.

    Args:
        resume: how that is asked for; None: it is not.
        read: reads a page of a list.
        ask: the request of the list.
        cursor: of the page, as the page before it told.

    Raises:
        UpstreamError: as `read` does. That the cursor has expired, where there is no record
            before it, or where asking by that leads nowhere.
    """
    if resume is None:
        return await read(ask, cursor)
    at = position_of(cursor)
    try:
        return _lead_on(resume, await read(resume.prepare(ask, at.after), at.listed), at)
    except UpstreamError as error:
        if error.recourse is not Recourse.RESTART or at.key is None:
            raise
        expiry = error
    at = ResumePosition(listed=None, key=at.key, after=at.key, read=at.read, passed=at.read)
    page = await read(resume.prepare(ask, at.after), None)
    is_further = not page.records or _last_key(resume, page) != at.key
    if page.next_cursor is not None and not is_further:
        raise expiry  # or each page would be this one, if cursors expire at once
    note = f"goes on after {resume.path} {at.key:.200}: {expiry}"
    return replace(_lead_on(resume, page, at), note=note)


def position_of(cursor: str | None) -> ResumePosition:
    """The position in a cursor. Without a Resume, that is the paging's own cursor."""
    with suppress(msgspec.DecodeError):
        return decode(cursor or "", ResumePosition)
    return ResumePosition(listed=cursor)


def _lead_on(resume: Resume, page: Records, at: ResumePosition) -> Records:
    """The page of a list, with what the crawl is to know of it."""
    read_count = 0
    if page.total_count is not None:
        # Counted only if need be: a cursor that differs each time hides a circle.
        read_count = at.read + len(page.records)
        page = replace(page, total_count=min(at.passed + page.total_count, EXACT_MAX))
    if page.next_cursor is None:
        return page
    key = _last_key(resume, page)
    key = at.key if key is None else key
    next_at = replace(at, listed=page.next_cursor, key=key, read=read_count)
    next_cursor = next_at.cursor()
    if (fault := cursor_fault(next_cursor, None)) is not None:
        raise UpstreamError(
            f"the source's cursor, with the {resume.path} of the last record, {fault}: leave out "
            "resume",
            cause=Cause.BAD_CURSOR,
        )
    return replace(page, next_cursor=next_cursor)


def _last_key(resume: Resume, page: Records) -> str | None:
    """Of the last record that is read: one that is rejected may be without; None: there is none."""
    places = [place for place in range(len(page.records), 0, -1) if place not in page.faults]
    return resume.key(page.records[places[0] - 1]) if places else None
