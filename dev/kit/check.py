"""The test of a connector without a network: see docs/connectors.md."""

import asyncio
from collections.abc import Mapping

from dev.kit.answers import Answers, Responses
from dev.kit.crawl import Clock, Offline
from dev.kit.environment import MadeUpEnvironment
from dev.kit.findings import report
from dev.kit.names import GLEAN
from dev.kit.report import Report
from dev.kit.trial import Trial
from durable.connector.definition import AnyConnector
from durable.machine.job import Mode


NOW_MS = 1_795_514_400_000  # 2026-11-24T10:00:00Z
SINCE_MS = 1_795_478_400_000  # 2026-11-24T00:00:00Z
PAGES_MAX = 100  # of a stream: each is read again from every page on


def check_connector(  # noqa: PLR0913 - each but the first two has a default
    connector: AnyConnector,
    responses: Responses,
    *,
    environment: Mapping[str, str] | None = None,
    rejects: int | Mapping[Mode, int] = 0,
    since_ms: int = SINCE_MS,
    now_ms: int = NOW_MS,
    pages_max: int = PAGES_MAX,
) -> Report:
    """Run a connector against prepared responses, with a crash before every page.

    Args:
        connector: as it is deployed.
        responses: by request, as `{"GET ${NOTES_URL}/list?cursor=b": {"items": []}}`; or a
            function of the request; or `httpx.ASGITransport(app)`.
        environment: variables and secrets; whatever is missing is made up.
        rejects: how many records are rejected, in each mode.
        since_ms: the watermark: an INCREMENTAL job reads what changed then or later, and in the
            overlap before it.
        now_ms: the time for the readers.
        pages_max: that a stream may have.

    Raises:
        AssertionError: with all that is wrong.
    """
    __tracebackhide__ = True
    given = MadeUpEnvironment({**GLEAN, **(environment or {})})
    answers = Answers(responses, given)
    offline = Offline(connector, given, answers, Clock(now_ms), since_ms)
    expected = dict.fromkeys(Mode, rejects) if isinstance(rejects, int) else dict(rejects)
    trial = Trial(connector, offline, answers, given, pages_max)
    asyncio.run(trial.run(expected))
    if trial.findings:
        text = given.redacted(report(connector.name, trial.findings))
        raise AssertionError(text) from trial.cause
    return Report(pages=trial.pages, requests=trial.requests)
