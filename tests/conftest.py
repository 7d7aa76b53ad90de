"""Hypothesis counts no seconds here: the machine may be busy, and what must be quick is measured by the bench.

A test run of one tree is the same everywhere: its examples are chosen by the test, not by chance, so that what passed here passes
elsewhere. `TRUBKA_EXPLORE=1` looks for new ones (`make plays`); what it finds belongs into a test as an `@example`.
"""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "trubka",
    deadline=None,
    derandomize="TRUBKA_EXPLORE" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("trubka")
