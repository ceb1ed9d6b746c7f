"""The metrics, in a real Prometheus: it scrapes as the documentation says, and is asked all that
the dashboard, the alert rules and the documentation ask."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from queue import SimpleQueue
from typing import Any

import httpx
import pytest
from msgspec import Struct
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dev import prometheus
from dev.loopback import serving
from dev.patience import SECONDS_MAX
from dev.staging import ROOT
from tests.fakes.edge import an_edge
from tests.fakes.environment import an_environment
from tests.fakes.measured import ENDED_AT_MS, HOUR_MS, moments
from tests.fakes.requests import NOTES_ONLY, a_request
from tests.fakes.runners import FakeRunners
from worker import metrics
from worker.routes import Routes


pytestmark = pytest.mark.skipif(prometheus.find_program() is None, reason=prometheus.MISSING)

TOKEN = "t0ken"
METRICS = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
RULES = ROOT / "docs/prometheus-rules.yaml"
DASHBOARD: dict[str, Any] = json.loads((ROOT / "docs/grafana.json").read_text(encoding="utf-8"))
# What stands in for the address and the file of the documentation, and makes a scrape come soon.
REPLACED = {
    "glean-durable-sync.ACCOUNT.workers.dev": "{host}",
    "/etc/prometheus/glean-sync-token": "{token_file}",
    "scheme: https": "scheme: http",
    "scrape_interval: 1m": "scrape_interval: 1s",
}
TROUBLED = {"wiki"}
# All others befall the connector that is in trouble, and none but that.
WHO_ELSE = {
    "GleanSyncNotScraped": set[str](),
    "GleanSyncUnreachable": {"files"},
    "GleanSyncNeverSucceeded": {"new"},
}


def fenced(kind: str) -> list[str]:
    found: list[str] = re.findall(rf"```{kind}\n(.*?)```", METRICS, re.DOTALL)
    return found


def history() -> str:
    """All moments as OpenMetrics has them, with their times."""
    lines = [
        f"{line} {at_ms / 1_000}"
        for at_ms, measured in moments()
        for line in metrics.text(measured, at_ms).splitlines()
        if not line.startswith("#")
    ]
    return "\n".join([*lines, "# EOF", ""])


def promtool(*arguments: str) -> None:
    program = prometheus.find_program("promtool")
    assert program is not None, prometheus.MISSING
    ended = subprocess.run([program, *arguments], capture_output=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


class Worker(Struct, frozen=True):
    url: str
    scrapes: SimpleQueue[int]  # the status of each answer


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """The Worker's routes, whose one connector is the first of the moments."""
    scrapes = SimpleQueue[int]()
    runners = FakeRunners()
    measures = next(moments())[1]["tickets"]
    assert measures is not None
    runners.measured["notes"] = measures
    routes = Routes(an_environment(TRIGGER_TOKEN=TOKEN), NOTES_ONLY, runners, an_edge())

    async def answer(request: Request) -> Response:
        asked = a_request(request.method, request.url.path, headers=dict(request.headers))
        answered = await routes.answer(asked)
        scrapes.put(answered.status)
        return Response(answered.body, answered.status, answered.headers)

    with serving(Starlette(routes=[Route("/metrics", answer)])) as url:
        yield Worker(url, scrapes)


