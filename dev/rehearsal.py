"""`python -m dev.rehearsal`: import the Worker as a deployment does, and keep its memory.

Cloudflare imports a Python Worker once, at the deployment, and starts all others from the memory
that it had then. Some of what a module may make while it is imported cannot be kept, and is refused
there. The tests' own runtime starts otherwise, and does not mind.
"""

import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from dev.runtime import Runtime
from dev.snapshot import FILE, Image
from dev.staging import PACKAGES, ROOT, deployed_files
from dev.step import STAMP, Step, run


# What is of use of a traceback: our modules say where, and the last line what.
FAULT = re.compile(r"ConfigurationError: (.*?)(?:\\n|\n|\"|$)")
# What an image depends on beside the Worker's own code.
SURROUNDINGS = (
    Path("wrangler.toml"),
    *(Path(made, STAMP) for made in ("node_modules", "python_modules", ".cache/pyodide")),
    *(Path("dev", name) for name in ("bare.py", "runtime.py", "snapshot.py", "workerd")),
)
UNKEPT = "Can't serialize top-level variable"


class RefusedError(Exception):
    """A deployment would be refused; the message says why, and what to do."""


def rehearse(
    folder: Path, packages: Mapping[str, Path] | None = None, *, is_bare: bool = False
) -> Path:
    """Write the image of the imported Worker into a folder. Returns the file.

    Args:
        folder: for the runtime, and for the image in its `image`.
        packages: in place of the project's own, by name.
        is_bare: without wrangler, see `dev.bare`.

    Raises:
        RefusedError: its memory cannot be kept.
    """
    image = folder / "image"
    image.mkdir(parents=True)
    runtime = Runtime(
        folder / "runtime",
        packages=packages,
        image=Image.TAKEN,
        image_folder=image,
        is_bare=is_bare,
    )
    try:
        with runtime:
            pass
    except RuntimeError as error:
        log = runtime.log.read_text(encoding="utf-8", errors="replace")
        raise RefusedError(_reason(log) or str(error)) from error
    return image / FILE


def keep_image(name: str, connectors: Path) -> Path:
    """The folder with the image of the Worker with these connectors, taken anew when it changes.

    A start from it takes half the CPU of one that imports the Worker.

    Args:
        name: of the image; the one before it by this name is replaced.
        connectors: the folder that takes the place of the project's own.

    Raises:
        RefusedError: its memory cannot be kept.
    """
    step = image_step(name, connectors)
    run(ROOT, [step])
    return ROOT / step.target


def image_step(name: str, connectors: Path) -> Step:
    """How the image is made, and from which files."""
    packages = {**PACKAGES, "connectors": connectors}
    files = [(folder, file) for folder in packages.values() for file in deployed_files(folder)]
    inputs = [part for folder, file in files for part in (str(file.relative_to(folder)), file)]
    made = partial(_make, packages)
    target = f".cache/image-{name}"
    return Step("an image of the Worker", target, (*inputs, *SURROUNDINGS), FILE, made)


def _make(packages: Mapping[str, Path], folder: Path, _lock: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        shutil.move(rehearse(Path(scratch, "rehearsal"), packages, is_bare=True), folder / FILE)


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
