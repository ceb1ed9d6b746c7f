import asyncio
from typing import Any

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from durable.engine.provision import Provision
from durable.glean.datasource import Datasource, definition
from durable.glean.differences import Provisioned, Unprovisioned
from durable.glean.object_types import Category, ObjectType
from durable.machine.commands import RefusalCode
from durable.machine.remedies import Remedy, RemedyCode
from tests.fakes.bench import SET
from tests.fakes.connector import NOTES
from tests.fakes.environment import an_environment
from tests.fakes.host import a_host
from tests.fakes.network import Network


CONFIG = "POST /api/index/v1/getdatasourceconfig"
ADD = "POST /api/index/v1/adddatasource"
DECLARED = Datasource(
    "notes",
    category=Category.TICKETS,
    url_regex="https://notes.example/.*",
    object_types=(ObjectType("note"),),
)
AS_DECLARED = {**definition(DECLARED), "name": "CUSTOM_NOTES"}


def unknown() -> httpx.Response:
    return httpx.Response(400, text="invalid datasource")


def provision(network: Network, datasource: Datasource = DECLARED, **variables: str) -> Provision:
    host = a_host(network)
    connector = replace(NOTES, datasource=datasource)
    return Provision(connector, an_environment(**{**SET, **variables}), host)


def found(network: Network, datasource: Datasource = DECLARED) -> Provisioned:
    shown = asyncio.run(provision(network, datasource).found())
    assert isinstance(shown, Provisioned), shown
    return shown


def in_glean(**fields: Any) -> httpx.Response:
    return httpx.Response(200, json={**AS_DECLARED, **fields})


def sent(network: Network) -> dict[str, Any]:
    body: dict[str, Any] = msgspec.json.decode(network.requests[-1].content)
    return body


def test_a_datasource_that_is_as_declared_has_no_differences() -> None:
    network = Network(in_glean(iconUrl="https://notes.example/icon.svg"))

    shown = found(network)

    assert shown == Provisioned(datasource="notes", is_declared=True, exists=True, differences=[])
    assert network.lines == [CONFIG]


def test_what_glean_has_otherwise_is_shown_with_both_values() -> None:
    (difference,) = found(Network(in_glean(urlRegex=".*"))).differences

    assert (difference.field, difference.declared, difference.actual) == (
        "url_regex",
        "https://notes.example/.*",
        ".*",
    )


def test_a_datasource_that_glean_does_not_have_differs_in_everything() -> None:
    shown = found(Network(unknown()))

    assert not shown.exists
    assert {difference.field for difference in shown.differences} >= {"category", "url_regex"}


def test_a_datasource_that_is_only_named_has_nothing_to_compare() -> None:
    shown = found(Network(in_glean()), Datasource("notes"))

    assert (shown.is_declared, shown.differences) == (False, [])


def test_setting_up_sends_what_is_declared_and_keeps_what_was_set_by_hand() -> None:
    kinds = [{"name": "memo"}, {"name": "note", "docCategory": "CRM"}]
    fields = {"urlRegex": ".*", "iconUrl": "by hand", "objectDefinitions": kinds}
    network = Network(in_glean(**fields), httpx.Response(200))
    count = len(found(Network(in_glean(**fields))).differences)

    before = asyncio.run(provision(network).set_up(count))

    assert isinstance(before, Provisioned), before
    assert network.lines == [CONFIG, ADD]
    body = sent(network)
    assert (body["name"], body["urlRegex"]) == ("notes", "https://notes.example/.*")
    assert body["iconUrl"] == "by hand"
    assert [kind["name"] for kind in body["objectDefinitions"]] == ["memo", "note"]


def test_a_new_datasource_is_set_up() -> None:
    network = Network(unknown(), httpx.Response(200))
    count = len(found(Network(unknown())).differences)

    before = asyncio.run(provision(network).set_up(count))

    assert isinstance(before, Provisioned), before
    assert sent(network) == definition(DECLARED)


def test_nothing_is_sent_where_nothing_differs() -> None:
    network = Network(in_glean())

    assert isinstance(asyncio.run(provision(network).set_up(0)), Provisioned)
    assert network.lines == [CONFIG]


