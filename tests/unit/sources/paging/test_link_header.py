"""Paging by links: the header Link, and OData's."""

from contextlib import suppress
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable.errors import Cause, ConfigurationError, UpstreamError
from durable.sources.http import HttpSource
from durable.sources.paging.link_header import LinkHeader, links
from durable.sources.paging.odata import OData
from tests.fakes.errors import caused_by
from tests.fakes.network import Network
from tests.fakes.paged import URL, Server, check_resumes, counts, items, sizes, some
from tests.fakes.source import page_of


LIST = HttpSource(url=f"{URL}?space=A", records="", paging=LinkHeader(size=5))


def link_server(count: int, size: int, *, is_bare: bool) -> Server:
    """As GitHub does it; bare, the last page has no header at all."""

    def answer(request: httpx.Request) -> httpx.Response:
        start = int(request.url.params.get("at", 0))
        named = [f'<?at={start + size}>; rel="next"'] if start + size < count else []
        named += [f'<?at={start - size}>; rel="prev"'] if start and not is_bare else []
        headers = {"link": ", ".join(named)} if named else {}
        return httpx.Response(200, json=items(count)[start : start + size], headers=headers)

    return answer


@pytest.mark.parametrize("is_bare", [False, True])
@some
@given(count=counts, size=sizes)
def test_the_header_link_leads_through_the_list(*, count: int, size: int, is_bare: bool) -> None:
    source = HttpSource(url=URL, records="", paging=LinkHeader(bare_page_ends=is_bare))

    check_resumes(source, link_server(count, size, is_bare=is_bare), items(count))


def test_a_later_page_without_the_header_is_no_end_unless_that_is_declared() -> None:
    server = link_server(9, 5, is_bare=True)

    with pytest.raises(UpstreamError, match="bare_page_ends=True", check=caused_by(Cause.BAD_LINK)):
        check_resumes(LIST, server, items(9))


def next_page(*headers: str, cursor: str | None = None) -> str | None:
    lines = [("Link", header) for header in headers]
    network = Network(httpx.Response(200, json=[], headers=lines))
    return page_of(LIST, network, cursor).next_cursor


NEXT = "https://notes.example/list?page=2"


@pytest.mark.parametrize(
    "header",
    [
        f'<{NEXT}>; rel="next"',
        f"<{NEXT}>;rel=next",
        f"<{NEXT}>; REL=Next",
        f'<{NEXT}> ; rel = "next"',
        f'<{NEXT}>; rel="prev NEXT last"',
        f'<{NEXT}>; title="a, b; c=\\"d\\" <x>"; rel="next"',
        f'<{NEXT}>; rel="next"; title="x"; rel="prev"',
        f'<{NEXT}>; rel="next"; ',
        f'<{NEXT}>; crossorigin; rel="next"',
        f'<{NEXT}>; rel="next", <https://notes.example/x,y;z>; rel="last"',
        f', ,<https://notes.example/x>; rel="prev",, <{NEXT}>; rel="next",',
        f'<{NEXT}>; rel="next", <{NEXT}>; rel="next"',
        f"<{NEXT}>; rel='next'",
        f"<{NEXT}>; title='a, b; c'; rel='prev next'",
        f"<{NEXT}>; rel=UTF-8''x; rel*=UTF-8''next",
        f"<{NEXT}>; rel*=utf-8'en'n%65xt; title*=UTF-8''%e2%82%ac",
        f'<{NEXT}>; rel="http://api.example/rels/next"',
        f'<{NEXT}>; rel="https://api.example/rels#next start"',
        f'</x>; rel="http://api.example/rels/next", <{NEXT}>; rel="next"',
        f'< {NEXT} >; rel="next"',
        f'<{NEXT}>; rel="next"; results="true"; cursor="0:100:0"',
        '<?page=2>; rel="next"',
        '<list?page=2>; rel="next"',
        '<//notes.example/list?page=2>; rel="next"',
    ],
)
def test_a_link_is_read_as_the_rfc_has_it(header: str) -> None:
    assert next_page(header) == NEXT


def test_links_may_be_in_several_headers() -> None:
    assert next_page('</x>; rel="prev"', f'<{NEXT}>; rel="next"') == NEXT


@pytest.mark.parametrize(
    "header",
    [
        f'<{NEXT}>; rel="prev"',
        f'<{NEXT}>; rel="following"',
        f'<{NEXT}>; rel="prev"; rel="next"',
        f'<{NEXT}>; title="rel=next"; rel=last',
        f'<{NEXT}>; title="; rel=next"',
        f'<{NEXT}>; rev="next"',
        f'<{NEXT}>; rel="next"; results="false"; cursor="0:100:0"',
        f'<{NEXT}>; rel="http://api.example/rels/next/of/kin"',
        f"<{NEXT}>",
        "",
    ],
)
def test_another_link_is_not_the_next_page(header: str) -> None:
    assert next_page(header, cursor=NEXT) is None


