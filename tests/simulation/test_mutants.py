"""The simulation still bites: a planted bug does not get past the tests that it names."""

from tests.simulation.mutants import verdicts
from tests.simulation.planted import MUTANTS


MUTANTS_MIN = 30


def test_every_planted_bug_is_caught() -> None:
    survivors = [
        found.mutant.name for found in verdicts(MUTANTS, is_whole=False) if not found.is_caught
    ]

    assert survivors == []


def test_there_are_many_and_each_has_a_name_of_its_own() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= MUTANTS_MIN
