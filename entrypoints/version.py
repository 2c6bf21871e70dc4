"""The version of Casepilot, as installed."""

from importlib.metadata import version

VERSION = version("casepilot")
