import asyncio

import httpx
import pytest
from msgspec.structs import replace

from durable.connector.definition import AnyConnector
from durable.engine.checks import Check, CheckOutcome, Checks
from durable.environment import Secret
from durable.glean.datasource import Datasource
from durable.glean.object_types import Category
from durable.http.auth import Bearer
from durable.limits import Limits
from durable.machine.memory import Lease
from durable.machine.remedies import Remedy, RemedyCode
from durable.sources.http import HttpSource
from durable.sources.paging.cursors import BodyCursor
from durable.views.texts import to_message
from tests.fakes.answers import a_note, a_page, a_page_of
from tests.fakes.bench import NOW_MS, SET
from tests.fakes.connector import NOTES
from tests.fakes.environment import an_environment
from tests.fakes.host import a_host
from tests.fakes.network import Network


CONFIG = httpx.Response(200, json={"name": "CUSTOM_NOTES"})
CONFIG_PATH = "/api/index/v1/getdatasourceconfig"
PASSED, FAILED, SKIPPED = CheckOutcome.PASSED, CheckOutcome.FAILED, CheckOutcome.SKIPPED
SECRETIVE = replace(
    NOTES,
    documents=replace(
        NOTES.documents,
        source=HttpSource(
            records="items",
            url="https://notes.example/list",
            paging=BodyCursor(),
            auth=Bearer(Secret("NOTES_TOKEN")),
        ),
    ),
)


def checks(network: Network, connector: AnyConnector = NOTES, **variables: str) -> list[Check]:
    host = a_host(network)
    environment = an_environment(**{**SET, **variables})
    return asyncio.run(Checks(connector, environment, host).run())


def outcomes(found: list[Check]) -> list[CheckOutcome]:
    return [check.outcome for check in found]


def test_a_connector_that_works_passes_every_check() -> None:
    network = Network(a_page("a", "b", next_cursor="2"), a_page("c"), CONFIG)

    found = checks(network)

    assert [(check.name, check.outcome) for check in found] == [
        ("configured", PASSED),
        ("source reachable", PASSED),
        ("source lets us in", PASSED),
        ("first page decodes", PASSED),
        ("a second page follows", PASSED),
        ("records become what Glean takes", PASSED),
        ("Glean reachable", PASSED),
        ("token good for the datasource", PASSED),
        ("datasource configured", PASSED),
    ]
    assert network.requests[1].url.params["cursor"] == "2"


def test_a_source_is_not_read_where_others_pages_take_up_the_memory() -> None:
    network = Network(CONFIG)
    host = a_host(network)
    bound = Limits().isolate_bytes_max
    host.memory.ask(Lease("another connector"), bound, bound, NOW_MS)

    found = asyncio.run(Checks(NOTES, an_environment(**SET), host).run())

    assert outcomes(found) == [PASSED, SKIPPED, PASSED, PASSED, PASSED]
    assert network.lines == [f"POST {CONFIG_PATH}"]


@pytest.mark.parametrize("is_good", [True, False])
def test_a_check_gives_back_the_memory_that_it_had(*, is_good: bool) -> None:
    network = Network(a_page("a") if is_good else httpx.ReadError("cut"), CONFIG)
    host = a_host(network)

    asyncio.run(Checks(NOTES, an_environment(**SET), host).run())

    assert host.memory.held_bytes(NOW_MS) == 0


def test_nothing_is_sent_to_glean_but_a_question() -> None:
    network = Network(a_page("a"), CONFIG)

    checks(network)

    assert network.lines == ["GET /list", f"POST {CONFIG_PATH}"]


def test_what_is_not_set_is_named_and_nothing_is_asked() -> None:
    network = Network()

    (check,) = checks(network, SECRETIVE)

    assert (check.name, check.outcome) == ("configured", FAILED)
    assert "npx wrangler secret put NOTES_TOKEN" in check.detail
    assert network.requests == []


@pytest.mark.parametrize(
    ("answer", "passed_count", "detail"),
    [
        (httpx.ConnectError("refused"), 1, "did not answer"),
        (httpx.Response(401), 2, "check the secret NOTES_TOKEN"),
        (httpx.Response(403), 2, "check the secret NOTES_TOKEN"),
        (httpx.Response(500), 3, "answered 500"),
        (httpx.Response(200, text="<html>"), 3, "not JSON"),
    ],
    ids=["unreachable", "401", "403", "500", "no JSON"],
)
def test_the_first_thing_that_fails_is_told_and_what_needs_it_is_skipped(
    answer: httpx.Response | Exception, passed_count: int, detail: str
) -> None:
    found = checks(Network(answer, CONFIG), SECRETIVE, NOTES_TOKEN="t0p-secret")

    of_source = outcomes(found)[:6]
    assert of_source == [PASSED] * passed_count + [FAILED] + [SKIPPED] * (5 - passed_count)
    assert detail in found[passed_count].detail
    assert outcomes(found)[6:] == [PASSED] * 3


