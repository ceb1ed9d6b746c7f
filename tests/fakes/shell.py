"""The CLI run in this process, before a Worker that is none."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from typer.testing import CliRunner, Result

from glean_sync.app import app
from glean_sync.machine import Machine
from tests.fakes.operated import TOKEN, URL, FakeWorker


NOW = datetime(2026, 11, 25, 17, 0, tzinfo=UTC)
SIGNED_IN = {"GLEAN_SYNC_URL": URL, "GLEAN_SYNC_TOKEN": TOKEN}


class Shell:
    """Somebody's terminal, or a script.

    Args:
        folder: of the configuration.
        worker: what is at the other end of the network.
        environment: variables.
        is_asking: somebody is there to be asked.
    """

    def __init__(
        self,
        folder: Path,
        worker: FakeWorker,
        environment: Mapping[str, str] = SIGNED_IN,
        *,
        is_asking: bool = False,
    ) -> None:
        self.config_file = folder / "glean-sync" / "config.toml"
        self.waited: list[float] = []
        self._seconds = 0.0
        self._machine = Machine(
            environment=environment,
            config_file=self.config_file,
            transport=worker,
            is_asking=is_asking,
            moment=lambda: NOW,
            monotonic_seconds=lambda: self._seconds,
            wait=self._wait,
            key=lambda: "a key of its own",
        )

    def run(self, *words: str, stdin: str = "", **environment: str) -> Result:
        """Run `glean-sync` with these words.

        Args:
            words: of the command line.
            stdin: what is typed or piped in.
            environment: of the terminal, for what the libraries read from it.
        """
        runner = CliRunner(env=environment)
        return runner.invoke(app, words, stdin, obj=self._machine, catch_exceptions=False)

    async def _wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self._seconds += seconds
