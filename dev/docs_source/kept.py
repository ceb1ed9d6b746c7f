"""What `harvest` has found, kept from the first call on: it takes seconds of CPU."""

import sys
import sysconfig
from pathlib import Path

import msgspec

from dev.docs_source.entry import Entry
from dev.docs_source.harvest import harvest
from dev.staging import ROOT
from dev.step import Step, run


FILE = "entries.msgpack"
HERE = Path(__file__).parent


def kept() -> list[Entry]:
    """All entries; made anew where the Python or what harvests them has changed."""
    step = Step("the entries of the documentation", ".cache/docs-entries", _inputs(), FILE, _make)
    run(ROOT, [step])
    content = (ROOT / step.target / FILE).read_bytes()
    return msgspec.msgpack.decode(content, type=list[Entry])


def _inputs() -> list[Path | str]:
    return [sys.version, sysconfig.get_path("stdlib"), *sorted(HERE.glob("*.py"))]


def _make(folder: Path, _lock: int) -> None:
    (folder / FILE).write_bytes(msgspec.msgpack.encode(harvest()))