@pytest.mark.parametrize(
    ("header", "cause"),
    [
        ("next", Cause.BAD_LINK),
        (f'<{NEXT}>; rel="nextpage"', Cause.BAD_LINK),
        (f'<{NEXT}>; rel="first next-page"', Cause.BAD_LINK),
        (f'<{NEXT}>; rel="https://api.example/rels/page-next"', Cause.BAD_LINK),
        (f'{NEXT}; rel="next"', Cause.BAD_LINK),
        (f'<{NEXT}; rel="next"', Cause.BAD_LINK),
        (f'<{NEXT}>; rel="next', Cause.BAD_LINK),
        (f'<{NEXT}> rel="next"', Cause.BAD_LINK),
        (f'<{NEXT}>; rel="next" x', Cause.BAD_LINK),
        (f"<{NEXT}>; rel='next", Cause.BAD_LINK),
        (f"<{NEXT}>; rel=`next`", Cause.BAD_LINK),
        (f"<{NEXT}>; rel=(next)", Cause.BAD_LINK),
        (f'<{NEXT}>; rel="\\"next\\""', Cause.BAD_LINK),
        (f"<{NEXT}>; rel*=next", Cause.BAD_LINK),
        (f'<{NEXT}>; rel="next"; anchor="#a"', Cause.BAD_LINK),
        ('</a>; rel="next", </b>; rel="next"', Cause.BAD_LINK),
        ('<https://evil.example/>; rel="next"', Cause.BAD_LINK),
        (f'<{NEXT}>; rel="next"', Cause.BAD_CURSOR),
    ],
)
def test_a_header_that_does_not_tell_is_refused(header: str, cause: Cause) -> None:
    with pytest.raises(UpstreamError, check=caused_by(cause)):
        next_page(header, cursor=NEXT)


words = st.text(st.sampled_from('abc <>",;=\\ \t\u00e9'), max_size=12)


@given(title=words)
def test_whatever_is_quoted_hides_no_link(title: str) -> None:
    quoted = title.replace("\\", "\\\\").replace('"', '\\"')

    found = list(links(f'</a>; title="{quoted}"; rel="prev", </b>; rel=next'))

    assert found == [("/a", frozenset({"prev"})), ("/b", frozenset({"next"}))]


@given(header=st.text(st.sampled_from('</a>;,= "\\relnxt'), max_size=40))
def test_any_header_is_read_or_refused(header: str) -> None:
    with suppress(UpstreamError):
        assert len(list(links(header))) <= header.count("<")


def test_the_size_is_asked_for_with_the_first_page_only() -> None:
    network = Network(
        httpx.Response(200, json=[]), httpx.Response(200, json=[], headers={"link": ""})
    )

    page_of(LIST, network)
    page_of(LIST, network, NEXT)

    assert [str(request.url) for request in network.requests] == [
        f"{URL}?space=A&per_page=5",
        NEXT,
    ]


# OData


TABLE = HttpSource(url=URL, records="value", paging=OData(size=50), params={"$select": "id"})


@some
@given(count=counts, size=sizes)
def test_a_next_link_leads_through_the_list(count: int, size: int) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["prefer"] == "odata.maxpagesize=50"
        assert len(request.url.params) == 1  # a link has what the first page was asked with
        start = int(request.url.params.get("$skiptoken", 0))
        more = {"@odata.nextLink": f"{URL}?$skiptoken={start + size}"}
        told = more if start + size < count else {}
        content = {"@odata.context": "x", "value": items(count)[start : start + size], **told}
        return httpx.Response(200, json=content)

    check_resumes(TABLE, answer, items(count))


@pytest.mark.parametrize(
    ("told", "cause"),
    [
        ({"@odata.nextLink": ""}, Cause.BAD_CURSOR),
        ({"@odata.nextLink": 7}, Cause.UNREADABLE),
        ({"@odata.nextLink": "https://evil.example/"}, Cause.BAD_LINK),
    ],
)
def test_a_next_link_that_is_none_is_refused(told: dict[str, Any], cause: Cause) -> None:
    with pytest.raises(UpstreamError, check=caused_by(cause)):
        page_of(TABLE, Network(httpx.Response(200, json={"value": [], **told})))


@pytest.mark.parametrize(
    ("declare", "fault"),
    [
        (lambda: LinkHeader(rel=""), "LinkHeader: rel='' is not right"),
        (lambda: LinkHeader(size=0), "LinkHeader: size=0"),
        (lambda: OData(path=""), "OData: path=''"),
        (lambda: OData(size=0), "OData: size=0"),
        (
            lambda: HttpSource(
                records="items", url=URL, paging=OData(size=5), headers={"Prefer": "x"}
            ),
            "size=5 goes into the header Prefer",
        ),
        (
            lambda: HttpSource(
                records="items", url=URL, paging=LinkHeader(size=5), params={"per_page": "9"}
            ),
            "'per_page' is in the source's params too",
        ),
    ],
)
def test_a_declaration_that_is_not_right_is_refused(declare: Any, fault: str) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        declare()
