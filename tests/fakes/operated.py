"""A Worker as its operators see it, over HTTP: the contract, without the jobs behind it."""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx
import msgspec

from worker.endpoints import find_endpoints


URL = "https://sync.example"
TOKEN = "t0ken-Kq8ZrW3nXv6Yb2Lm"
JOB_ID = "tickets-20261125T160000123Z-0a1b2c"
DIGEST = "8c1f0e2d7a9b4c35"  # of a list of what is missing
OTHER_ID = "wiki-20261125T160500000Z-4d5e6f"
AT = "2026-11-25T16:00:00.123Z"
PART = 100  # of a list, in one answer
Json = dict[str, Any]


def a_status(job_id: str = JOB_ID, state: str = "sending", **fields: Any) -> Json:
    """As `GET /status/<job>` gives it."""
    status: Json = {
        "id": job_id,
        "connector": job_id.rsplit("-", 2)[0],
        "mode": "FULL",
        "state": state,
        "begun_by": "cron",
        "became_full": False,
        "repeats": None,
        "since": None,
        "since_because": None,
        "stage": "documents",
        "stages": [{"stage": "documents", "pages": 2, "brought": 200, "deleted": 0, "rejected": 0}],
        "waits_for": None,
        "waits_because": None,
        "waits_until": None,
        "next_step": {"code": "read-page", "parameters": {"page": 3}, "text": "Reads page 3."},
        "remedy": None,
        "if_killed_now": {"code": "repeat-page", "parameters": {"page": 3}, "text": "Reads it."},
        "commands": ["cancel"],
        "created_at": AT,
        "started_at": AT,
        "finished_at": None,
        "progress_at": AT,
        "left_seconds": None,
        "pages": 2,
        "documents": 200,
        "deleted": 0,
        "rejected": 0,
        "bytes": 20_000,
        "turns": 1,
        "attempt": 1,
        "next_attempt_at": None,
        "last_error": None,
        "last_error_code": None,
        "way": "replace",
        "changes": None,
        "outdated": 0,
        "missing": None,
        "missing_list": None,
        "upload_id": "upload",
        "cursor": "2",
        "verification": None,
        "processing": None,
        "deletions": [],
        "findings": [],
        "events": [{"at": AT, "what": "begun", "kind": "begun", "cause": None}],
        "progress": None,
    }
    return {**status, **fields}


def a_line(job_id: str = JOB_ID, state: str = "succeeded", **fields: Any) -> Json:
    """A job in a list."""
    line: Json = {
        "id": job_id,
        "connector": job_id.rsplit("-", 2)[0],
        "mode": "FULL",
        "state": state,
        "begun_by": "cron",
        "created_at": AT,
        "started_at": AT,
        "finished_at": AT,
        "seconds": 12.5,
        "pages": 12,
        "documents": 1200,
        "deleted": 3,
        "rejected": 0,
        "error": None,
    }
    return {**line, **fields}


def a_connector(name: str = "tickets", **fields: Any) -> Json:
    """A connector in the list of them."""
    connector: Json = {
        "name": name,
        "datasource": name,
        "schedule": [{"cron": "0 2 * * *", "mode": "FULL", "next_at": "2026-11-26T02:00:00.000Z"}],
        "next_at": "2026-11-26T02:00:00.000Z",
        "next_mode": "FULL",
        "health": "ok",
        "why": None,
        "remedy": None,
        "last_success_at": AT,
        "last_full_success_at": AT,
        "watermark": AT,
        "documents": 1200,
        "outdated": 0,
        "unconfirmed": 0,
        "foreign_uploads": 0,
        "stale_after_seconds": None,
        "current": None,
        "deletions": [],
        "findings": [],
        "jobs": [],
    }
    return {**connector, **fields}


def a_missing(number: int) -> Json:
    """Something that a FULL job would delete."""
    url = f"https://notes.example/{number}"
    return {"id": f"N{number}", "type": "note", "title": f"Note {number}", "url": url}


def an_event(number: int, kind: str = "begun", **fields: Any) -> Json:
    event: Json = {
        "number": number,
        "at": AT,
        "kind": kind,
        "what": f"event {number}",
        "cause": None,
        "pages": None,
        "documents": None,
        "deleted": None,
        "rejected": None,
        "seconds": None,
    }
    return {**event, **fields}


def a_problem(status: int, title: str, detail: str, **fields: Any) -> httpx.Response:
    content = json.dumps({"title": title, "status": status, "detail": detail, **fields})
    headers = {"content-type": "application/problem+json"}
    return httpx.Response(status, content=content, headers=headers)


