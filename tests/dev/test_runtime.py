import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from dev.patience import SECONDS_MAX, wait_until
from dev.runtime import Runtime
from dev.staging import ROOT


pytestmark = pytest.mark.workerd

ALARM_WORKER = {"worker": ROOT / "tests/dev/alarm_worker"}
TOKEN = 'it\'s "one" $HOME `token`'


def ask(runtime: Runtime, path: str) -> Any:
    with urlopen(f"{runtime.url}/{path}", timeout=SECONDS_MAX) as response:
        return json.load(response)


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    folder = tmp_path_factory.mktemp("runtime")
    with Runtime(folder, {"TOKEN": TOKEN}, packages=ALARM_WORKER) as started:
        yield started


def test_an_alarm_that_is_killed_fires_again_after_the_next_start(runtime: Runtime) -> None:
    url = runtime.url
    ask(runtime, "begin")
    wait_until(lambda: ask(runtime, "counts").get("begun") == 1)

    runtime.kill()
    runtime.start()

    wait_until(lambda: "ended" in ask(runtime, "counts"))
    assert ask(runtime, "counts") == {"begun": 2, "ended": 1}
    assert runtime.url == url


def test_a_secret_arrives_whole_and_stands_in_no_file(runtime: Runtime) -> None:
    assert ask(runtime, "token") == TOKEN

    folder = runtime.log.parent
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert [file for file in files if b"$HOME `token`" in file.read_bytes()] == []
    assert TOKEN not in command_lines()


def test_two_run_side_by_side_draw_differently_and_take_no_secret_from_the_shell(
    runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "of the shell")

    with Runtime(tmp_path / "other", {"TOKEN": "other"}, packages=ALARM_WORKER) as other:
        assert ask(other, "token") == "other"
        assert ask(runtime, "token") == TOKEN
        # Both began with one image of Pyodide's memory.
        draws = [*ask(other, "draws"), *ask(runtime, "draws")]
    assert len(set(draws)) == len(draws)


def test_a_worker_that_does_not_start_is_reported_with_its_log(tmp_path: Path) -> None:
    (tmp_path / "worker").mkdir()
    broken = Runtime(tmp_path / "runtime", packages={"worker": tmp_path / "worker"})

    with pytest.raises(RuntimeError, match=r"build/worker/entry\.py"):
        broken.start()


def command_lines() -> str:
    """Of all processes; nothing where the system does not show them in /proc."""
    lines = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has just ended
            lines.append(file.read_text(errors="replace"))
    return "\n".join(lines)
