"""`make dev` in a project of its own, as its author has it."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from dev.patience import SECONDS_MAX, wait_until
from dev.service import Service
from dev.stack import RESTING, TRIGGER_TOKEN
from dev.staging import ROOT
from tests.fakes.project import a_project


pytestmark = pytest.mark.workerd

RENAMED = {
    "TICKETS_": "MINE_",
    'name="tickets"': 'name="mine"',
    "exampletickets": "mine",
}
TOKEN = "the-authors-token-8Hq2"
WORKER = re.compile(r"Worker +(http://\S+)")


class Live:
    """`make dev`, started.

    Args:
        project: where.
        connector: that runs alone.
    """

    def __init__(self, project: Path, connector: str) -> None:
        # One for all questions, of which there are many: to make one takes as long as to ask ten.
        apart = httpx.Limits(max_keepalive_connections=0)  # the runtime may be killed in between
        self._http = httpx.Client(timeout=SECONDS_MAX, limits=apart)
        command = f"'{sys.executable}' -m dev.live --connector {connector}; true"
        self.log = project / "live.log"
        with self.log.open("w") as log:
            # A shell is its parent, as make is.
            self.parent = subprocess.Popen(["sh", "-c", command], cwd=project, stdout=log)
        wait_until(lambda: "Stop with" in self.told() or self.parent.poll() is not None)
        found = WORKER.search(self.told())
        assert found is not None, self.told()
        self.url = found[1]
        ((self.process_id, _),) = children(self.parent.pid)

    def told(self) -> str:
        return self.log.read_text()

    def ask(self, method: str, path: str, **options: Any) -> Any:
        headers = {"authorization": f"Bearer {TRIGGER_TOKEN}"}
        answer = self._http.request(method, self.url + path, headers=headers, **options)
        return answer.raise_for_status().json()

    def status(self, job_id: str) -> Any:
        """None while nobody answers."""
        try:
            return self.ask("GET", f"/status/{job_id}")
        except httpx.HTTPError:
            return None

    def ended(self, job_id: str) -> Any:
        return wait_until(lambda: self.status(job_id), lambda job: job and job["state"] in RESTING)

    def is_let_in(self) -> bool:
        """Whether the source takes the token that the Worker has."""
        try:
            checks = self.ask("POST", "/check/mine")["checks"]
        except httpx.HTTPError:
            return False
        passed = [check["name"] for check in checks if check["outcome"] == "passed"]
        return "source lets us in" in passed

    def end(self) -> None:
        os.kill(self.process_id, signal.SIGTERM)
        self.parent.wait()
        self._http.close()


def children(parent: int) -> list[tuple[int, str]]:
    """Of a process: their numbers and commands."""
    lines = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=", "-o", "ppid=", "-o", "args="],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    split = [line.split(maxsplit=2) for line in lines]
    return [(int(pid), args) for pid, ppid, args in split if int(ppid) == parent]


def descendants(parent: int) -> list[tuple[int, str]]:
    found = children(parent)
    return [*found, *(below for pid, _ in found for below in descendants(pid))]


def is_running(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def started(project: Path, connector: str) -> Iterator[Live]:
    live = Live(project, connector)
    try:
        yield live
    finally:
        if live.parent.poll() is None:
            live.end()


@pytest.fixture(scope="module")
def source() -> Iterator[str]:
    """The author's own, elsewhere."""
    arguments = ("--token-env", "TOKEN", "--count", "240")
    with Service("dev.tickets_source", arguments, {"TOKEN": TOKEN}) as service:
        yield service.url


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, source: str) -> Path:
    """With a connector of its author's, whose variables stand where the guide says."""
    root = a_project(tmp_path_factory.mktemp("project"))
    example = (ROOT / "connectors/examples/tickets.py").read_text()
    for old, new in RENAMED.items():
        example = example.replace(old, new)
    (root / "connectors/mine.py").write_text(example)
    with (root / "wrangler.toml").open("a") as file:
        file.write(f'\n[vars]\nMINE_URL = "{source}"\nDOCS_API_URL = "https://docs.example"\n')
    (root / ".dev.vars").write_text(f"MINE_TOKEN={TOKEN}\nTRIGGER_TOKEN=another\n")
    return root


@pytest.fixture(scope="module")
def live(project: Path) -> Iterator[Live]:
    with started(project, "mine") as started_live:
        yield started_live


def test_a_connector_alone_needs_no_name_and_has_its_authors_variables(live: Live) -> None:
    job = live.ended(live.ask("POST", "/trigger", json={"mode": "FULL", "replace": True})["id"])

    assert (job["connector"], job["state"], job["documents"]) == ("mine", "succeeded", 240), job


def test_a_runtime_that_is_killed_comes_back_and_its_job_goes_on(live: Live, source: str) -> None:
    fault = {"status": 503, "times": 1_000}
    httpx.post(f"{source}/control/faults", json=fault).raise_for_status()
    job_id = live.ask("POST", "/trigger", json={"mode": "FULL"})["id"]
    wait_until(lambda: live.status(job_id), lambda job: job and job["turns"] > 0)

    runtimes = [pid for pid, args in descendants(live.process_id) if "/workerd serve" in args]
    for pid in runtimes:
        os.kill(pid, signal.SIGKILL)
    httpx.delete(f"{source}/control/faults").raise_for_status()

    job = live.ended(job_id)
    assert job["state"] == "succeeded", job


def test_a_variable_that_is_changed_is_taken_up(live: Live, project: Path) -> None:
    file = project / ".dev.vars"
    before = file.read_text()

    file.write_text("MINE_TOKEN=wrong\n")
    wait_until(live.is_let_in, lambda is_let_in: not is_let_in)
    file.write_text(before)
    wait_until(live.is_let_in)


def test_a_connector_that_breaks_is_told_and_one_that_is_mended_is_taken_up(
    live: Live, project: Path
) -> None:
    file = project / "connectors/mine.py"
    before, runs_with = file.read_text(), live.told().count("the Worker runs with it")

    file.write_text(f"{before}\nthis is none\n")
    wait_until(lambda: "connectors/mine.py, line " in live.told())
    assert live.ask("GET", "/health")["status"] == "ok"

    file.write_text(before.replace('name="mine"', 'name="renamed"'))
    wait_until(lambda: "there is no connector 'mine'" in live.told())
    file.write_text(before)
    wait_until(lambda: live.told().count("the Worker runs with it") > runs_with)


def test_the_demo_keeps_to_its_own_source_and_connector(project: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "dev.demo"], cwd=project, capture_output=True, text=True, check=False
    )

    assert ended.stdout.endswith(" documents indexed, 0 differ\n"), ended.stdout + ended.stderr
    assert ended.returncode == 0


@pytest.mark.parametrize("end", ["SIGTERM", "its parent is killed"])
def test_it_leaves_no_process_behind(tmp_path: Path, project: Path, end: str) -> None:
    shutil.copytree(project, tmp_path / "project", symlinks=True)
    with started(tmp_path / "project", "tickets") as live:
        begun = [live.process_id, *(pid for pid, _ in descendants(live.process_id))]
        commands = "\n".join(args for _, args in descendants(live.process_id))

        if end == "SIGTERM":
            os.kill(live.process_id, signal.SIGTERM)
        else:
            live.parent.kill()

        wait_until(lambda: not any(is_running(pid) for pid in begun))
        live.parent.wait()
    for name in ("workerd serve", "tickets_source", "local_glean"):
        assert name in commands
