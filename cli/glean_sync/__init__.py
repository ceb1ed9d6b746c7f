"""The command line of glean-durable-sync."""

__version__ = "0.1.0"
