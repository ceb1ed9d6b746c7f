"""The URL of another page, made of the request for this one."""

from collections.abc import Mapping

from starlette.requests import Request


def link(request: Request, changes: Mapping[str, str], *, is_relative: bool = False) -> str:
    """The URL that was asked for, with other parameters.

    Args:
        request: without an API key: a link is kept by clients, and a key is not to be.
        changes: of its parameters.
        is_relative: without the scheme and the server.
    """
    url = request.url.remove_query_params("api_key").include_query_params(**changes)
    return f"{url.path}?{url.query}" if is_relative else str(url)


def link_header(request: Request, cursor: str | None, *, is_relative: bool = False) -> str:
    """The header Link of RFC 8288, with whatever a parser may stumble over.

    Args:
        request: for this page.
        cursor: of the next page; None: there is none.
        is_relative: as for `link`.
    """
    first = link(request, {"cursor": ""}, is_relative=is_relative)
    links = [f'<{first}>; rel=first; title="the start, again; not <b>; rel=\\"next\\""']
    if cursor is not None:
        url = link(request, {"cursor": cursor}, is_relative=is_relative)
        links.append(f'<{url}>; type="application/json"; REL="prefetch Next"; hreflang=en')
    return ", ".join((*links, f"<{first}>; rel=up"))