@pytest.fixture(scope="module")
def server(worker: Worker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("prometheus")
    samples = folder / "history"
    samples.write_text(history())
    promtool("tsdb", "create-blocks-from", "openmetrics", str(samples), str(folder / "data"))
    (configured,) = fenced("yaml")
    token_file = folder / "token"
    token_file.write_text(TOKEN)
    for documented, local in REPLACED.items():
        assert documented in configured
        configured = configured.replace(documented, local)
    host = worker.url.removeprefix("http://")
    file = folder / "prometheus.yaml"
    file.write_text(configured.format(host=host, token_file=token_file))
    with file.open("a") as rest:
        rest.write(f"rule_files: [{RULES}]\n")
    with prometheus.serving(file, folder / "data") as url:
        yield url


def asked(server: str, path: str, **params: str | float) -> Any:
    response = httpx.get(f"{server}/api/v1/{path}", params=params)
    assert response.status_code == 200, response.text
    return response.json()["data"]


def samples(server: str, expression: str) -> list[Mapping[str, str]]:
    """The labels of what an expression gives, where the moments end."""
    found = asked(server, "query", query=expression, time=ENDED_AT_MS / 1_000)
    return [sample["metric"] for sample in found["result"]]


def connectors(server: str, expression: str) -> set[str]:
    return {labels["connector"] for labels in samples(server, expression)}


def panels() -> list[tuple[str, str, str]]:
    """Each query of the dashboard: its panel, the expression and the legend."""
    return [
        (panel["title"], target["expr"].replace("$connector", ".*"), target["legendFormat"])
        for panel in DASHBOARD["panels"]
        for target in panel["targets"]
    ]


def rules(server: str) -> dict[str, dict[str, Any]]:
    groups = asked(server, "rules")["groups"]
    return {rule["name"]: rule for group in groups for rule in group["rules"]}


@pytest.mark.parametrize(("panel", "expression", "legend"), panels())
def test_every_panel_shows_something(server: str, panel: str, expression: str, legend: str) -> None:
    labels = samples(server, expression)

    assert labels, panel
    shown = re.findall(r"\{\{(\w+)\}\}", legend)
    assert [one for one in labels if not set(shown) <= one.keys()] == []


@pytest.mark.parametrize(("panel", "expression", "legend"), panels())
def test_every_panel_has_a_course(server: str, panel: str, expression: str, legend: str) -> None:
    end, hours = ENDED_AT_MS / 1_000, 12
    start = end - hours * HOUR_MS / 1_000

    found = asked(server, "query_range", query=expression, start=start, end=end, step=600)

    lengths = [len(series["values"]) for series in found["result"]]
    assert max(lengths) == hours * 6 + 1, (panel, legend)


def test_the_dashboard_offers_all_connectors(server: str) -> None:
    (variable,) = (one for one in DASHBOARD["templating"]["list"] if one["name"] == "connector")
    queried = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"])
    assert queried is not None
    name, label = queried.groups()

    found = asked(server, f"label/{label}/values", **{"match[]": name})

    assert set(found) >= {"tickets", "wiki", "files", "new"}


@pytest.mark.parametrize("query", fenced("promql"))
def test_every_query_of_the_documentation_gives_something(server: str, query: str) -> None:
    assert samples(server, query)


def test_every_alert_rule_is_sound(server: str) -> None:
    promtool("check", "rules", str(RULES))

    assert len(rules(server)) == RULES.read_text(encoding="utf-8").count("- alert:")


def test_an_alert_is_of_those_in_trouble_alone(server: str) -> None:
    found = {name: connectors(server, rule["query"]) for name, rule in rules(server).items()}

    assert found == {name: WHO_ELSE.get(name, TROUBLED) for name in found}


def test_metrics_that_are_not_there_any_more_are_an_alert(server: str) -> None:
    query, later = rules(server)["GleanSyncNotScraped"]["query"], ENDED_AT_MS + HOUR_MS

    assert asked(server, "query", query=query, time=later / 1_000)["result"]


# The last one: a scrape is not waited for while there is something else to be asked.
def test_it_is_scraped_as_the_documentation_says(server: str, worker: Worker) -> None:
    # What the first one gave, is known when the second one comes.
    answers = [worker.scrapes.get(timeout=SECONDS_MAX) for _ in range(2)]

    (target,) = asked(server, "targets")["activeTargets"]
    assert answers == [200, 200]
    assert (target["health"], target["lastError"]) == ("up", "")
    assert target["labels"]["job"] == "glean-sync"