def test_one_page_has_no_second() -> None:
    found = checks(Network(a_page("a"), CONFIG))

    assert (found[4].name, found[4].outcome) == ("a second page follows", SKIPPED)


def test_a_second_page_that_cannot_be_had_is_told() -> None:
    found = checks(Network(a_page("a", next_cursor="2"), httpx.Response(400), CONFIG))

    assert (found[4].outcome, found[5].outcome) == (FAILED, PASSED)
    assert "answered 400" in found[4].detail


def test_records_that_would_be_rejected_are_named_with_their_reason() -> None:
    page = a_page_of([a_note("a"), {"id": "b", "text": 7}, {"id": "c"}])

    check = checks(Network(page, CONFIG))[5]

    assert check.outcome is FAILED
    assert check.detail.startswith("2 of 3 records would be rejected, as record 2 (b)")


def test_an_empty_page_tells_nothing_of_the_mapping() -> None:
    assert checks(Network(a_page(), CONFIG))[5].outcome is SKIPPED


def test_a_check_that_finds_no_room_keeps_none_from_jobs() -> None:
    host = a_host(Network(CONFIG))
    bound, other, job = Limits().isolate_bytes_max, Lease("another connector"), Lease("a job")
    host.memory.ask(other, bound, bound, NOW_MS)
    asyncio.run(Checks(NOTES, an_environment(**SET), host).run())
    host.memory.give_back(other)

    assert host.memory.ask(job, bound, bound, NOW_MS) == 0


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (httpx.ConnectError("refused"), [FAILED, SKIPPED, SKIPPED]),
        (httpx.Response(401), [PASSED, FAILED, SKIPPED]),
        (httpx.Response(400, text="invalid datasource"), [PASSED, PASSED, FAILED]),
        (httpx.Response(200, html="<html>Sign in</html>"), [FAILED, SKIPPED, SKIPPED]),
        (httpx.Response(400, html="<html>Bad gateway</html>"), [FAILED, SKIPPED, SKIPPED]),
        (httpx.Response(200, text="Sign in"), [FAILED, SKIPPED, SKIPPED]),
    ],
    ids=["unreachable", "token", "datasource", "a login page", "a proxy's 400", "no JSON"],
)
def test_what_is_wrong_with_glean_is_told(
    answer: httpx.Response | Exception, expected: list[CheckOutcome]
) -> None:
    assert outcomes(checks(Network(a_page("a"), answer)))[6:] == expected


def test_a_datasource_that_is_not_as_it_is_declared_is_told_with_the_remedy() -> None:
    declared = Datasource("notes", category=Category.TICKETS, url_regex="https://notes.example/.*")
    connector = replace(NOTES, datasource=declared)
    config = httpx.Response(200, json={"name": "CUSTOM_NOTES", "datasourceCategory": "CRM"})

    check = checks(Network(a_page("a"), config), connector)[-1]

    assert (check.name, check.outcome) == ("datasource configured", FAILED)
    assert "category is 'CRM' in Glean" in check.detail
    assert check.remedy == to_message(Remedy(RemedyCode.SET_UP, {"connector": "notes"}))


@pytest.mark.parametrize(
    ("answer", "is_remedy"),
    [
        (httpx.Response(400, text="invalid datasource"), True),
        (httpx.Response(401), False),
        (httpx.Response(500), False),
        (httpx.ConnectError("refused"), False),
    ],
    ids=["unknown", "token", "unwell", "unreachable"],
)
def test_a_datasource_that_glean_does_not_know_is_set_up_if_it_is_declared(
    answer: httpx.Response | Exception, *, is_remedy: bool
) -> None:
    declared = Datasource("notes", category=Category.TICKETS, url_regex="https://notes.example/.*")
    connector = replace(NOTES, datasource=declared)

    found = checks(Network(a_page("a"), answer), connector)[6:]

    (failed,) = [check for check in found if check.outcome is FAILED]
    assert (failed.remedy is not None) == is_remedy
    assert sum(check.remedy is not None for check in found) == is_remedy


def test_a_datasource_that_is_only_named_is_not_to_be_set_up() -> None:
    unknown = httpx.Response(400, text="invalid datasource")

    check = checks(Network(a_page("a"), unknown))[-1]

    assert check.outcome is FAILED
    assert "/setup" not in check.detail


def test_no_secret_is_in_what_is_told() -> None:
    quoting = httpx.Response(401, text="the token t0p-secret is wrong")

    found = checks(Network(quoting, CONFIG), SECRETIVE, NOTES_TOKEN="t0p-secret")

    assert "t0p-secret" not in str(found)
    assert "the token *** is wrong" in str(found)
