"""`make dev`: the project's connectors and the examples, alive, until Ctrl+C.

Their sources change a little each minute, and cron ticks each minute instead of each hour. What
wrangler.toml has in [vars] and `.dev.vars` has, is the connectors' own: where that names the URL of
a source, no stand-in is started for it. `python -m dev.live --connector NAME` has one alone.
"""

import argparse
import itertools
import sys
import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import httpx
from msgspec.structs import asdict, replace

from dev import dev_vars, trickle
from dev.deployment import FILE, deployment
from dev.ending import Ending
from dev.examples import examples
from dev.gathering import Gathered, gather_again
from dev.rest.ledger import now_ms
from dev.site import DOCS, Site
from dev.stack import TRIGGER_TOKEN, Stack
from dev.staging import PACKAGES, ROOT
from durable.errors import ConfigurationError


RECORDS = 240  # of each example at the start
PAGE_MS = 100  # that the documentation takes for a page, so that its job can be watched
BEAT_SECONDS = 1
HEALTH_BEATS = 5
ANSWER_SECONDS_MAX = 30  # then it is seen whether the Worker lives
HEALTH_SECONDS_MAX = 15  # without an answer, the Worker is started again
MINUTE_SECONDS = 60
# Of a deployment, and something else here.
OURS = {
    *("GLEAN_SERVER_URL", "GLEAN_INSTANCE", "GLEAN_INDEXING_API_TOKEN"),
    *("TRIGGER_TOKEN", "WORKER_URL"),
    *("DATASOURCE_SUFFIX", "JURISDICTION", "LOCATION_HINT"),
}
SOURCES = ("DOCS_API_URL", "FILES_URL", "TICKETS_URL", "WIKI_URL")  # whose records change


def site(used: Gathered, count: int = RECORDS, own: Mapping[str, str] | None = None) -> Site:
    """The servers that connectors use, with all that belongs to these.

    Args:
        used: what the connectors use.
        count: of records of each example.
        own: variables and secrets that take the place of those that are made here.
    """
    own, copied = own or {}, examples(count)
    servers = [
        replace(server, environment={**server.environment, **_choose(own, server.environment)})
        for server in (*DOCS.servers, *copied.servers)
        if server.variable in used.names - own.keys()
    ]
    by_hand = {datasource["name"]: datasource for datasource in DOCS.datasources}
    return Site(
        servers=servers,
        datasources=[by_hand.get(each["name"], each) for each in used.datasources],
        variables={**copied.variables, **own},
        connectors=Path(used.folder),
    )


