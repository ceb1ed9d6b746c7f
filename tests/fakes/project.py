"""A project like this one, for what an author changes in theirs."""

import shutil
from pathlib import Path

from dev.staging import ROOT


COPIED = ("connectors", "dev", "durable", "worker", "wrangler.toml")
LINKED = (".venv", "node_modules", "python_modules", ".cache/pyodide", ".cache/snapshot")


def a_project(root: Path) -> Path:
    """A copy in an empty folder; what is installed, is not copied. Returns the folder."""
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, root / name)
    (root / ".cache").mkdir()
    for name in LINKED:
        (root / name).symlink_to(ROOT / name)
    return root
