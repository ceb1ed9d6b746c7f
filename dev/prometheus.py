"""Prometheus, which the tests ask the dashboard's panels and the alerts of.

What is on PATH is taken; on Debian, its package is unpacked into `.cache/`, which installs nothing
and starts nothing. `python -m dev.prometheus` comes before the tests. Where none can be had, they
are skipped and say so.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dev.staging import ROOT


FOLDER = ROOT / ".cache" / "prometheus"
TRIED = ROOT / ".cache" / "prometheus.log"  # there as soon as the package was asked for
APT_SECONDS_MAX = 240
APT = ("apt-get", "-qq", "-o", "DPkg::Lock::Timeout=60")
LISTENING = re.compile(r'msg="Listening on" address=(127\.0\.0\.1:\d+)')
READY = "Server is ready"
MISSING = (
    "there is no Prometheus on PATH: install your system's package of it, as in "
    "`apt-get install prometheus`"
)


def find_program(name: str = "prometheus", folder: Path = FOLDER) -> str | None:
    """One of its programs, the server or promtool; None if there is none."""
    return shutil.which(name) or shutil.which(name, path=str(folder / "usr/bin"))


def unpack(folder: Path, tried: Path) -> None:
    """Get Debian's package and unpack it. How that went is in the file; it is not tried twice."""
    folder.mkdir(parents=True, exist_ok=True)
    with tried.open("w", encoding="utf-8") as log:
        # What is known of the packages may do, and only root may learn more.
        if not _ran([*APT, "download", "prometheus"], folder, log.fileno()):
            _ran([*APT, "update"], folder, log.fileno())
            _ran([*APT, "download", "prometheus"], folder, log.fileno())
        for package in folder.glob("prometheus_*.deb"):
            _ran(["dpkg-deb", "--extract", package.name, "."], folder, log.fileno())
            package.unlink()


@contextmanager
def serving(configuration: Path, data: Path) -> Iterator[str]:
    """The server, for as long as the `with` block lasts; gives its URL.

    Args:
        configuration: the file.
        data: the folder of its samples; what is there, is there to be asked for.
    """
    program = find_program()
    assert program is not None, MISSING
    command = [
        program,
        f"--config.file={configuration}",
        f"--storage.tsdb.path={data}",
        "--storage.tsdb.retention.time=100y",  # or it deletes what is old
        "--web.listen-address=127.0.0.1:0",
    ]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        yield _url(server)
    finally:
        server.terminate()
        server.communicate()


def _url(server: subprocess.Popen[str]) -> str:
    """Once it is ready. Raises RuntimeError, with what it has said, if it never is."""
    assert server.stderr is not None
    said = ""
    for line in server.stderr:
        said += line
        if READY in line and (listening := LISTENING.search(said)) is not None:
            return f"http://{listening[1]}"
    raise RuntimeError(f"Prometheus ended before it was ready:\n{said}")


def _ran(command: list[str], folder: Path, log: int) -> bool:
    ended = subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        timeout=APT_SECONDS_MAX,
        check=False,
    )
    return ended.returncode == 0


def main() -> int:
    can_unpack = shutil.which("apt-get") is not None and shutil.which("dpkg-deb") is not None
    if find_program() is None and can_unpack and not TRIED.exists():
        print("setup: Prometheus for the tests of its metrics, once", flush=True)
        try:
            unpack(FOLDER, TRIED)
        except subprocess.TimeoutExpired:
            print(f"setup: that took more than {APT_SECONDS_MAX} s", file=sys.stderr)
    if find_program() is None:
        log = f" (what apt-get said: {TRIED.relative_to(ROOT)})" if TRIED.exists() else ""
        print(f"setup: the tests on Prometheus are left out: {MISSING}{log}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
