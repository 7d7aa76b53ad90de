"""Hypothesis counts no seconds here: the machine may be busy, and what must be quick has a test that says so."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("trubka", deadline=None)
settings.load_profile("trubka")
