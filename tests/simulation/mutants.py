"""Bugs planted one at a time, each to be caught by the simulation.

Each is planted in a process of its own, forked from one that has imported all. A survivor means
that a property is missing.
"""

import gc
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from inspect import CO_OPTIMIZED
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

import pytest

from tests.fakes.forked import FORKS
from tests.simulation.mutant import Mutant


ROOT = Path(__file__).parent.parent.parent
SECONDS_MAX = 800  # less than what a test may take
ENVIRONMENT = {
    "CI": "1",  # the same worlds each time
    "WORLDS": "60",  # what only thousands of worlds would find, is found too rarely
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # Schemathesis takes longer than most tests here
}
# The source of what fails is read by nobody.
WORDS = ("-x", "-q", "--no-header", "--tb=native", "-p", "no:cacheprovider", "-p", "pytest_timeout")
VERDICT = 10  # to pytest's own codes: what fails for another reason, ends with 1 as well
SURVIVED, CAUGHT = VERDICT, VERDICT + 1
NAMELESS = ("object has no attribute", "NameError: name")  # what was planted asks for what was once
OURS = frozenset({"durable", "worker", "connectors", "dev", "tests"})


def is_caught(mutant: Mutant, tests: Sequence[str]) -> bool:
    """Whether one of the tests fails with the bug. They stop at the first that does.

    Raises:
        ValueError: the code that it changes is not there, once; or there is no verdict.
    """
    file = ROOT / mutant.file
    whole = file.read_text(encoding="utf-8")
    if whole.count(mutant.before) != 1:
        raise ValueError(f"{mutant.name}: {mutant.file} has not once\n{mutant.before}")
    planter = Planter(file, whole, whole.replace(mutant.before, mutant.after))
    with tempfile.NamedTemporaryFile(prefix="mutant-") as shown:
        process = FORKS.Process(target=_run, args=(planter, tests, shown.name))
        process.start()
        process.join(SECONDS_MAX)
        if process.exitcode is None:
            process.kill()
            process.join()
        code = process.exitcode
        process.close()
        output = Path(shown.name).read_text(encoding="utf-8", errors="replace")
        # Anything else is no verdict: a syntax error, a name that is no more, no test, no end, or a
        # fault of ours.
        if code not in {SURVIVED, CAUGHT} or any(words in output for words in NAMELESS):
            raise ValueError(f"{mutant.name}: pytest ended with {code}\n{output}")
    return code == CAUGHT


class Planter(MetaPathFinder):
    """Has one module run another text than its file's.

    Args:
        file: the module's.
        before: its text.
        after: what it runs instead.
    """

    def __init__(self, file: Path, before: str, after: str) -> None:
        self._file = file
        self._before = before
        self._text = after
        self._module = ".".join(file.relative_to(ROOT).with_suffix("").parts)

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._module:
            return None
        loader = _Loader(fullname, str(self._file), self._text)
        return spec_from_file_location(fullname, self._file, loader=loader)

    def plant(self) -> None:
        if not self._replace():
            for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
                del sys.modules[name]
            sys.meta_path.insert(0, self)

    def check(self) -> None:
        """The tests did import it, where it is to be imported."""
        if self in sys.meta_path:
            loader = getattr(sys.modules.get(self._module), "__loader__", None)
            assert isinstance(loader, _Loader), f"{self._module} is not the one that was planted"

    def _replace(self) -> bool:
        """Give the functions that differ their new code, if the module was imported.

        False: more than functions differ, or one was not found. To import all anew takes ten times
        as long as most tests.
        """
        path = str(self._file)
        codes = [compile(text, path, "exec") for text in (self._before, self._text)]
        different = {(old.co_qualname, old.co_firstlineno): new for old, new in _pairs(*codes)}
        found = [
            (one, different[place])
            for one in gc.get_objects()
            if type(one) is FunctionType and one.__module__ == self._module
            if (place := (one.__code__.co_qualname, one.__code__.co_firstlineno)) in different
        ]
        if None in different.values() or len(found) != len(different):
            return False
        for function, code in found:
            assert code is not None
            function.__code__ = code
        return True


def _pairs(old: CodeType, new: CodeType) -> Iterator[tuple[CodeType, CodeType | None]]:
    """The functions of a module or class that differ, and what they become.

    None: itself differs.
    """
    inner = [[one for one in code.co_consts if isinstance(one, CodeType)] for code in (old, new)]
    if _told(old, is_whole=False) != _told(new, is_whole=False):
        yield old, None
        return
    for before, after in zip(*inner, strict=True):
        if not before.co_flags & CO_OPTIMIZED:  # a class
            yield from _pairs(before, after)
        elif _told(before) != _told(after):
            yield before, after


def _told(code: CodeType, *, is_whole: bool = True) -> tuple[object, ...]:
    """All that it does, wherever it stands; the functions in it only where it is whole."""
    inner = tuple(
        (_told(one) if is_whole else None) if isinstance(one, CodeType) else (type(one), one)
        for one in code.co_consts
    )
    names = code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars
    counts = code.co_argcount, code.co_kwonlyargcount, code.co_posonlyargcount, code.co_flags
    return code.co_qualname, code.co_code, names, counts, inner


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
    gc.disable()  # it does not live long, and would copy all that it shares
    output = os.open(shown, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.chdir(ROOT)
    os.environ.update(ENVIRONMENT)
    planter.plant()
    code = pytest.main([*WORDS, *tests])
    planter.check()
    sys.exit(VERDICT + int(code))
