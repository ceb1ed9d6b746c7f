"""`python -m dev.deploy`: deploy with pywrangler, and with the packages that the tests ran with.

Words that follow are wrangler's, as in `--dry-run`.
"""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from dev.staging import ROOT


MARKED = ("python_modules", ".venv-workers")
MARK = ".synced"


def hold(root: Path = ROOT) -> None:
    """Have pywrangler take the modules that the lock names for those that it has vendored.

    It would resolve and vendor others, of no hash, which no test has run with.
    """
    for folder in MARKED:
        mark = root / folder / MARK
        mark.parent.mkdir(exist_ok=True)
        mark.write_text(version("workers-py"), encoding="utf-8")


def command(*words: str) -> list[str]:
    """The command line. The version that it makes is tagged with the commit.

    Where no environment is named, it is the real deployment that is meant.
    """
    tag = commit()
    is_named = any(word.startswith(("--env", "-e")) for word in words)
    real = [] if is_named or "CLOUDFLARE_ENV" in os.environ else ["--env="]
    return ["pywrangler", "deploy", *(["--tag", tag] if tag else []), *real, *words]


def environment() -> dict[str, str]:
    """Ours, with the commands of the locks first."""
    first = (str(ROOT / ".venv/bin"), str(ROOT / "node_modules/.bin"))
    return {**os.environ, "PATH": os.pathsep.join([*first, os.environ.get("PATH", os.defpath)])}


def commit() -> str:
    """What is checked out, with `-changed` where files differ from it; empty outside of git."""
    words = ["git", "describe", "--always", "--abbrev=12", "--exclude=*", "--dirty=-changed"]
    try:
        told = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return told.stdout.strip() if told.returncode == 0 else ""


def main() -> int:
    hold()
    return subprocess.run(
        command(*sys.argv[1:]), cwd=ROOT, env=environment(), check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