def _choose(values: Mapping[str, str], names: Container[str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if name in names}


def pass_minute(stack: Stack, used: Gathered, number: int, at_ms: int) -> str:
    """Let one minute happen, as if it were that time. Returns it in words."""
    sources = [source for source in SOURCES if source in stack.source_urls]
    planned, told = trickle.minute(number, sources), []
    for change in planned.changes:
        fields = asdict(change)
        stack.control_source("change", fields.pop("source"), **fields)
        told.append(f"{change.source.removesuffix('_URL')}: {change}")
    for expression in used.schedules.get(planned.mode, ()):
        stack.tick(expression, at_ms)
        told.append(f"cron {expression}")
    return "; ".join(told)


def greeting(stack: Stack, own: Sequence[str]) -> str:
    """Where everything is, and what to try."""
    worker, tickets = stack.worker_url, stack.source_urls.get("TICKETS_URL")
    return "\n".join(
        [
            f"Worker       {worker}   (the dashboard)",
            f"its token    {TRIGGER_TOKEN}",
            f"local Glean  {stack.glean_url}   (what is indexed, with a search)",
            *(["sources"] if stack.source_urls else []),
            *(f"  {name.removesuffix('_URL'):<14}{url}" for name, url in stack.source_urls.items()),
            f"of {FILE} and {dev_vars.FILE}: {', '.join(own) or 'nothing'}",
            "",
            "Each minute some of the sources change and cron ticks, now and then for a FULL job.",
            f"Changed code, connectors, {FILE} and {dev_vars.FILE} are taken up at once.",
            "To try:",
            f"  export TRIGGER_TOKEN={TRIGGER_TOKEN}",
            f'  curl {worker}/connectors -H "Authorization: Bearer $TRIGGER_TOKEN"',
            *([] if tickets is None else _tries(worker, tickets)),
            "Stop with Ctrl+C.",
            "",
        ]
    )


def _tries(worker: str, tickets: str) -> Iterator[str]:
    yield "  # tickets fail, as with a token that has expired; and work again:"
    yield f'  curl {tickets}/control/faults -d \'{{"status": 401, "times": 1000}}\''
    yield f"  curl -X DELETE {tickets}/control/faults"
    yield "  # tickets wait for a source that is down, for as long as it is:"
    yield f'  curl {tickets}/control/faults -d \'{{"status": 503, "times": 1000}}\''
    yield "  # the next FULL job of tickets is held: a third of them is gone:"
    yield f"  curl {tickets}/control/change -d '{{\"remove\": {RECORDS // 3}}}'"
    yield f'  curl {worker}/trigger -H "Authorization: Bearer $TRIGGER_TOKEN" \\'
    yield '    -d \'{"mode": "FULL", "connector": "tickets"}\''


class Live:
    """What runs, and is kept alive.

    Args:
        folder: for all that is written.
        connector: the one that is wanted; None for all.

    Raises:
        ConfigurationError: of a connector, wrangler.toml or .dev.vars.
    """

    def __init__(self, folder: Path, connector: str | None) -> None:
        self._folder = folder
        self._connector = connector
        self._is_broken = False
        self._seen = self._files()
        self._read()

    def run(self, ending: Ending) -> None:
        """Until it has to end. Raises KeyboardInterrupt where that is by a signal."""
        with Stack(self._folder, site=self._site, seconds_max=ANSWER_SECONDS_MAX) as stack:
            if "DOCS_API_URL" in stack.source_urls:
                stack.control_source("latency", "DOCS_API_URL", ms=PAGE_MS)
            print(greeting(stack, sorted(self._own)), flush=True)
            minutes, minute_at = itertools.count(), time.monotonic()
            for beat in itertools.count():
                if ending.has_come:
                    return
                self._take_up(stack)
                if beat % HEALTH_BEATS == 0:
                    self._revive(stack)
                if time.monotonic() >= minute_at:
                    minute_at = time.monotonic() + MINUTE_SECONDS
                    _say(self._pass_minute(stack, next(minutes)))
                time.sleep(BEAT_SECONDS)

    def _take_up(self, stack: Stack) -> None:
        """What has changed of the files; where it is not right, all goes on as it was."""
        before, self._seen = self._seen, self._files()
        changed = sorted({path.name for path, _ in before.items() ^ self._seen.items()})
        if not changed:
            return
        _say(f"changed: {', '.join(changed)}")
        try:
            self._read()
        except ConfigurationError as error:
            _say(f"the Worker goes on as it was: mend this:\n{error}")
            return
        self._start("the Worker runs with it", lambda: stack.restart(self._site))

    def _revive(self, stack: Stack) -> None:
        if self._is_broken or stack.runtime.is_answering(HEALTH_SECONDS_MAX):
            return
        _say("the Worker does not answer: it is started again")
        self._start("the Worker answers again", stack.crash)

    def _start(self, done: str, start: Callable[[], None]) -> None:
        try:
            start()
        except (httpx.HTTPError, RuntimeError, ValueError) as error:
            self._is_broken = True
            _say(f"the Worker is tried again when something has changed: {error}")
        else:
            self._is_broken = False
            _say(done)

    def _read(self) -> None:
        values = deployment(ROOT, dev_vars.read(ROOT / dev_vars.FILE)).values
        self._used = gather_again(self._folder / "connectors", self._connector)
        self._own = {name: value for name, value in values.items() if name not in OURS}
        self._site = site(self._used, own=self._own)

    def _pass_minute(self, stack: Stack, number: int) -> str:
        try:
            return pass_minute(stack, self._used, number, now_ms())
        except (httpx.HTTPError, RuntimeError, ValueError) as error:
            # While it has been broken on purpose; or it died with a request that nobody answers.
            self._revive(stack)
            return f"nothing this time: {error}"

    def _files(self) -> dict[Path, int]:
        """All that is taken up, and when each was written."""
        code = (file for package in PACKAGES.values() for file in package.rglob("[!.]*.*"))
        files = (*code, ROOT / FILE, ROOT / dev_vars.FILE)
        seen = {}
        for file in (file for file in files if file.suffix != ".pyc"):
            with suppress(FileNotFoundError):
                seen[file] = file.stat().st_mtime_ns
        return seen


def _say(text: str) -> None:
    print(f"{datetime.now().astimezone():%H:%M}  {text}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m dev.live")
    parser.add_argument("--connector", help="the only one that runs")
    ending = Ending()
    try:
        Live(ROOT / ".cache" / "dev", parser.parse_args().connector).run(ending)
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
