"""Lists of changes that cannot be believed: an INCREMENTAL job that does moves its watermark on."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from dev.truncation.case import SOURCE, Answer, Case, Verdict, content, page
from durable.sources.newest_first import NewestFirst
from durable.sources.since import Since
from durable.sources.times import TimeFormat


SINCE_MS = 1_767_139_200_000  # 2025-12-31: all of the records have changed since
NEWEST = NewestFirst(path="updated_at", params={"sort": "-updated_at"})
NO_TIME: Sequence[Any] = (None, None)


def _timed(times: Sequence[Any], ids: str = "cd", after: str | None = "three") -> Answer:
    whole = content(ids, after)
    items = [{**note, "updated_at": at} for note, at in zip(whole["items"], times, strict=True)]
    return page({**whole, "items": items})


def _changed(
    name: str, says: str, second: Answer, since: NewestFirst | Since | None = None
) -> Case:
    return Case(
        name=f"of changes, {name}",
        answers={"two": second},
        verdict=Verdict.FAILS,
        says=says,
        source=replace(SOURCE, since=since or SOURCE.since),
        since_ms=SINCE_MS,
    )


CHANGES = [
    _changed(
        "a later one after an earlier one, of a list with the newest first",
        "not sorted by updated_at",
        _timed(["2025-12-30T22:00:00Z", "2025-12-31T23:30:00Z"]),
        NEWEST,
    ),
    _changed("ones without the time, of the same", "has no updated_at", _timed(NO_TIME), NEWEST),
    _changed(
        "ones with times that are written otherwise",
        "not written as rfc3339",
        _timed(["31.12.2025", "31.12.2025"]),
        Since(param="updated_since", path="updated_at"),
    ),
    _changed(
        "ones with seconds for milliseconds",
        "not written as epoch_ms",
        _timed([1_767_222_000, 1_767_222_000]),
        Since(param="updated_since", path="updated_at", path_format=TimeFormat.EPOCH_MS),
    ),
    _changed("a 204", "answered 204", Answer(b"", 204, {})),
    _changed("a 304", "answered 304", Answer(b"", 304, {})),
]
