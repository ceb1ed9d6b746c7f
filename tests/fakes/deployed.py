"""The Worker that syncs the Python documentation, started from its memory as Cloudflare does it."""

from collections.abc import Mapping
from pathlib import Path

from dev.rehearsal import kept
from dev.site import DOCS, Site
from dev.stack import Stack


def deployed(folder: Path, limits: Mapping[str, float], records: int, site: Site = DOCS) -> Stack:
    """Its stack, with so many records in the source. It takes half the time to start."""
    assert site.connectors == DOCS.connectors, "the image is of these"
    arguments = ("--limit-records", str(records))
    image_folder = kept("docs", DOCS.connectors)
    return Stack(folder, limits, arguments, site=site, image_folder=image_folder)
