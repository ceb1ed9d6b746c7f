"""The locks, resolved again from what is declared: `python -m dev.lock [--upgrade]`.

Declared are the direct dependencies, in pyproject.toml and package.json; in dev/locks/sdk.in stands
what cannot be installed beside them. The locks name no registry, so that whoever has a mirror uses
it. For the bench, dev/locks/plot.in has what draws its plot, and dev/locks/stock.txt the Worker's
packages with those that are left out of what is deployed.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dev.staging import ROOT


LOCKS = ROOT / "dev/locks"
# What httpx names as its dependencies and imports only for its own connections. A Worker has none
# of those: durable/http/fetch_transport.py is given to every client. `idna` is imported always, so
# it stays.
LEFT_OUT = ("anyio", "certifi", "h11", "httpcore", "typing-extensions")
ANY_HOST = ("--universal", "--python-version", "3.11")
WORKER = ("--python-version", "3.14", "--python-platform", "wasm32-pyodide2024")


def lock_python(declared: str, lock: Path, words: tuple[str, ...]) -> None:
    """Resolve what a file declares. Without `--upgrade` what is in the lock stays where it can."""
    quiet = ("--quiet", "--no-header", "--no-emit-index-url", "--no-python-downloads")
    uv = Path(sys.executable).with_name("uv")
    command: list[str | Path] = [
        uv,
        "pip",
        "compile",
        declared,
        "--generate-hashes",
        *quiet,
        *words,
    ]
    subprocess.run([*command, "--output-file", lock], cwd=ROOT, check=True)


def lock_npm(words: tuple[str, ...]) -> None:
    """Resolve package.json."""
    npm = Path(sys.executable).with_name("npm")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in ("package.json", "package-lock.json"):
            if (ROOT / file).exists():
                (folder / file).write_bytes((ROOT / file).read_bytes())
        verb = "update" if "--upgrade" in words else "install"
        options = ("--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund")
        subprocess.run(
            [npm, verb, *options, "--omit-lockfile-registry-resolved"], cwd=folder, check=True
        )
        lock = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))
    lock["packages"].update(missing_platforms(lock["packages"]))
    # npm's own order: by path, the project first.
    lock["packages"] = dict(sorted(lock["packages"].items()))
    text = json.dumps(lock, indent=2, ensure_ascii=False) + "\n"
    (ROOT / "package-lock.json").write_text(text, encoding="utf-8")


def missing_platforms(packages: dict[str, Any]) -> dict[str, Any]:
    """Entries for other systems' packages, where the registry that was asked has them not.

    A mirror may hold one system's packages only. `npm ci` refuses a lock without the others, on
    every system. They are pinned by version; their hashes come with the first complete registry.
    """
    return {
        f"node_modules/{name}": {
            "version": version,
            "cpu": [{"64": "x64"}.get(cpu, cpu)],
            "dev": True,
            "optional": True,
            "os": [{"windows": "win32"}.get(system, system)],
        }
        for name, version in _optional(packages)
        if f"node_modules/{name}" not in packages
        for system, cpu in [name.rsplit("-", 2)[1:]]
    }


def _optional(packages: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for path, package in packages.items():
        # Those that are named with their system: of the others none has been missing.
        if path == "node_modules/workerd":
            yield from package["optionalDependencies"].items()


def main() -> int:
    words = tuple(sys.argv[1:])
    left_out = tuple(word for name in LEFT_OUT for word in ("--no-emit-package", name))
    lock_python("pyproject.toml", LOCKS / "host.txt", ("--group", "dev", *ANY_HOST, *words))
    lock_python("pyproject.toml", LOCKS / "worker.txt", (*WORKER, *left_out, *words))
    lock_python("pyproject.toml", LOCKS / "stock.txt", (*WORKER, *words))
    for name in ("sdk", "plot"):
        lock_python(f"dev/locks/{name}.in", LOCKS / f"{name}.txt", (*ANY_HOST, *words))
    lock_npm(words)
    return 0


if __name__ == "__main__":
    sys.exit(main())
