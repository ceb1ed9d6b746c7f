"""How a source is asked for what has changed."""

from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from durable.errors import Cause, ConfigurationError, UpstreamError
from durable.sources import times
from durable.sources.http import HttpSource
from durable.sources.newest_first import NewestFirst
from durable.sources.paging.cursors import BodyCursor
from durable.sources.paging.offset import OffsetPaging
from durable.sources.paging.param_location import ParamLocation
from durable.sources.since import OVERLAP_MS, Changes, Since
from durable.sources.source import Records
from durable.sources.times import TimeFormat
from tests.fakes.errors import caused_by
from tests.fakes.network import Network
from tests.fakes.paged import URL, check_resumes, decoded, sizes, some, whole
from tests.fakes.source import page_of


SINCE_MS = 1_764_000_000_123  # 2025-11-24T16:00:00.123Z
DAY_MS = 24 * 60 * 60 * 1_000
FORMATS = [*TimeFormat, "%Y-%m-%d %H:%M", "%d.%m.%Y %H:%M:%S.%f", "%Y/%m/%dT%H%z"]


def asked(since: Changes, since_ms: int | None = SINCE_MS, **fields: Any) -> httpx.Request:
    source = HttpSource(url=URL, paging=BodyCursor(), since=since, **{"records": "items", **fields})
    network = Network(httpx.Response(200, json={"items": [], "next_cursor": None}))
    page_of(source, network, None, since_ms)
    (request,) = network.requests
    return request


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (TimeFormat.RFC3339, "2025-11-24T16:00:00.000Z"),
        (TimeFormat.RFC3339_SECONDS, "2025-11-24T16:00:00Z"),
        (TimeFormat.DATE, "2025-11-24"),
        (TimeFormat.EPOCH_SECONDS, "1764000000"),
        (TimeFormat.EPOCH_MS, "1764000000000"),
        ("%Y-%m-%d %H:%M", "2025-11-24 16:00"),
        ("%d.%m.%Y %H:%M:%S.%f", "24.11.2025 16:00:00.000000"),
        ("%Y/%m/%dT%H%z", "2025/11/24T16+0000"),
        ("100%% %Y", "100% 2025"),
    ],
)
def test_a_time_is_written_as_the_source_reads_it(form: str, text: str) -> None:
    since = Since(param="from", format=form, overlap=timedelta(milliseconds=0))

    assert asked(since).url.params["from"] == text


@pytest.mark.parametrize("form", FORMATS)
@given(at_ms=st.integers(0, 4_000_000_000_000))
def test_no_time_is_written_later_than_it_is(form: str, at_ms: int) -> None:
    back_ms = times.read(form, str(times.write(form, at_ms)))

    assert 0 <= at_ms - back_ms < DAY_MS
    # What was rounded down once, is not rounded down any further.
    assert times.read(form, str(times.write(form, back_ms))) == back_ms


def test_an_overlap_is_asked_for_too_in_whole_seconds() -> None:
    since = Since(param="from", format=TimeFormat.EPOCH_MS, overlap=timedelta(milliseconds=1_000))

    assert asked(since).url.params["from"] == "1763999999000"
    assert asked(since, since_ms=500).url.params["from"] == "0"


def test_five_minutes_of_it_where_nothing_is_declared() -> None:
    assert asked(Since(param="from")).url.params["from"] == "2025-11-24T15:55:00.000Z"
    assert recent(["2025-11-24T15:55:00Z", "2025-11-24T15:54:59Z"], SINCE_MS, overlap_ms=None) == [
        "2025-11-24T15:55:00Z"
    ]


@pytest.mark.parametrize(
    ("field_format", "text"),
    [("%Y-%m-%d %H:%M", "1764000000"), (TimeFormat.DATE, "1763942400"), ("", "1764000030")],
)
def test_what_is_asked_for_is_no_closer_than_the_records_tell(field_format: str, text: str) -> None:
    """A record that is stamped with the day, may have changed after any second of it."""
    since = Since(
        param="from",
        format=TimeFormat.EPOCH_SECONDS,
        path="at",
        path_format=field_format,
        overlap=timedelta(milliseconds=0),
    )

    assert asked(since, since_ms=SINCE_MS + 30_000).url.params["from"] == text


