"""How many examples the property tests try: few on every change, many at night.

HYPOTHESIS_PROFILE chooses. No profile has a deadline: a slow machine is no bug. The examples of
"ci" are the same on every run, so that a change is never blamed for another one's luck.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]

settings.register_profile(
    "ci", max_examples=200, deadline=None, derandomize=True, suppress_health_check=QUIET
)
settings.register_profile(
    "nightly", max_examples=5000, deadline=None, print_blob=True, suppress_health_check=QUIET
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
