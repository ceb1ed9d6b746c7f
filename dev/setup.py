"""Everything that a recipe needs, set up from the locks: `python3 -m dev.setup`.

Standard library only, since this runs before anything is installed. After the first time it needs
no network, until a lock changes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from dev import step
from dev.step import Step


if TYPE_CHECKING:
    from collections.abc import Sequence


ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
LOG = CACHE / "setup.log"
PYTHON_MIN = (3, 11)
HOST_LOCK = Path("dev/locks/host.txt")
WORKER_LOCK = Path("dev/locks/worker.txt")
BUNDLE_INPUTS = (Path("package-lock.json"), Path("dev/bundle.py"), Path("dev/bundle.capnp"))
FAILED_LINES_SHOWN = 15
# The platform of workerd's Pyodide, as its wheels name it.
WORKER_PLATFORM = (
    "--platform=pyemscripten_2026_0_wasm32",
    "--python-version=3.14",
    "--implementation=cp",
    "--abi=cp314",
)


class SetupError(Exception):
    """The message is one sentence that says what to do."""


def _run(command: Sequence[str | Path], lock: int, advice: str, folder: Path = ROOT) -> None:
    """Run a program of a step, with the virtual environment's Node first on PATH."""
    environment = {
        **os.environ,
        "PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
    }
    with LOG.open("w+", encoding="utf-8", errors="replace") as log:
        ended = subprocess.run(
            [str(word) for word in command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=(lock,),
            check=False,
        )
        if ended.returncode == 0:
            return
        log.seek(0)
        shown = "".join(log.readlines()[-FAILED_LINES_SHOWN:])
    raise SetupError(f"{shown}\n{advice} (all output: {LOG.relative_to(ROOT)})")


def _make_venv(requirements: Path, target: Path, lock: int) -> None:
    """Make a virtual environment of what a lock of Python packages names."""
    for module, package in (("venv", "python3-venv"), ("ensurepip", "python3-venv")):
        if find_spec(module) is None:
            raise SetupError(
                f"this Python has no module {module!r}: install your system's {package} package, "
                "or name another Python with `make PYTHON=...`"
            )
    # The interpreter itself, also where a virtual environment (even this one) is active.
    python = Path(sys.executable).resolve()
    _run([python, "-m", "venv", target], lock, "could not make a virtual environment")
    _run(
        [*_pip(target), "-r", ROOT / requirements],
        lock,
        "could not install the Python packages: check that pip can reach PyPI, and try again",
    )


def _make_node_modules(target: Path, lock: int) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / name, target.parent / name)
    # What these packages' install scripts do is check and speed up what works without.
    _run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", target.parent],
        lock,
        "could not install the npm packages: check that npm can reach its registry, and try again",
        target.parent,
    )
    (target.parent / "node_modules").rename(target)


def make_python_modules(requirements: Path, target: Path, lock: int) -> None:
    """Fill a folder with the packages of a Worker that a lock names."""
    words = ("--target", target, "--no-deps", "--no-compile", *WORKER_PLATFORM)
    _run(
        [*_pip(ROOT / ".venv"), *words, "-r", ROOT / requirements],
        lock,
        "could not install the Worker's packages: check that pip can reach PyPI, and try again",
    )
    # Commands of the packages: they name this machine's Python, and a Worker has no use for them.
    shutil.rmtree(target / "bin", ignore_errors=True)


def _make_bundle(target: Path, lock: int) -> None:
    _run(
        [
            ROOT / ".venv/bin/python",
            *("-m", "dev.bundle", ROOT / "node_modules/pyodide", target / "pyodide_dev.capnp.bin"),
        ],
        lock,
        "could not make the Pyodide bundle: see above",
    )


def _take_snapshot(target: Path, lock: int) -> None:
    _run(
        [ROOT / ".venv/bin/python", "-m", "dev.snapshot", target],
        lock,
        "could not take the image of a started Pyodide: see above",
    )


def _pip(venv: Path) -> list[str | Path]:
    options = ("--disable-pip-version-check", "--require-hashes", "--only-binary=:all:")
    return [venv / "bin/python", "-m", "pip", "install", *options]


def venv(what: str, target: str, lock: Path) -> Step:
    """A virtual environment of what a lock names."""
    # Its commands hold its path: a moved project needs another.
    inputs = (lock, str(ROOT))
    return Step(what, target, inputs, "bin/python", partial(_make_venv, lock), is_movable=False)


STEPS = (
    venv("Python packages and Node", ".venv", HOST_LOCK),
    Step(
        "wrangler, workerd and Pyodide",
        "node_modules",
        (Path("package.json"), Path("package-lock.json")),
        "wrangler",
        _make_node_modules,
    ),
    Step(
        "the Worker's Python packages",
        "python_modules",
        (WORKER_LOCK, *WORKER_PLATFORM),
        "workers",
        partial(make_python_modules, WORKER_LOCK),
    ),
    Step(
        "the Pyodide bundle",
        ".cache/pyodide",
        BUNDLE_INPUTS,
        "pyodide_dev.capnp.bin",
        _make_bundle,
    ),
    Step(
        "an image of Pyodide, started",
        ".cache/snapshot",
        (*BUNDLE_INPUTS, Path("dev/snapshot.py"), Path("wrangler.toml")),
        "snapshot.bin",
        _take_snapshot,
    ),
)


def main() -> int:
    if sys.version_info < PYTHON_MIN:
        wanted, found = (
            ".".join(map(str, version[:2])) for version in (PYTHON_MIN, sys.version_info)
        )
        print(
            f"setup: Python {wanted} or newer is needed and this is {found}: "
            "install one and name it, as in `make PYTHON=python3.12`",
            file=sys.stderr,
        )
        return 1
    try:
        step.run(ROOT, STEPS)
    except SetupError as error:
        print(f"setup: {error}".rstrip("."), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("setup: interrupted; the next one goes on from here", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
