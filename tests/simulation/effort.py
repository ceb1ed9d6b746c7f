"""How many worlds Hypothesis makes: a few on a developer's machine, more where CI is set."""

import os

from hypothesis import HealthCheck, settings


settings.register_profile(
    "dev",
    max_examples=200,
    deadline=None,  # a busy machine is no failure
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("ci", settings.get_profile("dev"), max_examples=1_000, derandomize=True)

# Not loaded as the default: that would be everybody's, also that of other folders' tests.
EFFORT = settings.get_profile("ci" if os.environ.get("CI") else "dev")
