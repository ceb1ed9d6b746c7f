"""Ways in which a paged JSON source looks finished, or broken, while records are still unread.

One well-behaved source of three pages, two records on each. In every case one thing goes wrong at
page 2; whoever takes that for the end has lost records, and would have Glean delete them.
"""

from typing import Any

from msgspec.structs import replace

from dev.truncation.case import (
    GOOD,
    HTML,
    JSON,
    MISSING_BYTES,
    PAGE_BYTES_MAX,
    SIGN_IN,
    SOURCE,
    Answer,
    Case,
    Verdict,
    content,
    note,
    page,
)
from dev.truncation.changes import CHANGES
from dev.truncation.endings import LINKS, TOTALS
from durable.sources.paging.cursors import BodyCursor
from durable.sources.paging.last_page import LastPage


WHOLE = GOOD["two"].body
LAST = content("cd", None)  # page 2, if it were the last one


def _failing(name: str, says: str, second: object) -> Case:
    """Page 2 is something that no other try makes better."""
    answer = second if isinstance(second, Answer) else page(second)
    return Case(name=name, answers={"two": answer}, verdict=Verdict.FAILS, says=says)


def _passing(name: str, says: str, second: Answer) -> Case:
    """Page 2 is something that another try may make better."""
    return Case(name=name, answers={"two": second}, verdict=Verdict.WAITS, says=says)


def _refused(name: str, status: int, text: str) -> Case:
    return _failing(name, f"answered {status}", page({"error": text}, status))


def _forgotten(name: str, status: int, text: str) -> Case:
    """Page 2 is asked for by a cursor that the source gave, and does not know."""
    answer, says = page({"error": text}, status), f"answered {status}"
    return Case(name=name, answers={"two": answer}, verdict=Verdict.RESTARTS, says=says)


def _without(field: str) -> dict[str, Any]:
    return {name: value for name, value in content("cd", "three").items() if name != field}


ITEMS = [
    Case(
        name="an empty page, with a next cursor",
        answers={"two": page(content("", "more")), "more": page(content("cd", "three"))},
        verdict=Verdict.GOES_ON,
    ),
    _passing("no list of items", "`items`", page(_without("items"))),
    _passing(
        "null for the list of items", "$.items", page({**content("", "three"), "items": None})
    ),
    _passing("an object for the list of items", "$.items", page({**LAST, "items": note("c")})),
    _passing('`{"error": …}` with a 200', "`items`", page({"error": "the index is being rebuilt"})),
    Case(
        name='`{"error": …}` with a 200, of a source that leaves out empty lists and last cursors',
        answers={"two": page({"error": "the index is being rebuilt"})},
        verdict=Verdict.WAITS,
        says="its error is",
        source=replace(SOURCE, paging=BodyCursor(last_page=LastPage.ABSENT), omits_empty=True),
    ),
    _passing(
        "a part of the list, and an `error` beside it",
        "has error beside",
        page({**content("c", "three"), "error": {"message": "maximum execution time exceeded"}}),
    ),
    _passing(
        'a part of the list, and `"timed_out": true` beside it',
        "has timed_out beside",
        page({**content("c", "three"), "timed_out": True}),
    ),
    _passing("`null` as the whole answer", "`null`", page(None)),
    _passing("a bare list as the whole answer", "`array`", page(LAST["items"])),
]

CURSORS = [
    _passing("no next cursor, not even null", "`next_cursor`", page(_without("next_cursor"))),
    _passing("a fraction as the next cursor", "$.next_cursor", page({**LAST, "next_cursor": 3.5})),
    _passing("false as the next cursor", "$.next_cursor", page({**LAST, "next_cursor": False})),
    _failing("an empty text as the next cursor", "is empty", {**LAST, "next_cursor": ""}),
    _failing("the page's own cursor as the next", "the same", content("cd", "two")),
    _failing("the first page again, whatever the cursor", "the same", GOOD[""]),
    Case(
        name="a next cursor, of a source whose own field is misspelt and may be absent",
        answers={},
        verdict=Verdict.FAILS,
        says="its next_cursor is",
        source=replace(SOURCE, paging=BodyCursor(path="nextCursor", last_page=LastPage.ABSENT)),
    ),
    Case(
        name="cursors that go round: A, B, A, B",
        answers={"two": page(content("cd", "again")), "again": page(content("ef", "two"))},
        verdict=Verdict.FAILS,
        says="in a circle",
    ),
    Case(
        name="the first page again and again under new cursors, and then a null cursor",
        answers={"two": page(content("ab", "more")), "more": page(content("ab", None))},
        verdict=Verdict.FAILS,
        says="begins again",
    ),
]

