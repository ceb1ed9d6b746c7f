"""Handlers of the endpoints about connectors."""

from durable.engine.checks import CheckOutcome
from durable.engine.questions import (
    CheckConnector,
    CompareDatasource,
    ReadMeasures,
    ReadOverview,
    SetUpDatasource,
)
from durable.glean.differences import Provisioned, Unprovisioned
from durable.views.overview import unreachable
from worker import metrics, problems
from worker.bodies import Checked, Connectors, SetUp
from worker.call import Call
from worker.problems import ProblemError
from worker.request import decode_body


async def list_connectors(call: Call) -> Connectors:
    """List all connectors, also those whose object does not answer."""
    found, now_ms = await call.ask_each(ReadOverview()), call.edge.now_ms()
    return Connectors(
        [
            found[name] or unreachable(connector, now_ms)
            for name, connector in call.connectors.items()
        ]
    )


async def show_metrics(call: Call) -> str:
    """Show the metrics in Prometheus' text format."""
    measured = await call.ask_each(ReadMeasures())
    return metrics.text(measured, call.edge.now_ms())


async def check(call: Call) -> Checked:
    name = call.connector
    checks = await call.runners.ask(name, CheckConnector())
    is_passed = not any(check.outcome is CheckOutcome.FAILED for check in checks)
    return Checked(connector=name, passed=is_passed, checks=checks)


async def show_datasource(call: Call) -> Provisioned:
    return _require_found(await call.runners.ask(call.connector, CompareDatasource()))


async def set_up(call: Call) -> Provisioned:
    name = call.connector
    seen = await decode_body(call.request, SetUp, '{"differences": 3}')
    return _require_found(await call.runners.ask(name, SetUpDatasource(int(seen.differences))))


def _require_found(found: Provisioned | Unprovisioned) -> Provisioned:
    if isinstance(found, Provisioned):
        return found
    if found.code is None:
        raise ProblemError(problems.describe(502, found.reason))
    raise ProblemError(problems.describe(409, found.reason, found.code, found.remedy, []))
