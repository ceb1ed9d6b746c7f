"""What is known here of a deployment: wrangler.toml, and `.dev.vars` for local runs.

The secrets themselves are at Cloudflare, and nothing here asks there.
"""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, field

from dev import environments
from durable.errors import ConfigurationError


FILE = "wrangler.toml"


class _Triggers(Struct, frozen=True):
    crons: list[str] = []


class _Secrets(Struct, frozen=True):
    required: list[str] = []


class _Environment(Struct, frozen=True):
    variables: dict[str, Any] = field(default_factory=dict, name="vars")


class _Wrangler(Struct, frozen=True):
    """The part of wrangler.toml that is looked at."""

    triggers: _Triggers = _Triggers()
    variables: dict[str, Any] = field(default_factory=dict, name="vars")
    secrets: _Secrets | None = None
    environments: dict[str, _Environment] = field(default_factory=dict, name="env")


class Deployment(Struct, frozen=True, kw_only=True):
    """Names and values, as far as they are known.

    Attributes:
        crons: of [triggers].
        variables: of [vars].
        required: of [secrets], the names of those without which wrangler does not deploy; None
            where it does not say.
        local: of .dev.vars; None where there is no such file.
        environments: of each, its variables.
        faults: of environments.
    """

    crons: Sequence[str]
    variables: Mapping[str, Any]
    required: Sequence[str] | None
    local: Mapping[str, str] | None
    environments: Mapping[str, Mapping[str, Any]] = {}
    faults: Sequence[str] = ()

    @property
    def values(self) -> Mapping[str, str]:
        """Those of a local run."""
        texts = {name: of for name, of in self.variables.items() if isinstance(of, str)}
        return {**texts, **(self.local or {})}


def deployment(root: Path, local: Mapping[str, str] | None) -> Deployment:
    """That of a project.

    Args:
        root: with wrangler.toml.
        local: what .dev.vars has.

    Raises:
        ConfigurationError: wrangler.toml cannot be read, or has something else in the place of
            what is looked for.
    """
    try:
        config = tomllib.loads((root / FILE).read_text(encoding="utf-8"))
        wrangler = msgspec.convert(config, _Wrangler)
    except (OSError, ValueError) as error:  # msgspec's and tomllib's are ValueErrors
        raise ConfigurationError(f"{FILE}: it cannot be read: {error}: mend it") from error
    return Deployment(
        crons=wrangler.triggers.crons,
        variables=wrangler.variables,
        required=None if wrangler.secrets is None else wrangler.secrets.required,
        local=local,
        environments={name: each.variables for name, each in wrangler.environments.items()},
        faults=list(environments.faults(config)),
    )
