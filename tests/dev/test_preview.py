"""What a preview shows of a connector, and what it never shows."""

import asyncio
import io
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from rich.console import Console
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from dev.kit import check_connector, recorded
from dev.kit.environment import WatchedEnvironment
from dev.loopback import serving
from dev.preview.__main__ import main
from dev.preview.glean import stand_ins
from dev.preview.paper import Paper
from dev.preview.preview import Preview, Wanted
from durable import Bearer, BodyCursor, HttpSource, Secret, Since
from durable.connector.backend_connector import BackendConnector
from durable.connector.definition import AnyConnector
from durable.glean.datasource import Datasource
from durable.http.context import SourceContext
from durable.machine.job import Mode, ReadContext
from durable.sources.backend import Backend
from durable.sources.source import Reader, Records
from tests.fakes.connector import NOTES


TOKEN = "Vb3XqM9tRz6KcY2w"
SOURCE = HttpSource(
    records="items",
    url="https://notes.example/list",
    paging=BodyCursor(),
    auth=Bearer(Secret("NOTES_TOKEN")),
    since=Since(param="updated_since"),
)
CONNECTOR = replace(NOTES, documents=replace(NOTES.documents, source=SOURCE))
NOW_MS = 1_795_514_400_000
FIRST = {
    "items": [{"id": "a", "text": "One"}, {"id": "b", "text": "Two"}],
    "next_cursor": "2",
}
LAST = {"items": [{"id": "c", "text": "Three"}], "next_cursor": None}


class Source(httpx.AsyncBaseTransport):
    """Answers by the cursor, and keeps what it was asked."""

    def __init__(self, **answers: Any) -> None:
        self._answers = {"first": FIRST, "cursor_2": LAST, **answers}
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.url.host != "notes.example":
            return httpx.Response(200, json={"name": "notes"})
        cursor = request.url.params.get("cursor")
        answer = self._answers["first" if cursor is None else f"cursor_{cursor}"]
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)


def shown(
    source: httpx.AsyncBaseTransport,
    connector: AnyConnector = CONNECTOR,
    values: Mapping[str, str] | None = None,
    **wanted: Any,
) -> tuple[bool, str]:
    """Whether all was right, and what was printed."""
    known = {"NOTES_TOKEN": TOKEN, **(values or {})}
    environment = WatchedEnvironment({**known, **stand_ins(known)})
    output = io.StringIO()
    paper = Paper(Console(file=output, width=80, highlight=False, markup=False), environment)
    options = {"mode": Mode.FULL, "limit": 20, "since_ms": NOW_MS - 1_000, "now_ms": NOW_MS}
    preview = Preview(connector, environment, source, paper, Wanted(**{**options, **wanted}))
    is_right = asyncio.run(preview.run())
    return is_right, output.getvalue()


def test_documents_are_shown_one_after_the_other_with_all_fields() -> None:
    is_right, text = shown(Source())

    assert is_right
    assert text.startswith(
        "1. Document a\n"
        "   id             a\n"
        "   objectType     note\n"
        "   permissions    allowAnonymousAccess: true\n"
        "   viewURL        https://notes.example/a\n"
        "   title          One\n"
        "\n"
        "2. Document b\n"
    )
    assert "3 shown; pages read: 2, with records: 3, of which came: 3, rejected: 0" in text
    assert text.endswith("\nNothing was sent to Glean.\n")


def test_no_more_is_read_than_is_to_be_shown() -> None:
    source = Source()

    _, text = shown(source, limit=1)

    assert "1 shown; pages read: 1, with records: 2, of which came: 2" in text
    assert "b\n" not in text
    # The checks, which come after it, look whether a second page follows.
    assert [request.url.params.get("cursor") for request in source.requests] == [None, None, "2"]


def test_a_time_of_change_that_no_record_tells_is_told() -> None:
    timed = replace(
        CONNECTOR,
        documents=replace(
            CONNECTOR.documents,
            source=replace(SOURCE, since=Since(param="updated_since", path="updated")),
        ),
    )

    is_right, text = shown(Source(), timed)

    assert not is_right
    assert "[changes] documents of the FULL job, page 1" in text


def test_of_changes_those_are_shown_that_a_job_since_then_would_read() -> None:
    deleted = {"items": [{"id": "a", "text": "", "is_deleted": True}], "next_cursor": None}
    source = Source(first=deleted)

    is_right, text = shown(source, mode=Mode.INCREMENTAL)

    assert is_right
    assert text.startswith("1. Deletion a\n   id             a\n")
    assert source.requests[0].url.params["updated_since"] == "2026-11-24T09:54:59.000Z"


def test_a_long_text_is_cut() -> None:
    _, text = shown(
        Source(cursor_2={"items": [{"id": "c", "text": "x" * 5_000}], "next_cursor": None})
    )

    assert f"{'x' * 300}... (5000 characters)\n" in text
    assert "x" * 301 not in text


def test_what_a_terminal_would_obey_is_not_printed() -> None:
    evil = {"items": [{"id": "c", "text": "\x1b[2Jgone\x07"}], "next_cursor": None}

    _, text = shown(Source(cursor_2=evil))

    assert "\\x1b[2Jgone\\x07" in text
    assert "\x1b" not in text
    assert "\x07" not in text