class FakeWorker(httpx.AsyncBaseTransport):
    """Answers as the contract says, from what it is given here, and keeps what it was asked.

    Args:
        connectors: those that there are, as `a_connector` makes them.
    """

    def __init__(self, *connectors: Json) -> None:
        self.connectors = list(connectors) or [a_connector("tickets"), a_connector("wiki")]
        self.jobs: list[Json] = []  # lines, the newest first
        self.events: dict[str, list[Json]] = {}
        self.rejects: dict[str, list[Json]] = {}
        self.missing: dict[str, list[Json]] = {}
        self.checks: list[Json] = []
        self.provisioned: Json = {}
        self.requests: list[httpx.Request] = []
        self._statuses: dict[str, deque[Json]] = {}
        self._troubles: deque[httpx.Response | Exception | None] = deque()
        self._meanwhile: dict[int, Callable[[], object]] = {}

    def stands(self, *statuses: Json) -> None:
        """A job stands so, one after the other each time that it is asked for; then stays so."""
        for status in statuses:
            self._statuses.setdefault(status["id"], deque()).append(status)

    def fails(self, *troubles: httpx.Response | Exception | None) -> None:
        """The next requests come to this, in order; None: to their answer."""
        self._troubles.extend(troubles)

    def meanwhile(self, number: int, act: Callable[[], object]) -> None:
        """Have something happen while the request of this number, from 1, is under way."""
        self._meanwhile[number] = act

    @property
    def lines(self) -> list[str]:
        """What it was asked."""
        return [f"{each.method} {each.url.raw_path.decode()}" for each in self.requests]

    @property
    def bodies(self) -> list[Any]:
        """Of the requests that had one."""
        return [json.loads(each.content) for each in self.requests if each.content]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        _check_declared(request)
        self.requests.append(request)
        await asyncio.sleep(0)  # others go on meanwhile, as with any network
        if (act := self._meanwhile.get(len(self.requests))) is not None:
            act()
        trouble = self._troubles.popleft() if self._troubles else None
        if isinstance(trouble, Exception):
            raise trouble
        if trouble is not None:
            return trouble
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return a_problem(401, "Unauthorized", "Send the header `Authorization: Bearer TOKEN`.")
        return self._answered(request)

    def _answered(self, request: httpx.Request) -> httpx.Response:
        first, _, name = request.url.path.strip("/").partition("/")
        match request.method, first:
            case "GET", "connectors":
                return _json({"connectors": self.connectors})
            case "GET", "jobs":
                return self._listed(request.url.params)
            case "POST", "trigger":
                return self._triggered(json.loads(request.content))
            case _, "check" | "datasource" | "setup":
                return self._of_connector(first, name)
            case _ if name in self._statuses:
                return self._of_job(request, first, name)
        return a_problem(404, "Not Found", f"There is no job {name!r}.")

    def _listed(self, query: Mapping[str, str]) -> httpx.Response:
        if (connector := query.get("connector")) is not None and connector not in self._names():
            return a_problem(404, "Not Found", f"There is no connector {connector!r}.")
        states = query["state"].split(",") if "state" in query else None
        found = [
            line
            for line in self.jobs
            if connector in {None, line["connector"]} and (not states or line["state"] in states)
        ]
        ids = [line["id"] for line in found]
        start = ids.index(query["before"]) + 1 if "before" in query else 0
        limit = int(query.get("limit", "20"))
        part = found[start : start + limit]
        has_more = len(found) > start + limit
        more = f"/jobs?limit={limit}&before={part[-1]['id']}" if has_more else None
        return _json({"jobs": part, "next": more})

    def _triggered(self, wanted: Json) -> httpx.Response:
        name = wanted["connector"]
        if name not in self._names():
            return a_problem(400, "Bad Request", f"There is no connector {name!r}.")
        (job_id,) = [each for each in self._statuses if each.startswith(f"{name}-")]
        return self._accepted(job_id, 202)

    def _of_connector(self, endpoint: str, name: str) -> httpx.Response:
        if name not in self._names():
            return a_problem(404, "Not Found", f"There is no connector {name!r}.")
        if endpoint != "check":
            return _json(self.provisioned)
        passed = all(check["outcome"] != "failed" for check in self.checks)
        return _json({"connector": name, "passed": passed, "checks": self.checks})

    def _of_job(self, request: httpx.Request, endpoint: str, job_id: str) -> httpx.Response:
        after = request.url.params.get("after")
        match request.method, endpoint:
            case "GET", "status":
                statuses = self._statuses[job_id]
                return _json(statuses.popleft() if len(statuses) > 1 else statuses[0])
            case "GET", "events":
                events = self.events.get(job_id, [])
                rest = [each for each in events if each["number"] > int(after or 0)]
                return _part(job_id, "events", len(events), rest, lambda last: str(last["number"]))
            case "GET", "rejects":
                rejects = self.rejects.get(job_id, [])
                rest = rejects[int((after or "0.0").split(".")[1]) :]
                return _part(
                    job_id, "rejects", len(rejects), rest, lambda last: f"1.{last['record']}"
                )
            case "GET", "missing":
                missing = self.missing.get(job_id, [])
                start = int((after or "0.0").split(".")[1])
                part = _part(
                    job_id,
                    "missing",
                    len(missing),
                    missing[start:],
                    lambda last: f"1.{missing.index(last) + 1}",
                )
                status = self._statuses[job_id][0]
                listed = {"stage": status["stage"], "list": status["missing_list"]}
                return _json({**part.json(), **listed, "total": status["missing"]})
            case "POST", "cancel":
                return self._accepted(job_id, 200)
        return self._accepted(job_id, 202)

    def _accepted(self, job_id: str, status: int) -> httpx.Response:
        job = self._statuses[job_id][0]
        return _json({**job, "status_url": f"/status/{job_id}"}, status)

    def _names(self) -> list[str]:
        return [connector["name"] for connector in self.connectors]


def _check_declared(request: httpx.Request) -> None:
    """The request is one of those in the Worker's OpenAPI document."""
    at = find_endpoints(request.url.raw_path.partition(b"?")[0].decode())
    assert at is not None, request.url
    (endpoint,) = (one for one in at[0] if request.method in one.methods)
    declared = {(each.place, each.name.lower()): each.pattern for each in endpoint.parameters}
    for name, value in request.url.params.items():
        assert declared["query", name].fullmatch(value), value
    if (key := request.headers.get("idempotency-key")) is not None:
        assert declared["header", "idempotency-key"].fullmatch(key)
    if endpoint.body is not None:
        msgspec.json.decode(request.content, type=endpoint.body)


def _part(
    job_id: str, field: str, total: int, rest: Sequence[Json], place: Callable[[Json], str]
) -> httpx.Response:
    part = rest[:PART]
    more = f"/{field}/{job_id}?after={place(part[-1])}" if len(rest) > PART else None
    return _json({"job": job_id, "total": total, field: part, "next": more})


def _json(content: Json, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=content)
