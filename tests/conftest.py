"""Hypothesis counts no seconds here: the machine may be busy, and what must be quick is measured by the bench."""

from hypothesis import settings

settings.register_profile("trubka", deadline=None)
settings.load_profile("trubka")