def test_differences_that_nobody_has_seen_are_not_made_away_with() -> None:
    network = Network(in_glean(urlRegex=".*"))

    refusal = asyncio.run(provision(network).set_up(0))

    assert isinstance(refusal, Unprovisioned)
    assert refusal.remedy == Remedy(
        RemedyCode.CONFIRM_DIFFERENCES, {"connector": "notes", "differences": 1}
    )
    assert refusal.code is RefusalCode.DIFFERENCES_NOT_SEEN
    assert network.lines == [CONFIG]


def test_a_datasource_that_is_not_declared_is_not_set_up() -> None:
    network = Network(in_glean())

    refusal = asyncio.run(provision(network, Datasource("notes")).set_up(0))

    assert isinstance(refusal, Unprovisioned)
    assert refusal.code is RefusalCode.NOT_DECLARED
    assert network.lines == [CONFIG]


@pytest.mark.parametrize(
    "answer", [httpx.Response(401, text="bad t0ken"), httpx.ConnectError("refused")]
)
def test_what_glean_refuses_is_told_without_the_token(
    answer: httpx.Response | Exception,
) -> None:
    refusal = asyncio.run(provision(Network(answer)).found())

    assert isinstance(refusal, Unprovisioned)
    assert refusal.code is None
    assert "t0ken" not in refusal.reason


@pytest.mark.parametrize(
    ("actual", "shown"),
    [
        ("of t0ken", "of ***"),
        (["t0ken", 7], ["***", 7]),
        ({"t0ken": {"of": "t0ken"}}, {"***": {"of": "***"}}),
        ([2**53, -(2**63), 7, True, 1.5], [str(2**53), str(-(2**63)), 7, True, 1.5]),
    ],
    ids=["text", "list", "object", "numbers that JavaScript does not have"],
)
def test_what_glean_has_is_shown_without_the_token(actual: Any, shown: Any) -> None:
    (difference,) = found(Network(in_glean(urlRegex=actual))).differences

    assert difference.actual == shown


def test_what_is_kept_is_sent_back_as_it_is() -> None:
    network = Network(in_glean(urlRegex=".*", iconUrl="of t0ken"), httpx.Response(200))

    asyncio.run(provision(network).set_up(1))

    assert sent(network)["iconUrl"] == "of t0ken"


def test_a_secret_that_is_not_set_is_named() -> None:
    refusal = asyncio.run(provision(Network(), GLEAN_INDEXING_API_TOKEN="").found())

    assert isinstance(refusal, Unprovisioned)
    assert "GLEAN_INDEXING_API_TOKEN" in refusal.reason


@pytest.mark.parametrize("look", ["found", "set up"])
@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, html="<html>Sign in</html>"),
        httpx.Response(400, html="<html>Bad request</html>"),
        httpx.Response(404, html="<html>Not found</html>"),
        httpx.Response(200, json={}),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"error": "maintenance"}),
        in_glean(objectDefinitions=[None]),
        in_glean(objectDefinitions="none"),
        in_glean(objectDefinitions=[{"name": ["note"]}]),
        httpx.Response(200, text=""),
        httpx.Response(204),
    ],
    ids=lambda each: each if isinstance(each, str) else f"{each.status_code} {each.text[-30:]}",
)
def test_what_is_not_gleans_answer_says_nothing_of_a_datasource(
    answer: httpx.Response, look: str
) -> None:
    """Else one that is there would be taken for missing, and what was set by hand overwritten."""
    network = Network(answer)
    asked = provision(network)

    refusal = asyncio.run(asked.found() if look == "found" else asked.set_up(9))

    assert isinstance(refusal, Unprovisioned)
    assert refusal.code is None
    assert network.lines == [CONFIG]


@pytest.mark.parametrize("body", ["<html>Sign in</html>", "OK", '{"error": "no"}'])
def test_a_set_up_that_somebody_else_answers_has_not_happened(body: str) -> None:
    network = Network(unknown(), httpx.Response(200, text=body))
    count = len(found(Network(unknown())).differences)

    refusal = asyncio.run(provision(network).set_up(count))

    assert isinstance(refusal, Unprovisioned)
    assert refusal.code is None
