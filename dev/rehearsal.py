"""`python -m dev.rehearsal`: import the Worker as a deployment does, and keep its memory.

Cloudflare imports a Python Worker once, at the deployment, and starts all others from the memory
that it had then. Some of what a module may make while it is imported cannot be kept, and is refused
there. The tests' own runtime starts otherwise, and does not mind.
"""

import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from dev.runtime import Runtime
from dev.snapshot import FILE, Image


# What is of use of a traceback: our modules say where, and the last line what.
FAULT = re.compile(r"ConfigurationError: (.*?)(?:\\n|\n|\"|$)")
UNKEPT = "Can't serialize top-level variable"


class RefusedError(Exception):
    """A deployment would be refused; the message says why, and what to do."""


def rehearse(folder: Path, packages: Mapping[str, Path] | None = None) -> Path:
    """Write the image of the imported Worker into a folder. Returns the file.

    Args:
        folder: for the runtime, and for the image in its `image`.
        packages: in place of the project's own, by name.

    Raises:
        RefusedError: its memory cannot be kept.
    """
    image = folder / "image"
    image.mkdir(parents=True)
    runtime = Runtime(folder / "runtime", packages=packages, image=Image.TAKEN, image_folder=image)
    try:
        with runtime:
            pass
    except RuntimeError as error:
        log = runtime.log.read_text(encoding="utf-8", errors="replace")
        raise RefusedError(_reason(log) or str(error)) from error
    return image / FILE


def _reason(log: str) -> str:
    if UNKEPT in log:
        return (
            "a module keeps an object of JavaScript's, or what holds one, in a variable at its "
            "top level: make it in a function"
        )
    return next((found[1] for found in FAULT.finditer(log)), "")


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        try:
            rehearse(Path(folder))
        except RefusedError as error:
            print(f"error: the deployment would be refused: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
