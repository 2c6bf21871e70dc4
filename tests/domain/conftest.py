"""Hypothesis for the pure core: the same examples in every run, and no clock."""

from hypothesis import settings

settings.register_profile("core", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("core")
