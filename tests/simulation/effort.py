"""How many worlds Hypothesis makes: a few on a developer's machine, thousands where CI is set.

`WORLDS=50000 make test ARGS=tests/simulation` makes as many as one has time for.
"""

import os

from hypothesis import HealthCheck, settings


WORLDS = int(os.environ.get("WORLDS", "2000" if os.environ.get("CI") else "200"))

# Not registered as the default: that would be everybody's, also that of other folders' tests.
EFFORT = settings(
    max_examples=WORLDS,
    derandomize=bool(os.environ.get("CI")),
    deadline=None,  # a busy machine is no failure
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
