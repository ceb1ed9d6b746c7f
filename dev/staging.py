"""The deployed packages, and nothing else, copied to where wrangler bundles them from.

wrangler takes all Python below the entry's root folder, so that folder holds only what is deployed:
`python3 -m dev.staging` copies the project's packages into `build`. Standard library only: wrangler
runs this with any Python from 3.11 on, and deploys nothing where it fails.
"""

import os
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from dev import environments


ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = {"__pycache__", "examples"}  # the latter are there to be copied
PACKAGES = {name: ROOT / name for name in ("worker", "durable", "connectors")}


def stage(packages: Mapping[str, Path], target: Path) -> None:
    """Make the target folder hold these packages.

    File by file, and a file that has not changed is not touched: another wrangler that watches or
    reads the same folder sees neither a half-written file nor a change where there is none.

    Args:
        packages: each one's folder, by its name.
        target: made if it is not there; what it has beside the packages is removed.
    """
    wanted = {
        Path(name) / file.relative_to(folder): file
        for name, folder in packages.items()
        for file in deployed_files(folder)
    }
    for path, file in wanted.items():
        _copy(file, target / path)
    for found in sorted(target.rglob("*"), reverse=True):
        if found.is_dir() and not found.is_symlink():
            _remove_if_empty(found)
        elif found.relative_to(target) not in wanted and not _is_partial(found):
            found.unlink(missing_ok=True)


def deployed_files(folder: Path) -> Iterator[Path]:
    """The files of a package that are deployed, in order."""
    for found in sorted(folder.rglob("*")):
        parts = found.relative_to(folder).parts
        is_left_out = any(part in LEFT_OUT or part.startswith(".") for part in parts)
        if found.is_file() and not is_left_out and found.suffix != ".pyc":
            yield found


def _copy(file: Path, target: Path) -> None:
    content = file.read_bytes()
    if target.is_file() and target.read_bytes() == content:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    partial.write_bytes(content)
    partial.replace(target)


def _is_partial(path: Path) -> bool:
    """Whether another process is about to rename it. wrangler does not bundle such names."""
    return path.name.startswith(".") and path.suffix == ".partial"


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return


def main() -> int:
    told = list(environments.faults(tomllib.loads((ROOT / "wrangler.toml").read_text("utf-8"))))
    for fault in told:
        print(f"wrangler.toml: {fault}", file=sys.stderr)
    if not told:
        stage(PACKAGES, ROOT / "build")
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