def test_a_template_has_the_time_in_it() -> None:
    since = Since(
        param="$filter",
        template="type eq 'note' and updated_at ge {}",
        overlap=timedelta(milliseconds=0),
    )

    request = asked(since, params={"$filter": "type eq 'note'", "$top": "5"})

    assert dict(request.url.params) == {
        "$filter": "type eq 'note' and updated_at ge 2025-11-24T16:00:00.000Z",
        "$top": "5",
    }


def test_a_full_job_asks_without_it() -> None:
    since = Since(param="$filter")

    request = asked(since, since_ms=None, params={"$filter": "type eq 'note'"})

    assert dict(request.url.params) == {"$filter": "type eq 'note'"}


@pytest.mark.parametrize(
    ("form", "template", "value"),
    [
        (TimeFormat.EPOCH_SECONDS, "{}", 1_764_000_000),
        (TimeFormat.EPOCH_SECONDS, ">{}", ">1764000000"),
        (TimeFormat.DATE, "{}", "2025-11-24"),
    ],
)
def test_a_time_may_go_into_the_body(form: str, template: str, value: object) -> None:
    since = Since(
        param="variables/since",
        format=form,
        template=template,
        location=ParamLocation.BODY,
        overlap=timedelta(milliseconds=0),
    )

    request = asked(since, body={"query": "x", "variables": {"since": None, "team": "A"}})

    content = msgspec.json.decode(request.content)
    assert content == {"query": "x", "variables": {"since": value, "team": "A"}}
    assert not request.url.params


def test_a_source_tells_for_how_long_it_keeps_its_changes() -> None:
    def kept_ms(since: Changes | None) -> int | None:
        return HttpSource(records="items", url=URL, paging=BodyCursor(), since=since).kept_ms

    assert kept_ms(None) is None
    assert kept_ms(Since(param="updated_since")) is None
    assert (
        kept_ms(
            Since(
                param="updated_since",
                kept=timedelta(milliseconds=DAY_MS),
                overlap=timedelta(milliseconds=0),
            )
        )
        == DAY_MS
    )
    assert (
        kept_ms(
            NewestFirst(
                path="at",
                params={},
                kept=timedelta(milliseconds=DAY_MS),
                overlap=timedelta(milliseconds=0),
            )
        )
        == DAY_MS
    )


def test_what_is_asked_for_is_not_older_than_what_the_source_keeps() -> None:
    def kept_ms(since: Changes) -> int | None:
        return HttpSource(records="items", url=URL, paging=BodyCursor(), since=since).kept_ms

    assert (
        kept_ms(Since(param="updated_since", kept=timedelta(milliseconds=DAY_MS)))
        == DAY_MS - OVERLAP_MS
    )
    assert (
        kept_ms(NewestFirst(path="at", params={}, kept=timedelta(milliseconds=DAY_MS)))
        == DAY_MS - OVERLAP_MS
    )
    short = Since(param="from", kept=timedelta(milliseconds=60_000), format=TimeFormat.EPOCH_MS)
    assert kept_ms(short) == 30_000
    assert asked(short).url.params["from"] == "1763999970000"