CONTRADICTIONS = [
    Case(
        name='a null cursor beside `"has_more": true`',
        answers={
            "": page({**content("ab", "two"), "has_more": True}),
            "two": page({**LAST, "has_more": True}),
        },
        verdict=Verdict.FAILS,
        says="has_more",
        source=replace(SOURCE, has_more="has_more"),
    ),
    Case(
        name="a null cursor beside a total of 6, after 4",
        answers={
            "": page({**content("ab", "two"), "total": 6}),
            "two": page({**LAST, "total": 6}),
        },
        verdict=Verdict.FAILS,
        says="6 records",
        source=replace(SOURCE, total="total"),
    ),
    Case(
        name="a total of 2 beside a next cursor, after 4",
        answers={
            "": page({**content("ab", "two"), "total": 2}),
            "two": page({**content("cd", "three"), "total": 2}),
        },
        verdict=Verdict.FAILS,
        says="2 records, and 4 came",
        source=replace(SOURCE, total="total"),
    ),
    Case(
        name='a next cursor beside `"isLast": true`',
        answers={
            "": page({**content("ab", "two"), "isLast": False}),
            "two": page({**content("cd", "three"), "isLast": True}),
        },
        verdict=Verdict.FAILS,
        says="isLast is true",
        source=replace(SOURCE, is_last="isLast"),
    ),
]

BODIES = [
    _passing("a login page with a 200", "not JSON", Answer(SIGN_IN, headers=HTML)),
    _passing("a body cut in the middle", "not JSON", Answer(WHOLE[: len(WHOLE) // 2])),
    _passing(
        "a body cut right after the items", "not JSON", Answer(WHOLE[: WHOLE.index(b"]") + 1])
    ),
    _passing("an empty body", "not JSON", Answer(b"")),
    _passing(
        "a body shorter than announced, whole as JSON",
        "did not answer",
        Answer(
            page(LAST).body,
            headers={**JSON, "content-length": str(len(page(LAST).body) + MISSING_BYTES)},
        ),
    ),
    _failing(
        "a page larger than the limit",
        f"more than {PAGE_BYTES_MAX} bytes",
        {"items": [note("c", "c" * PAGE_BYTES_MAX), note("d")], "next_cursor": "three"},
    ),
]

STATUSES = [
    _failing(
        "a redirect to a login page",
        "redirect",
        Answer(b"", 302, {"location": "?cursor=sign-in"}),
    ),
    _failing(
        "a redirect to JSON that asks to sign in",
        "redirect",
        Answer(b"", 302, {"location": "?cursor=sign-in.json"}),
    ),
    _passing("a 202, not ready yet", "answered 202", page({"error": "not ready"}, 202)),
    _failing("a 204", "answered 204", Answer(b"", 204, {})),
    _failing(
        "a 206, a part of the page",
        "answered 206",
        page(content("c", None), 206, **{"content-range": "items 2-2/6"}),
    ),
    _forgotten("a 400, the cursor is none", 400, "invalid cursor"),
    _forgotten("a 404", 404, "not found"),
    _forgotten("a 410, the cursor is too old", 410, "the cursor has expired"),
    _refused("a 416, the offset is too large", 416, "offset too large"),
    _refused("a 422, the page limit is reached", 422, "only the first page can be read"),
    _passing("a 429, for ever", "answered 429", page({"error": "slow down"}, 429)),
    _passing("a 503 with an empty last page", "answered 503", page(content("", None), 503)),
]

CASES = [*ITEMS, *CURSORS, *CONTRADICTIONS, *TOTALS, *LINKS, *BODIES, *STATUSES, *CHANGES]
