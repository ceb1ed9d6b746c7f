"""The simulation still bites: no planted bug gets past it.

Against each bug the tests that it names are run: in CI, and where this file or a bug is asked for
by name; else a third of them are planted. `make mutants` has what these let through meet the whole
simulation.
"""

import os

import pytest

from tests.simulation.mutant import Mutant
from tests.simulation.mutants import ROOT, is_caught
from tests.simulation.planted import MUTANTS


MUTANTS_MIN = 30
IS_WHOLE = bool(os.environ.get("WHOLE"))
WHOLE = ("tests/simulation", "--ignore=tests/simulation/test_mutants.py")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_bug_is_caught(mutant: Mutant) -> None:
    assert is_caught(mutant, mutant.tests) or (IS_WHOLE and is_caught(mutant, WHOLE))


@pytest.mark.parametrize("file", sorted({mutant.file for mutant in MUTANTS}))
def test_the_code_that_is_changed_is_there_once(file: str) -> None:
    """Of all of them, also of those that are left to CI."""
    whole = (ROOT / file).read_text(encoding="utf-8")

    told = [each.name for each in MUTANTS if each.file == file and whole.count(each.before) != 1]
    assert told == []


def test_the_tests_that_are_to_catch_them_are_there() -> None:
    named = {test for each in MUTANTS for test in each.tests}

    assert sorted(test for test in named if not is_there(test)) == []


def is_there(test: str) -> bool:
    """Whether there is such a file, and such a function in it."""
    file, _, name = test.partition("::")
    function = f"def {name.partition('[')[0]}(" if name else ""
    return (ROOT / file).is_file() and function in (ROOT / file).read_text(encoding="utf-8")


def test_there_are_many_and_each_has_a_name_of_its_own() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= MUTANTS_MIN
