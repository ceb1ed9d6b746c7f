"""Ends that a source tells wrongly: by numbers, by links, by pages that are empty."""

from collections.abc import Sequence

from msgspec.structs import replace

from dev.truncation.case import IDS, SOURCE, Answer, Case, Verdict, content, page
from durable.http.error_rules import Action, Rule
from durable.sources.paging.cursors import NextUrl
from durable.sources.paging.keyset import Keyset
from durable.sources.paging.link_header import LinkHeader
from durable.sources.paging.offset import OffsetPaging, PageNumber
from durable.sources.paging.one_page import OnePage


OFFSETS = replace(SOURCE, paging=OffsetPaging(param="cursor", size=2))
COUNTED = replace(OFFSETS, total="total")


def _at_offsets(ids: str = IDS, **told: Sequence[object]) -> dict[str, Answer]:
    """Pages of two by their offset, which the SDK is told as a cursor. A space is no record."""
    answers: dict[str, Answer] = {}
    for index, at in enumerate(range(0, len(ids) + 2, 2)):
        some, after = ids[at : at + 2].replace(" ", ""), str(at + 2) if at + 2 < len(ids) else None
        more = {name: values[min(index, len(values) - 1)] for name, values in told.items()}
        answers[str(at)] = page({**content(some, after), **more})
    return {**answers, "": answers["0"]}


def _by_number(pages: int) -> dict[str, Answer]:
    contents = {1: content("ab", "2"), 2: content("cd", "3"), 3: content("ef", None)}
    answers = {str(at): page({**one, "pages": pages}) for at, one in contents.items()}
    return {**answers, "": answers["1"]}


def _miscounted(name: str, *totals: int, says: str) -> Case:
    answers = _at_offsets(total=totals)
    return Case(name=name, answers=answers, verdict=Verdict.FAILS, says=says, source=COUNTED)


TOTALS = [
    _miscounted("a total of 0, at offsets", 6, 0, says="it has 0 records, and 4 came"),
    _miscounted("a total of -1, at offsets", 6, -1, says="it has -1 records, and 4 came"),
    _miscounted("a total that is that of the page", 2, says="it has 2 records, and 4 came"),
    _miscounted("a total that is capped at 4", 4, says="it has 4 records, and 6 came"),
    _miscounted("a total that shrinks to 4", 6, 4, says="it has 4 records, and 6 came"),
    _miscounted("a total that is an estimate, of 9", 9, says="is empty, and it says"),
    Case(
        name="the number of pages as 1",
        answers=_by_number(pages=1),
        verdict=Verdict.FAILS,
        says="it has 1 pages, and 2 came",
        source=replace(SOURCE, paging=PageNumber(param="cursor", size=2, total_pages="pages")),
    ),
    Case(
        name="the last of 3 pages, and empty, as the first one has the number 0",
        answers={
            at: page({**content(ids, after), "pages": 3})
            for at, ids, after in [("", "ab", "1"), ("1", "cd", "2"), ("2", "ef", None)]
        }
        | {"3": page({**content("", None), "pages": 3})},
        verdict=Verdict.FAILS,
        says="the first one has another number",
        source=replace(SOURCE, paging=PageNumber(param="cursor", size=2, total_pages="pages")),
    ),
    Case(
        name="a page of one, and the page after it is full, and the one after that a 404",
        answers={
            at: page(content(ids, after))
            for at, ids, after in [("", "ab", "2"), ("1", "ab", "2"), ("2", "c", "3")]
        }
        | {"3": page(content("de", "4")), "4": page({"error": "out of range"}, 404)},
        verdict=Verdict.FAILS,
        says="the page before it was not short",
        source=replace(
            SOURCE,
            paging=PageNumber(param="cursor", size=2),
            rules=(Rule(status=404, then=Action.END),),
        ),
    ),
    Case(
        name="asked for after a time that several records share",
        answers={"": page(content("ab", "five")), "five": page(content("ef", None))},
        verdict=Verdict.FAILS,
        says="several of the source's records have the updated_at",
        source=replace(SOURCE, paging=Keyset(path="updated_at", param="cursor")),
    ),
    Case(
        name="never asked for, as the first one has the two records of its `limit` and no next",
        answers={"": page({"items": content("ab", None)["items"]})},
        verdict=Verdict.FAILS,
        says="as many as were asked for",
        source=replace(SOURCE, paging=OnePage(), params={"limit": "2"}),
    ),
    Case(
        name="an empty page at an offset, and a total of 6",
        answers=_at_offsets("ab  ef", total=[6]),
        verdict=Verdict.FAILS,
        says="is empty, and it says that there is more",
        source=COUNTED,
    ),
    Case(
        name="a page of one, and a next link that goes on by two as was asked for",
        answers={
            "": page({**content("ab", None), "next": "?limit=2&cursor=2"}),
            "2": page({**content("c", None), "next": "?limit=2&cursor=4"}),
        },
        verdict=Verdict.FAILS,
        says="2 further on as was asked for, after a page of 1",
        source=replace(SOURCE, paging=NextUrl(size=2)),
    ),
]


def _linked(name: str, form: str, verdict: Verdict, says: str = "") -> Case:
    """The header Link in some form, on page 1 and on page 2."""
    pages = {"": ("ab", "two"), "two": ("cd", "three")}
    answers = {
        at: page(content(ids, after), link=form.replace("next.page", f"?cursor={after}"))
        for at, (ids, after) in pages.items()
    }
    answers["three"] = page(content("ef", None), link='<?>; rel="first"')
    source = replace(SOURCE, paging=LinkHeader())
    return Case(name=name, answers=answers, verdict=verdict, says=says, source=source)


LINKS = [
    _linked("a header Link in single quotes", "<next.page>; rel='next'", Verdict.GOES_ON),
    _linked("a header Link with `rel*`", "<next.page>; rel*=UTF-8''next", Verdict.GOES_ON),
    _linked(
        "a header Link with a URI for its rel",
        '<next.page>; rel="https://api.example/rels/next"',
        Verdict.GOES_ON,
    ),
    _linked(
        "a header Link with `next-page` for its rel",
        '<next.page>; rel="next-page"',
        Verdict.FAILS,
        "declared as 'next-page'",
    ),
    _linked(
        "a header Link in quotes of another kind",
        "<next.page>; rel=`next`",
        Verdict.FAILS,
        "header Link is not right",
    ),
]
