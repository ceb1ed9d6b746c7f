"""What wrangler.toml says of environments, as in [env.staging], kept from the real deployment.

An environment takes over of the real one whatever it does not say itself: its crons, its routes. A
forgotten line must not have trials write where the real one does.
"""

from collections.abc import Iterator, Mapping
from typing import Any


SUFFIX = "DATASOURCE_SUFFIX"


def faults(config: Mapping[str, Any]) -> Iterator[str]:
    """Why it is not deployed, environment by environment; each with what to do.

    Args:
        config: all of wrangler.toml.
    """
    for name, environment in config.get("env", {}).items():
        place = f"[env.{name}"
        if not environment.get("vars", {}).get(SUFFIX):
            yield (
                f"{place}.vars]: {SUFFIX} is not set, so its connectors would send to the real "
                f'datasources: add the line {SUFFIX} = "{name}"'
            )
        if environment.get("name", "") == config.get("name"):
            yield f"{place}]: name is that of the real Worker: give it another, or leave it out"
        if "crons" not in environment.get("triggers", {}):
            yield f"{place}.triggers]: it would have the real one's crons: add the line crons = []"
        if "routes" in config and "routes" not in environment:
            yield f"{place}]: it would take the real one's routes: add the line routes = []"
        if "route" in config and "route" not in environment:
            yield (
                f"{place}]: it would take the real one's route: write that as routes = [...], and "
                "routes = [] here"
            )
        for binding in environment.get("durable_objects", {}).get("bindings", []):
            if "script_name" in binding:
                yield (
                    f"{place}.durable_objects]: {binding.get('name')} has the objects of another "
                    "Worker: remove script_name"
                )
