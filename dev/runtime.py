"""The Worker on this machine: the real runtime in processes of its own.

Each runtime has a folder with all that it reads and writes, its own ports and its own home, so
several run side by side and none meets the developer's wrangler. It reaches for no internet.
"""

import contextlib
import http.client
import json
import random
import socket
import subprocess
import time
import tomllib
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dev import bare, guard, wrangler
from dev.patience import POLL_SECONDS, SECONDS_MAX
from dev.snapshot import BUNDLE_FLAGS, FLAGS, Image
from dev.staging import PACKAGES, ROOT, stage


HOST = "127.0.0.1"
# Below what systems hand out to outgoing connections: a port is still free after a restart.
PORTS = range(20_000, 32_000)
STOP_SECONDS_MAX = 10
HEALTHY = "200"
LOG_LINES_SHOWN = 40
# Of wrangler.toml, what is of a deployment alone. With a route, the Worker would believe that it is
# asked there, and nobody to be on this machine.
DEPLOYED = ("build", "vars", "env", "route", "routes")


class Runtime:
    """`wrangler dev`, started, killed and started again.

    Args:
        folder: for the storage, the log and the staged code. What it stored is there at the next
            start, also of another `Runtime` on the same folder.
        variables: variables and secrets of the Worker, and all it has: what [vars] of wrangler.toml
            says of a deployment, is left out. They are passed in the environment: neither a file
            nor the list of processes shows them. Changed, they hold from the next start on.
        port: None for any free one. It stays the same from start to start.
        packages: folders to run in place of the project's own, or beside them, by the package's
            name.
        entry: the Worker's entry among the packages, in place of the one that is deployed.
        vendored: the Worker's Python packages, in place of those that are deployed.
        image: what it starts from.
        image_folder: where the Worker's own image is, or is put.
        is_bare: without wrangler, see `dev.bare`.
    """

    def __init__(  # noqa: PLR0913 - each but the folder has a default
        self,
        folder: Path,
        variables: Mapping[str, str] | None = None,
        *,
        port: int | None = None,
        packages: Mapping[str, Path] | None = None,
        entry: str = "worker/entry.py",
        vendored: Path = ROOT / "python_modules",
        image: Image = Image.PYODIDE,
        image_folder: Path | None = None,
        is_bare: bool = False,
    ) -> None:
        self._folder = folder.resolve()
        self.variables = dict(variables or {})
        self._port = port or _free_port()
        self._packages = {**PACKAGES, **(packages or {})}
        self._entry = entry
        self._vendored = vendored
        self._image = image
        self._image_folder = image_folder
        self._is_bare = is_bare
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._port}"

    @property
    def log(self) -> Path:
        """What wrangler and the Worker print, of all starts."""
        return self._folder / "runtime.log"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Return when GET /health has answered 200.

        Raises:
            RuntimeError: it ended, or did not answer in time; with the end of the log.
        """
        if self._process is not None:
            raise RuntimeError(f"the runtime at {self.url} is already started")
        settings = self._write_project()
        with self.log.open("ab") as log:
            self._process = guard.start(
                self._command(settings),
                cwd=self._folder,
                # Ours last: what the developer's shell exports may be the real Glean's token.
                env={
                    **wrangler.environment(self._folder / "home"),
                    "IMAGE": self._image,
                    "IMAGE_FOLDER": str(self._image_folder or ""),
                    **self.variables,
                },
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait_until_ready(self._process)
        except BaseException:
            self.kill()
            raise

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def is_answering(self, seconds_max: float) -> bool:
        """Whether it runs, and answers GET /health with 200 in time."""
        return self.is_running and self._health(seconds_max) == HEALTHY

    def kill(self) -> None:
        """End all its processes at once, with SIGKILL, in the middle of whatever they do."""
        process, self._process = self._process, None
        if process is None:
            return
        guard.end(process)
        self._wait_until_silent()

    def stop(self) -> None:
        """End it in order; with SIGKILL where that takes too long."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS_MAX)
        self.kill()

    def _command(self, settings: dict[str, Any]) -> list[str]:
        if self._is_bare:
            return bare.write(self._folder, f"{HOST}:{self._port}", settings, [*self.variables])
        options = {
            "--config": "wrangler.json",
            "--ip": HOST,
            "--port": str(self._port),
            "--inspector-ip": HOST,
            "--inspector-port": str(_free_port()),
            "--persist-to": "state",
            "--show-interactive-dev-session": "false",
        }
        words = [word for option in options.items() for word in option]
        return wrangler.command("dev", "--local", *words)

    def _write_project(self) -> dict[str, Any]:
        """A project in the folder: the real one's settings, which it returns, and what is local."""
        self._folder.mkdir(parents=True, exist_ok=True)
        build = self._folder / "build"
        stage(self._packages, build)
        vendored = self._folder / "python_modules"
        if not vendored.is_symlink():
            vendored.symlink_to(self._vendored)
        config = tomllib.loads((ROOT / "wrangler.toml").read_text(encoding="utf-8"))
        config["main"] = f"build/{self._entry}"
        is_of_pyodide = self._image in {Image.NONE, Image.PYODIDE}
        config["compatibility_flags"] += FLAGS if is_of_pyodide else BUNDLE_FLAGS
        # wrangler takes the variables named here from the environment, and does not print them.
        config["secrets"] = {"required": list(self.variables)}
        for name in DEPLOYED:
            config.pop(name, None)
        if "ANALYTICS" not in self.variables:
            # A deployment may leave it out. The local one takes all and keeps nothing.
            config["analytics_engine_datasets"] = [{"binding": "ANALYTICS"}]
        (self._folder / "wrangler.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
        return config

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + SECONDS_MAX
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise RuntimeError(f"wrangler ended with {process.returncode}:\n{self._log_end()}")
            if (last := self._health(SECONDS_MAX)) == HEALTHY:
                return
            time.sleep(POLL_SECONDS)
        raise RuntimeError(
            f"{self.url}/health did not answer 200 in {SECONDS_MAX} s, the last answer was "
            f"{last}:\n{self._log_end()}"
        )

    def _health(self, seconds_max: float) -> str:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=seconds_max) as response:
                return str(response.status)
        except (OSError, http.client.HTTPException) as error:
            return str(error)

    def _wait_until_silent(self) -> None:
        """The processes are gone when nobody listens any more: the port can be taken again."""
        deadline = time.monotonic() + STOP_SECONDS_MAX
        while time.monotonic() < deadline:
            with socket.socket() as client:
                if client.connect_ex((HOST, self._port)) != 0:
                    return
            time.sleep(POLL_SECONDS)
        raise RuntimeError(f"somebody still listens on {self.url}, though it was killed")

    def _log_end(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join([*lines[-LOG_LINES_SHOWN:], f"(all of it: {self.log})"])


def _free_port() -> int:
    # Tests seed the generator that all share: two processes would be given the same ports.
    for port in random.SystemRandom().sample(PORTS, len(PORTS)):
        with socket.socket() as candidate:
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                candidate.bind((HOST, port))
            except OSError:
                continue
        return port
    raise RuntimeError(f"no port from {PORTS.start} to {PORTS.stop - 1} is free")