@pytest.mark.parametrize(
    ("declare", "fault"),
    [
        (lambda: Since(param=""), "Since: param=''"),
        (
            lambda: Since(param="updated_since", format=""),
            "Since: format='' is not right: it is one of rfc3339, ",
        ),
        (
            lambda: Since(param="updated_since", format="iso"),
            "Since: format='iso' is not right: it is one of",
        ),
        (lambda: Since(param="updated_since", format="%s"), "strftime's %s is not taken here"),
        (lambda: Since(param="updated_since", format="%Y-%m-%"), "strftime's % is not taken here"),
        (lambda: Since(param="updated_since", format="%Y%-m"), "strftime's %- is not taken here"),
        (
            lambda: Since(param="updated_since", template="ge"),
            "Since: template='ge' is not right: it has {} once",
        ),
        (lambda: Since(param="updated_since", template="{} {}"), "it has {} once"),
        (
            lambda: Since(param="updated_since", overlap=timedelta(milliseconds=-1)),
            "Since: overlap=datetime.timedelta(days=-1",
        ),
        (
            lambda: Since(param="updated_since", overlap=300_000),  # type: ignore[arg-type]
            "Since: overlap=300000",
        ),
        (
            lambda: Since(param="updated_since", kept=timedelta(milliseconds=0)),
            "Since: kept=datetime.timedelta(0)",
        ),
        (lambda: Since(param="updated_since", path="at", format="%H:%M"), "does not tell the day"),
        (
            lambda: Since(param="updated_since", path="at", path_format="%H:%M"),
            "Since: path_format='%H:%M'",
        ),
        (lambda: Since(param="updated_since", path_format=TimeFormat.DATE), "declare path=, too"),
        (lambda: NewestFirst(path="", params={}), "NewestFirst: path=''"),
        (lambda: NewestFirst(path="a", params={}, format="iso"), "NewestFirst: format='iso'"),
        (lambda: NewestFirst(path="a", params={}, format="%H:%M"), "does not tell the day"),
        (lambda: NewestFirst(path="a", params={}, format="%Y-%d"), "does not tell the day"),
        (lambda: NewestFirst(path="a", params={}, format="%Y %Y"), "does not tell the day"),
        (
            lambda: NewestFirst(path="a", params={}, overlap=timedelta(milliseconds=-1)),
            "NewestFirst: overlap=datetime.timedelta(days=-1",
        ),
        (
            lambda: HttpSource(
                records="items",
                url=URL,
                paging=BodyCursor(),
                since=Since(param="updated_since", location=ParamLocation.BODY),
            ),
            "the source has none: declare body=",
        ),
    ],
)
def test_a_declaration_that_is_not_right_is_refused(declare: Any, fault: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        declare()

    assert fault in str(error.value)


# Newest first


def note(at: object) -> dict[str, Any]:
    return {"change": {"at": at}}


SORTED = NewestFirst(
    path="change/at",
    params={"sort": "-at"},
    format=TimeFormat.EPOCH_SECONDS,
    overlap=timedelta(milliseconds=0),
)


@some
@given(stamps=st.lists(st.integers(0, 9), max_size=25), size=sizes, since=st.integers(0, 9))
def test_the_latest_changes_are_read_and_no_older_ones(
    stamps: list[int], size: int, since: int
) -> None:
    newest = [note(at) for at in sorted(stamps, reverse=True)]
    source = HttpSource(
        records="items",
        url=URL,
        paging=OffsetPaging(size=size),
        since=SORTED,
        params={"sort": "id"},
        total="total",
    )
    offsets: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.params["sort"] == "-at"
        offsets.append(int(request.url.params["offset"]))
        page = newest[offsets[-1] : offsets[-1] + size]
        return httpx.Response(200, json={"items": page, "total": len(newest)})

    expected = [record for record in newest if record["change"]["at"] >= since]
    assert whole(source, answer, since_ms=since * 1_000)[0] == expected
    # Not a page more than there is need of, to see the first that is older.
    assert offsets[-1] <= len(expected)
    check_resumes(source, answer, expected, since_ms=since * 1_000)


def recent(
    ats: list[Any], since_ms: int, form: str = TimeFormat.RFC3339, overlap_ms: int | None = 0
) -> list[Any] | None:
    """The times that are read; None if another page is asked for."""
    changes = NewestFirst(path="change/at", params={}, format=form)
    if overlap_ms is not None:
        changes = NewestFirst(
            path="change/at", params={}, format=form, overlap=timedelta(milliseconds=overlap_ms)
        )
    raw = [Raw(msgspec.json.encode(note(at))) for at in ats]
    page = Records(records=raw, next_cursor="b", byte_count=9, total_count=1_000)
    page = changes.keep_recent(page, since_ms)
    assert page.total_count is None
    if page.next_cursor is not None:
        assert page.records == raw
        return None
    return [record["change"]["at"] for record in decoded(page.records)]


def test_ties_on_the_watermark_are_read_again() -> None:
    ats = ["2025-11-24T16:00:01Z", "2025-11-24T16:00:00.123Z", "2025-11-24T16:00:00.123Z"]

    assert recent(ats, SINCE_MS) is None
    assert recent([*ats, "2025-11-24T15:59:59.999Z"], SINCE_MS) == ats


@pytest.mark.parametrize(
    ("form", "tie", "older"),
    [
        (TimeFormat.RFC3339, "2025-11-24T16:00:00Z", "2025-11-24T15:59:59Z"),
        (TimeFormat.RFC3339, "2025-11-24T16:00:00.123456Z", "2025-11-24T15:59:59.999999Z"),
        (TimeFormat.RFC3339, "2025-11-24T17:00:00+01:00", "2025-11-24T16:59:59+01:00"),
        (TimeFormat.RFC3339, "2025-11-24T16:00:00", "2025-11-24T15:59:59"),
        (TimeFormat.DATE, "2025-11-24", "2025-11-23"),
        (TimeFormat.EPOCH_SECONDS, 1_764_000_000, 1_763_999_999),
        (TimeFormat.EPOCH_SECONDS, 1_764_000_000.123, 1_763_999_999.9),
        (TimeFormat.EPOCH_SECONDS, "1764000000.1234567", "1763999999.9"),
        (TimeFormat.EPOCH_MS, SINCE_MS, 1_763_999_999_999),
        ("%d.%m.%Y %H:%M", "24.11.2025 16:00", "24.11.2025 15:59"),
    ],
)
def test_a_time_that_is_told_less_closely_than_the_watermark_may_be_that_very_time(
    form: str, tie: object, older: object
) -> None:
    assert recent([tie, older], SINCE_MS, form) == [tie]


def test_an_overlap_is_read_too() -> None:
    ats = ["2025-11-24T15:59:55Z", "2025-11-24T15:59:54Z"]

    assert recent(ats, SINCE_MS, overlap_ms=5_000) == ats[:1]
    assert recent(ats, 0, overlap_ms=5_000) is None


@pytest.mark.parametrize("since_ms", [0, SINCE_MS])
def test_a_page_in_another_order_is_refused(since_ms: int) -> None:
    """Also where what is older comes first: newer ones come after it."""
    ats = ["2025-11-24T15:00:00Z", "2025-11-24T14:00:00Z", "2025-11-24T17:00:00Z"]

    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_TIME)) as error:
        recent(ats, since_ms)

    assert not error.value.is_transient


