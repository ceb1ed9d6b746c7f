"""The memory of a Pyodide that has just started, for workerd to start others from.

A start of a Python Worker costs five seconds of CPU, half of them Pyodide's own, which deployed
Workers are spared in the same way. The image is taken before any file of a Worker is there, so
that all of them can begin with it: `python -m dev.snapshot FOLDER`.
"""

import os
import subprocess
import sys
import tempfile
import tomllib
from enum import StrEnum
from pathlib import Path

from dev.staging import ROOT


class Image(StrEnum):
    """What a runtime starts from, as dev/workerd has it."""

    NONE = "none"  # a cold start
    PYODIDE = "pyodide"  # that has just started
    TAKEN = "taken"  # a cold start, of which the image of the Worker is taken: see dev/rehearsal.py
    WORKER = "worker"  # after its imports, as Cloudflare starts what is deployed


FILE = "snapshot.bin"  # as workerd names it
# For local runs only: deployed, they are refused. The first two have workerd take Pyodide from our
# bundle; the last has it take an image of Pyodide alone, and not of one Worker.
BUNDLE_FLAGS = ("python_workers_development", "experimental")
FLAGS = (*BUNDLE_FLAGS, "disable_python_dedicated_snapshot")
PYODIDE_ALONE = b'"snapshotType":"baseline"'
HEAD_BYTES = 65_536  # of the file: what it is, as JSON
LINES_SHOWN = 15
CONFIG = """\
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [(name = "empty", worker = (
  modules = [(name = "empty.py", pythonModule = "")],
  compatibilityDate = "{date}",
  compatibilityFlags = [{flags}],
))]);
"""


def config(wrangler_toml: str) -> str:
    """Configures workerd for a Worker without code, as old as the real one and with its flags."""
    settings = tomllib.loads(wrangler_toml)
    flags = (*settings["compatibility_flags"], *FLAGS)
    return CONFIG.format(
        date=settings["compatibility_date"], flags=", ".join(f'"{flag}"' for flag in flags)
    )


def take(folder: Path) -> None:
    """Write the image into the folder.

    Raises:
        RuntimeError: it is not there; with what workerd said.
    """
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch, "config.capnp")
        wrangler_toml = (ROOT / "wrangler.toml").read_text(encoding="utf-8")
        file.write_text(config(wrangler_toml), encoding="utf-8")
        options = ("--python-snapshot-dir", str(folder), "--python-save-baseline-snapshot")
        # The Worker itself fails then, as it has no packages; by that time the image is taken.
        ended = subprocess.run(
            [str(ROOT / "dev/workerd"), "test", "--experimental", str(file), *options],
            env={**os.environ, "IMAGE": Image.NONE},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    if not is_of_pyodide_alone(folder / FILE):
        said = "\n".join(ended.stdout.splitlines()[:LINES_SHOWN])
        raise RuntimeError(f"workerd wrote no image of Pyodide alone:\n{said}")


def is_of_pyodide_alone(image: Path) -> bool:
    """Whether it is there, and has nothing of any Worker."""
    if not image.exists():
        return False
    with image.open("rb") as file:
        return PYODIDE_ALONE in file.read(HEAD_BYTES)


def main() -> int:
    take(Path(sys.argv[1]).resolve())
    return 0


if __name__ == "__main__":
    sys.exit(main())
