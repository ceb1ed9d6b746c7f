"""The simulation still bites: no planted bug gets past it.

Against each bug the tests that it names are run. `make mutants` has what these let through meet the
whole simulation.
"""

import os

import pytest

from tests.simulation.mutants import is_caught
from tests.simulation.planted import MUTANTS, Mutant


MUTANTS_MIN = 30
IS_WHOLE = bool(os.environ.get("WHOLE"))
WHOLE = ("tests/simulation", "--ignore=tests/simulation/test_mutants.py")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_bug_is_caught(mutant: Mutant) -> None:
    assert is_caught(mutant, mutant.tests) or (IS_WHOLE and is_caught(mutant, WHOLE))


def test_there_are_many_and_each_has_a_name_of_its_own() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= MUTANTS_MIN
