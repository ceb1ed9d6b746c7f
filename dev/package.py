"""The production package, made as a deployment makes it and not sent: `python -m dev.package`."""

import gzip
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from dev import deploy, wrangler
from dev.staging import ROOT


class Package(NamedTuple):
    """What would be sent.

    Attributes:
        files: each module's size in bytes, by its path in the package.
        raw_bytes: of all modules.
        gzip_bytes: of all modules in one stream, as wrangler counts them.
        output: what wrangler printed.
    """

    files: dict[str, int]
    raw_bytes: int
    gzip_bytes: int
    output: str


def package(folder: Path) -> Package:
    """Deploy without sending.

    Args:
        folder: empty; the package is in its `modules` afterwards.

    Raises:
        RuntimeError: wrangler refused; with what it printed.
    """
    modules = folder / "modules"
    deploy.hold()
    ended = subprocess.run(
        deploy.command("--dry-run", "--outdir", str(modules)),
        cwd=ROOT,
        env={**wrangler.environment(folder / "home"), "PATH": deploy.environment()["PATH"]},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if ended.returncode != 0:
        raise RuntimeError(f"{' '.join(deploy.command())} --dry-run failed:\n{ended.stdout}")
    files = sorted(file for file in modules.rglob("*") if file.is_file())
    contents = {file.relative_to(modules).as_posix(): file.read_bytes() for file in files}
    # The README is wrangler's note beside the modules.
    contents.pop("README.md", None)
    whole = b"".join(contents.values())
    sizes = {path: len(content) for path, content in contents.items()}
    return Package(sizes, len(whole), len(gzip.compress(whole)), ended.stdout)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        made = package(Path(folder))
    print(made.output)
    raw_kib, gzip_kib = made.raw_bytes / 1024, made.gzip_bytes / 1024
    print(f"package: {len(made.files)} modules, {raw_kib:,.0f} KiB, {gzip_kib:,.0f} KiB with gzip")
    return 0


if __name__ == "__main__":
    sys.exit(main())