@pytest.mark.parametrize("at", ["yesterday", "", None, True, [], 1e999, "2025-13-01T00:00:00Z"])
@pytest.mark.parametrize("form", [TimeFormat.RFC3339, TimeFormat.EPOCH_SECONDS])
def test_a_time_that_cannot_be_read_is_refused(at: object, form: str) -> None:
    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_TIME)):
        recent([at], 0, form)


def test_a_record_without_the_time_is_refused() -> None:
    page = Records(records=[Raw(b"{}")], next_cursor=None, byte_count=2)

    with pytest.raises(UpstreamError, match="change/at", check=caused_by(Cause.BAD_TIME)):
        SORTED.keep_recent(page, 0)


def test_a_record_without_the_time_beside_others_is_read_where_it_stands() -> None:
    """As one that never changed, or one that is rejected: it stops no other."""
    ats = [2_000, None, 1_500, 900, None, 800]
    raw = [Raw(b"null"), *(Raw(msgspec.json.encode(note(at))) for at in ats)]
    page = Records(records=raw, next_cursor="b", byte_count=9, faults={1: "it is too large"})

    page = replace(SORTED, overlap=timedelta(milliseconds=0)).keep_recent(page, 1_000_000)

    assert (page.records, page.next_cursor) == (raw[:4], None)
    assert SORTED.keep_recent(replace(page, records=raw[:1]), 0).records == raw[:1]
    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_TIME)):
        SORTED.keep_recent(replace(page, records=[raw[3], raw[2], raw[1]], faults={}), 0)


def test_a_full_job_reads_to_the_end_of_the_list() -> None:
    source = HttpSource(records="items", url=URL, paging=BodyCursor(), since=SORTED)
    content = {"items": [note(1), note(2)], "next_cursor": "b"}
    network = Network(httpx.Response(200, json=content))

    page = page_of(source, network)

    assert (len(page.records), page.next_cursor) == (2, "b")
    assert not network.requests[0].url.params
