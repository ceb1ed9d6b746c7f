"""`make dev`: all connectors of the project and its examples, alive, until Ctrl+C.

Their sources change a little each minute, and cron ticks each minute instead of each hour.
"""

import itertools
import sys
import time
from datetime import datetime
from pathlib import Path

import httpx
from msgspec.structs import asdict

from dev import trickle
from dev.examples import examples
from dev.gathering import gathered
from dev.rest.ledger import now_ms
from dev.site import DOCS, Site
from dev.stack import TRIGGER_TOKEN, Stack
from dev.staging import ROOT


RECORDS = 240  # of each example at the start
PAGE_MS = 100  # that the documentation takes for a page, so that its job can be watched
MINUTE_SECONDS = 60
SOURCES = ("DOCS_API_URL", "FILES_URL", "TICKETS_URL", "WIKI_URL")  # whose records change


def site(folder: Path, count: int = RECORDS) -> Site:
    """Python's documentation and the examples.

    Args:
        folder: where their connectors are put together.
        count: of records of each example.
    """
    copied = examples(count)
    return Site(
        servers=[*DOCS.servers, *copied.servers],
        datasources=[*DOCS.datasources, *copied.datasources],
        variables={**DOCS.variables, **copied.variables},
        connectors=gathered(folder / "connectors"),
    )


def pass_minute(stack: Stack, number: int, at_ms: int) -> str:
    """Let one minute happen, as if it were that time. Returns it in words."""
    planned, told = trickle.minute(number, SOURCES), []
    for change in planned.changes:
        fields = asdict(change)
        stack.control_source("change", fields.pop("source"), **fields)
        told.append(f"{change.source.removesuffix('_URL')}: {change}")
    stack.tick(planned.cron, at_ms)
    return "; ".join([*told, f"cron {planned.cron}"])


def greeting(stack: Stack) -> str:
    """Where everything is, and what to try."""
    worker, tickets = stack.worker_url, stack.source_urls["TICKETS_URL"]
    sources = [
        f"  {variable.removesuffix('_URL'):<14}{url}" for variable, url in stack.source_urls.items()
    ]
    return "\n".join(
        [
            f"Worker       {worker}   (the dashboard)",
            f"its token    {TRIGGER_TOKEN}",
            f"local Glean  {stack.glean_url}   (what is indexed, with a search)",
            "sources",
            *sources,
            "",
            "Each minute some of the sources change and cron ticks, now and then for a FULL job.",
            "To try:",
            f"  export TRIGGER_TOKEN={TRIGGER_TOKEN}",
            f'  curl {worker}/connectors -H "Authorization: Bearer $TRIGGER_TOKEN"',
            "  # tickets fail, as with a token that has expired; and work again:",
            f'  curl {tickets}/control/faults -d \'{{"status": 401, "times": 1000}}\'',
            f"  curl -X DELETE {tickets}/control/faults",
            "  # tickets wait for a source that is down, for as long as it is:",
            f'  curl {tickets}/control/faults -d \'{{"status": 503, "times": 1000}}\'',
            "  # the next FULL job of tickets is held: a third of them is gone:",
            f"  curl {tickets}/control/change -d '{{\"remove\": {RECORDS // 3}}}'",
            f'  curl {worker}/trigger -H "Authorization: Bearer $TRIGGER_TOKEN" \\',
            '    -d \'{"mode": "FULL", "connector": "tickets"}\'',
            "Stop with Ctrl+C.",
            "",
        ]
    )


def main() -> int:
    folder = ROOT / ".cache" / "dev"
    with Stack(folder, site=site(folder), is_reloading=True) as stack:
        stack.control_source("latency", ms=PAGE_MS)
        print(greeting(stack), flush=True)
        try:
            for number in itertools.count():
                print(f"{datetime.now().astimezone():%H:%M}  {_passed(stack, number)}", flush=True)
                time.sleep(MINUTE_SECONDS)
        except KeyboardInterrupt:
            print()
    return 0


def _passed(stack: Stack, number: int) -> str:
    try:
        return pass_minute(stack, number, now_ms())
    except (httpx.HTTPError, RuntimeError, ValueError) as error:
        # While it is reloaded, or has been broken on purpose.
        return f"nothing this time: {error}"


if __name__ == "__main__":
    sys.exit(main())