def test_records_that_would_be_rejected_are_problems() -> None:
    is_right, text = shown(Source(cursor_2={"items": [{"id": 7}], "next_cursor": None}))

    assert not is_right
    assert "[records] documents of the FULL job, page 2 (cursor '2'), record 1" in text
    assert "the record is not a Note: Expected `str`, got `int` - at `$.id`" in text


def test_what_the_kit_finds_is_a_problem_of_a_live_source_too() -> None:
    is_right, text = shown(
        Source(cursor_2={"items": [{"id": "A", "text": ""}], "next_cursor": None})
    )

    assert not is_right
    assert "[unique ids] documents of the FULL job, page 2 (cursor '2'), record 1" in text


def test_a_source_that_refuses_is_a_problem_with_what_to_do() -> None:
    is_right, text = shown(Source(first=httpx.Response(401, text="no")))

    assert not is_right
    assert "[source] documents of the FULL job, page 1 (the first one)" in text
    assert "the source answered 401, check the secret NOTES_TOKEN: no" in text
    assert "FAILED   source lets us in: the source answered 401" in text


def test_a_source_that_asks_for_a_pause_is_left_alone() -> None:
    source = Source(first=httpx.Response(429, headers={"retry-after": "60"}))

    shown(source)

    assert len(source.requests) == 2  # one of them for the checks


def test_an_error_of_the_authors_own_is_shown_with_its_place() -> None:
    class Broken(httpx.AsyncBaseTransport):
        async def handle_async_request(self, _request: httpx.Request) -> httpx.Response:
            raise KeyError("items")

    is_right, text = shown(Broken())

    assert not is_right
    assert "[source] documents of the FULL job, page 1 (the first one)" in text
    assert 'raise KeyError("items")' in text
    assert "test_preview.py" in text
    assert "FAILED   the source raised KeyError: 'items'" in text


def test_a_secret_is_never_shown() -> None:
    echoing = {
        "items": [{"id": "a", "text": f"Bearer {TOKEN}"}, {"id": 7, "text": TOKEN}],
        "next_cursor": TOKEN,
    }
    source = Source(first=echoing, **{f"cursor_{TOKEN}": httpx.Response(500, text=TOKEN)})

    is_right, text = shown(source)

    assert not is_right
    assert TOKEN not in text
    assert TOKEN[:8] not in text
    assert "title          Bearer ***" in text
    assert "a secret is in the next page's cursor: ***" in text
    assert "the source answered 500: ***" in text


class Unasked(Reader):
    async def fetch(self, cursor: str | None, crawl: ReadContext) -> Records:
        raise AssertionError(f"asked for {cursor} of {crawl}")


def test_a_backend_is_not_asked_since_that_begins_a_crawl() -> None:
    class Delegated(Backend, frozen=True):
        def reader(self, _context: SourceContext) -> Unasked:  # type: ignore[override]
            return Unasked()

    connector = BackendConnector(name="b", datasource=Datasource("b"), backend=Delegated())

    is_right, text = shown(Source(), connector, {"CONNECTOR_API_URL": "https://notes.example"})

    assert is_right
    assert text.startswith("documents: a backend brings them to Glean, and is not asked here\n")


def test_glean_is_left_alone_where_its_secrets_are_not_known() -> None:
    source = Source()

    _, text = shown(source)

    assert {request.url.host for request in source.requests} == {"notes.example"}
    lines = [line for line in text.splitlines() if line.startswith("SKIPPED")]
    assert len(lines) == 3
    assert {line.partition(": ")[2] for line in lines} == {
        "not asked: GLEAN_INDEXING_API_TOKEN and GLEAN_SERVER_URL are not both in .dev.vars"
    }


def test_glean_is_asked_for_its_datasource_where_they_are_and_sent_nothing() -> None:
    source = Source()
    secrets = {"GLEAN_INSTANCE": "acme", "GLEAN_INDEXING_API_TOKEN": "glean's"}

    is_right, text = shown(source, values=secrets)

    of_glean = [request for request in source.requests if request.url.host != "notes.example"]
    assert is_right
    assert "PASSED   datasource configured" in text
    assert [request.url.path for request in of_glean] == ["/api/index/v1/getdatasourceconfig"]


def test_what_was_recorded_passes_the_kit(tmp_path: Path) -> None:
    file = tmp_path / "recorded" / "notes.json"
    source = replace(SOURCE, url="${NOTES_URL}/list", params={"key": "a b"})
    connector = replace(NOTES, documents=replace(NOTES.documents, source=source))
    values = {"NOTES_URL": "https://notes.example"}
    link = {"items": [{"id": "c", "text": "https://notes.example/c"}], "next_cursor": None}
    since_ms = 1_795_478_400_000

    for mode in Mode:
        shown(Source(cursor_2=link), connector, values, mode=mode, record=file, since_ms=since_ms)

    text = file.read_text()
    assert "https://notes.example" not in text
    assert TOKEN not in text
    assert '"text": "${NOTES_URL}/c"' in text
    report = check_connector(connector, recorded(file), since_ms=since_ms)
    assert [document.id for document in report.documents] == ["a", "b", "c"]
    assert report.documents[2].title == "https://notes-url.example/c"
    with pytest.raises(AssertionError, match=r"GET \$\{NOTES_URL\}/list\?key=a b"):
        check_connector(connector, {"GET ${NOTES_URL}/list": FIRST})


