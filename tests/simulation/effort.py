"""How much is tried: little on a developer's machine, all of it where CI is set.

Hypothesis makes hundreds of worlds or thousands; Glean's documentation is read in every way that
differs from the usual one in two places, or in every way (what it leaves open of documents is
combined by itself); of what is tried in pairs, each meets an eighth of the others, or all of them;
and of moments a part is tried, or each.

`WORLDS=50000 make test ARGS=tests/simulation` makes as many as one has time for.
"""

import os
from collections.abc import Iterable, Sequence
from typing import TypeVar

from hypothesis import HealthCheck, settings

from dev.local_glean import readings
from dev.local_glean.readings import every


IS_WHOLE = bool(os.environ.get("CI"))
WORLDS = int(os.environ.get("WORLDS", "2000" if IS_WHOLE else "200"))
OF_UPLOADS = list(every(None if IS_WHOLE else 2))
OF_DOCUMENTS = [one for one in every(names=readings.OF_DOCUMENTS) if one != readings.DEFAULTS]
READINGS = [*OF_UPLOADS, *OF_DOCUMENTS]

SHARES = 1 if IS_WHOLE else 8  # of pairs
GOLDEN_RATIO = 0.618034
MOMENTS = 1 if IS_WHOLE else 3  # one in so many is tried

Moment = TypeVar("Moment")
Second = TypeVar("Second")

# Not registered as the default: that would be everybody's, also that of other folders' tests.
EFFORT = settings(
    max_examples=WORLDS,
    derandomize=IS_WHOLE,
    deadline=None,  # a busy machine is no failure
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)


def met(place: int, others: Iterable[Second]) -> Sequence[Second]:
    """What the first one at a place meets of the others: its share, its neighbours have the rest.

    Together those first ones that have all shares meet all others.
    """
    return [*others][place % SHARES :: SHARES]


def tried(moments: Iterable[Moment]) -> Sequence[Moment]:
    """Those that are tried. Moments repeat themselves, so they are taken at no even distance."""
    there = enumerate(moments)
    return [one for place, one in there if place * GOLDEN_RATIO % 1 < 1 / MOMENTS]
