"""A short soak; `make soak` runs the same for as long as one likes. See dev/soak."""

import random
from functools import partial
from itertools import islice
from pathlib import Path

import pytest

from dev.rehearsal import keep_image
from dev.site import DOCS
from dev.soak.plan import rounds
from dev.soak.play import soak
from dev.soak.tally import Tally
from tests.fakes.deployed import LightStack
from tests.simulation.effort import IS_WHOLE


pytestmark = pytest.mark.workerd

# Its first rounds replace and reconcile, have people, uploads that are taken and lost closes; and
# of kills, each of which costs a start of the runtime, one at the opening, one in the middle and
# one at the close.
SEED = 237
ROUNDS = 2 if IS_WHOLE else 1


def test_a_short_soak_loses_nothing_and_deletes_nothing_wrongly(tmp_path: Path) -> None:
    tally = Tally()

    planned = islice(rounds(random.Random(SEED)), ROUNDS)
    stack_of = partial(LightStack, image_folder=keep_image("docs", DOCS.connectors))
    soak(tmp_path, planned, tally, lambda _text: None, stack_of)

    assert tally.verdict == "soak: 0 documents lost, 0 wrongly deleted"
    assert tally.rounds == len(tally.readings) == ROUNDS
    assert tally.kills >= ROUNDS + 1
    assert tally.troubles.total() >= 5 * ROUNDS