def test_a_recording_that_has_no_end_says_so(tmp_path: Path) -> None:
    _, text = shown(Source(), limit=1, record=tmp_path / "notes.json")

    assert "The kit reads to the end: raise LIMIT, or end the last answer by hand" in text


# The command.


async def listed(request: Request) -> JSONResponse:
    if request.headers.get("authorization") != f"Bearer {TOKEN}":
        return JSONResponse({"error": "who are you?"}, 401)
    return JSONResponse(LAST if "cursor" in request.query_params else FIRST)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(Starlette(routes=[Route("/list", listed)])) as served:
        yield served


MODULE = """
from msgspec.structs import replace
from durable import Bearer, BodyCursor, HttpSource, Secret
from durable.glean import Datasource
from tests.fakes.connector import NOTES

SOURCE = HttpSource(
    url="${NOTES_URL}/list",
    records="items",
    paging=BodyCursor(),
    auth=Bearer(Secret("NOTES_TOKEN")),
)
connector = replace(NOTES, documents=replace(NOTES.documents, source=SOURCE))
"""


@pytest.fixture
def package(tmp_path: Path) -> Iterator[ModuleType]:
    """Of one connector, in a project with a wrangler.toml and nothing else."""
    (tmp_path / "connectors").mkdir()
    (tmp_path / "connectors/notes.py").write_text(MODULE)
    (tmp_path / "wrangler.toml").write_text("")
    package = ModuleType("previewed_connectors")
    package.__path__ = [str(tmp_path / "connectors")]
    sys.modules[package.__name__] = package
    yield package
    for name in [name for name in sys.modules if name.startswith(package.__name__)]:
        del sys.modules[name]


def test_the_command_reads_the_live_source_with_the_secrets_of_dev_vars(
    package: ModuleType, tmp_path: Path, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "wrangler.toml").write_text(f'[vars]\nNOTES_URL = "{url}"\n')
    (tmp_path / ".dev.vars").write_text(f"NOTES_TOKEN={TOKEN}\n")

    status = main(["--connector", "notes", "--limit", "3"], package, tmp_path)

    printed = capsys.readouterr()
    assert (status, printed.err) == (0, "")
    assert "3. Document c" in printed.out
    assert TOKEN not in printed.out


def test_problems_are_the_commands_status(
    package: ModuleType, tmp_path: Path, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".dev.vars").write_text(f"NOTES_TOKEN=wrong\nNOTES_URL={url}\n")

    assert main([], package, tmp_path) == 1
    assert "the source answered 401, check the secret NOTES_TOKEN" in capsys.readouterr().out


def test_whatever_is_missing_is_told_at_once_with_what_to_do(
    package: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--connector", "notes"], package, tmp_path) == 1

    variable, secret, file = capsys.readouterr().err.splitlines()
    assert variable == (
        'preview: the variable NOTES_URL is not set: add NOTES_URL = "..." to [vars] in '
        "wrangler.toml, or the line NOTES_URL=... to .dev.vars"
    )
    assert secret == (
        "preview: the secret NOTES_TOKEN is not in .dev.vars: add the line NOTES_TOKEN=..."
    )
    assert file == (
        "preview: there is no .dev.vars: make it beside wrangler.toml; git passes it over"
    )


def test_a_connector_that_is_not_there_is_told_beside_those_that_are(
    package: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "connectors/broken.py").write_text("import not_there")

    assert main(["--connector", "broken"], package, tmp_path) == 1

    told, fault = capsys.readouterr().err.splitlines()
    assert told == "preview: there is no connector 'broken'; there are: notes"
    assert fault.startswith("preview: previewed_connectors/broken.py, line 1: it cannot be")


def test_of_several_connectors_one_has_to_be_named(
    package: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = MODULE + "connector = replace(connector, name='other', datasource=Datasource('b'))\n"
    (tmp_path / "connectors/other.py").write_text(other)

    assert main([], package, tmp_path) == 1
    assert (
        "say which connector, with CONNECTOR=; there are: notes, other" in capsys.readouterr().err
    )


def test_a_value_that_is_not_right_is_told_without_it(
    package: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = f"NOTES_TOKEN='{TOKEN}\tä'\nNOTES_URL=https://notes.example\n"
    (tmp_path / ".dev.vars").write_text(text, encoding="utf-8")

    assert main([], package, tmp_path) == 1

    told = capsys.readouterr().err
    assert "preview: the secret NOTES_TOKEN has a line break or a character" in told
    assert TOKEN not in told


@pytest.mark.parametrize("arguments", [["--mode", "SOME"], ["--limit", "x"], ["--since", "today"]])
def test_a_wrong_argument_is_refused(arguments: list[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments, root=tmp_path)

    assert ended.value.code == 2
