"""Chromium, which the browser tests drive: what is there is taken, and on Debian it is installed.

`python -m dev.chromium` comes before the tests. Where none can be had, they are skipped and say so.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from dev.staging import ROOT


NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# One quiet browser: it asks nobody on the internet for anything, and may run as root.
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
PACKAGES = ("chromium", "fonts-liberation")
TRIED = ROOT / ".cache" / "chromium.log"  # there as soon as the installation was tried
APT_SECONDS_MAX = 240
APT = ("apt-get", "-qq", "-o", "DPkg::Lock::Timeout=60")
INSTALL = (*APT, "install", "--yes", "--no-install-recommends")
COMMANDS = (
    (*APT, "update"),
    # The network's part comes first: only that may take too long, and can be broken off.
    (*INSTALL, "--download-only", *PACKAGES),
    (*INSTALL, "--no-download", *PACKAGES),
)
MISSING = (
    "there is no Chromium on PATH: install your system's package of it, as in "
    "`apt-get install chromium`"
)


def find_program() -> str | None:
    """The program; None if there is none."""
    return next((path for name in NAMES if (path := shutil.which(name)) is not None), None)


def install(tried: Path) -> None:
    """Have apt-get install it. How that went is in the file; it is not tried twice."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with tried.open("w", encoding="utf-8") as log:
        for command in COMMANDS:
            ended = subprocess.run(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=APT_SECONDS_MAX,
                check=False,
            )
            if ended.returncode != 0:
                return


def main() -> int:
    can_install = shutil.which("apt-get") is not None and os.geteuid() == 0
    if find_program() is None and can_install and not TRIED.exists():
        print("setup: Chromium for the browser tests, once", flush=True)
        try:
            install(TRIED)
        except subprocess.TimeoutExpired:
            print(f"setup: that took more than {APT_SECONDS_MAX} s", file=sys.stderr)
    if find_program() is None:
        log = f" (what apt-get said: {TRIED.relative_to(ROOT)})" if TRIED.exists() else ""
        print(f"setup: the browser tests are left out: {MISSING}{log}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
