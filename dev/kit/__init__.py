"""The test kit for connectors. These are the names that a connector's test uses."""

from dev.kit.answers import Responses
from dev.kit.check import check_connector
from dev.kit.recording import recorded
from dev.kit.report import Report


__all__ = ["Report", "Responses", "check_connector", "recorded"]
