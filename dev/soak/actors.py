"""Those who act on a soak: the Worker's callers, Glean's other clients, and the one who kills."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import msgspec

from dev.soak.log import INTRUDER
from dev.soak.plan import Edit, Start, Step
from dev.soak.tally import Tally
from dev.soak.troubles import DELAY_MS_MAX, Trouble
from dev.stack import DATASOURCE, TRIGGER_TOKEN, Stack
from durable.machine.job import Mode
from durable.views.status import Status


TOKEN = {"authorization": f"Bearer {TRIGGER_TOKEN}"}
CROWD = 100
CROWD_THREADS = 20
CRONS = {Mode.FULL: "0 2 * * *", Mode.INCREMENTAL: "0 * * * *"}
# Of 2020: of a day to come, an INCREMENTAL tick would make good the FULL one before it.
FIRST_TICK_MS = {Mode.FULL: 1_577_844_000_000, Mode.INCREMENTAL: 1_577_847_600_000}
DAY_MS = 24 * 60 * 60 * 1_000
ANSWER_SECONDS_MAX = 60
ARRIVAL_SECONDS_MAX = DELAY_MS_MAX / 1_000 + 0.5  # of a request whose sender is gone
POLL_SECONDS = 0.05


class Actors:
    """All of them, over one stack.

    Args:
        stack: started and set up.
        tally: counts what they do.
    """

    def __init__(self, stack: Stack, tally: Tally) -> None:
        self._stack = stack
        self._tally = tally
        self._intruder_count = 0
        self._arrived_at = 0.0  # by when all that was sent before a kill or a cancel is there

    def edit(self, edit: Edit) -> None:
        # What was true when it was sent, and comes later than what is true now, would undo it:
        # no client can help that.
        time.sleep(max(0.0, self._arrived_at - time.monotonic()))
        live_count = len(self._stack.source_records())
        remove = edit.remove + round(edit.share * live_count)
        self._stack.control_source(
            "change", change=edit.change, remove=remove, add=edit.add, seed=edit.seed
        )

    def trouble(self, troubles: tuple[Trouble, ...]) -> None:
        for trouble in troubles:
            ask = self._stack.control_source if trouble.is_at_source else self._stack.control_glean
            ask("faults", **msgspec.to_builtins(trouble.fault()))

    def begin(self, step: Step, key: str, day: int) -> str:
        """Ask for a step's job; gives its id.

        Args:
            step: says which, and in which way.
            key: with which a trigger is asked again.
            day: of the cron tick, another one for each step.
        """
        match step.start:
            case Start.TRIGGER:
                return self.trigger(step.mode, key, replace=step.is_replacing)
            case Start.CROWD:
                return self.crowd(step.mode, key, replace=step.is_replacing)
            case Start.TICK:
                self.tick(step.mode, day)
                return self.trigger(step.mode, key)

    def trigger(self, mode: Mode, key: str, *, replace: bool = False) -> str:
        wanted = {"mode": mode, "replace": replace}
        answer = self._ask("POST", "/trigger", {"idempotency-key": key}, json=wanted)
        job_id: str = answer.raise_for_status().json()["id"]
        return job_id

    def crowd(self, mode: Mode, key: str, *, replace: bool = False) -> str:
        """A hundred triggers at once, which are one request. Gives the job's id."""
        with ThreadPoolExecutor(CROWD_THREADS) as pool:
            ids = set(pool.map(lambda _: self.trigger(mode, key, replace=replace), range(CROWD)))
        if len(ids) != 1:
            raise AssertionError(f"a hundred triggers at once made {len(ids)} jobs: {ids}")
        return ids.pop()

    def tick(self, mode: Mode, day: int) -> None:
        """Fire a cron trigger, and the same tick once more."""
        for _ in range(2):
            self._stack.tick(CRONS[mode], FIRST_TICK_MS[mode] + day * DAY_MS)

    def status(self, job_id: str) -> Status:
        answer = self._ask("GET", f"/status/{job_id}", {}).raise_for_status()
        return msgspec.json.decode(answer.content, type=Status)

    def rejected(self, job_id: str) -> set[str]:
        """The ids of the documents that the job rejected."""
        path: str | None = f"/rejects/{job_id}"
        keys: set[str] = set()
        while path:
            answer = self._ask("GET", path, {}).raise_for_status().json()
            keys.update(reject["key"] or "" for reject in answer["rejects"])
            path = answer["next"]
        return keys

    def missing(self, job_id: str) -> list[str]:
        """The ids of what a FULL job would delete."""
        path: str | None = f"/missing/{job_id}"
        ids: list[str] = []
        while path:
            answer = self._ask("GET", path, {}).raise_for_status().json()
            ids += [missing["id"] for missing in answer["missing"]]
            path = answer["next"]
        return ids

    def command(self, command: str, job_id: str, **body: Any) -> bool:
        """Whether the job took it. A job that has moved on may refuse, and says what it takes."""
        answer = self._ask("POST", f"/{command}/{job_id}", {}, json=body)
        if answer.status_code == 409 and "legal" in answer.json():
            return False
        self._arrived_at = time.monotonic() + ARRIVAL_SECONDS_MAX
        answer.raise_for_status()
        return True

    def kill(self) -> None:
        self._arrived_at = time.monotonic() + ARRIVAL_SECONDS_MAX
        self._stack.crash()
        self._tally.kills += 1

    def expire(self) -> None:
        self._stack.control_glean("expire")

    def intrude(self) -> None:
        """Open an upload of our own, which discards the Worker's. A fault may meet us, too."""
        self._intruder_count += 1
        body = {"uploadId": f"{INTRUDER}-{self._intruder_count}", "datasource": DATASOURCE}
        flags = {"isFirstPage": True, "forceRestartUpload": True}
        try:
            self._stack.ask_glean("bulkindexdocuments", **body, **flags, documents=[])
        except httpx.TransportError:
            return

    def process(self) -> None:
        """Let Glean delete what it has paused, as its administrator does."""
        self._stack.ask_glean("processalldocuments", datasource=DATASOURCE).raise_for_status()

    def _ask(
        self, method: str, path: str, headers: dict[str, str], **options: Any
    ) -> httpx.Response:
        """The Worker's answer, also where a connection is from before a kill."""
        deadline = time.monotonic() + ANSWER_SECONDS_MAX
        while True:
            try:
                return self._stack.request(method, path, headers={**TOKEN, **headers}, **options)
            except httpx.TransportError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(POLL_SECONDS)
