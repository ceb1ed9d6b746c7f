"""The Worker that syncs the Python documentation, started from its memory as Cloudflare does it.

That takes half the time of a start that imports it.
"""

from collections.abc import Mapping
from pathlib import Path

from dev.rehearsal import keep_image
from dev.runtime import Runtime
from dev.site import DOCS, Site
from dev.snapshot import Image
from dev.stack import Stack


def deployed(folder: Path, limits: Mapping[str, float], records: int, site: Site = DOCS) -> Stack:
    """Its stack, with so many records in the source."""
    assert site.connectors == DOCS.connectors, "the image is of these"
    arguments = ("--limit-records", str(records))
    return Stack(folder, limits, arguments, site=site, image_folder=_image_folder())


def deployed_alone(folder: Path, variables: Mapping[str, str]) -> Runtime:
    """Without a source and a Glean."""
    return Runtime(folder, variables, image=Image.WORKER, image_folder=_image_folder())


def _image_folder() -> Path:
    return keep_image("docs", DOCS.connectors)
