"""Bugs planted one at a time, each to be caught by the simulation.

Each is planted in a process of its own, forked from one that has imported all but the project. A
survivor means that a property is missing.
"""

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType

import pytest

from tests.simulation.planted import Mutant


ROOT = Path(__file__).parent.parent.parent
SECONDS_MAX = 900
ENVIRONMENT = {
    "CI": "1",  # the same worlds each time
    "WORLDS": "60",  # what only thousands of worlds would find, is found too rarely
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # Schemathesis takes longer than most tests here
}
WORDS = ("-x", "-q", "--no-header", "-p", "no:cacheprovider", "-p", "pytest_timeout")
# What the tests import of others. Nothing of the project's: a bug is planted before it is imported.
SHARED = ["httpx", "hypothesis", "hypothesis.stateful", "msgspec", "pytest", "xdist.scheduler"]

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(SHARED)


def is_caught(mutant: Mutant, tests: Sequence[str]) -> bool:
    """Whether one of the tests fails with the bug. They stop at the first that does.

    Raises:
        ValueError: the code that it changes is not there, once; or there is no verdict.
    """
    file = ROOT / mutant.file
    whole = file.read_text(encoding="utf-8")
    if whole.count(mutant.before) != 1:
        raise ValueError(f"{mutant.name}: {mutant.file} has not once\n{mutant.before}")
    planter = Planter(file, whole.replace(mutant.before, mutant.after))
    with tempfile.NamedTemporaryFile(prefix="mutant-") as shown:
        process = _forks.Process(target=_run, args=(planter, tests, shown.name))
        process.start()
        process.join(SECONDS_MAX)
        if process.exitcode is None:
            process.kill()
            process.join()
        code = process.exitcode
        process.close()
        # 1: tests failed. Anything else is no verdict: a syntax error, no test, no end.
        if code not in {0, 1}:
            output = Path(shown.name).read_text(encoding="utf-8", errors="replace")
            raise ValueError(f"{mutant.name}: pytest ended with {code}\n{output}")
    return code == 1


class Planter(MetaPathFinder):
    """Has one module imported from another text than its file's.

    Args:
        file: the module's.
        text: what is imported.
    """

    def __init__(self, file: Path, text: str) -> None:
        self._file = file
        self._text = text
        self._module = ".".join(file.relative_to(ROOT).with_suffix("").parts)

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._module:
            return None
        loader = _Loader(fullname, str(self._file), self._text)
        return spec_from_file_location(fullname, self._file, loader=loader)

    def plant(self) -> None:
        assert self._module not in sys.modules, f"{self._module} was imported before"
        sys.meta_path.insert(0, self)

    def check(self) -> None:
        """The tests did import it."""
        loader = getattr(sys.modules.get(self._module), "__loader__", None)
        assert isinstance(loader, _Loader), f"{self._module} is not the one that was planted"


class _Loader(SourceFileLoader):
    def __init__(self, fullname: str, path: str, text: str) -> None:
        super().__init__(fullname, path)
        self._text = text

    def get_code(self, _fullname: str) -> CodeType:
        """Compiled here: what is kept beside the file is not of this text."""
        code: CodeType = self.source_to_code(self._text, self.path)
        return code


def _run(planter: Planter, tests: Sequence[str], shown: str) -> None:
    """In the fork."""
    output = os.open(shown, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.chdir(ROOT)
    os.environ.update(ENVIRONMENT)
    planter.plant()
    code = pytest.main([*WORDS, *tests])
    planter.check()
    sys.exit(int(code))
