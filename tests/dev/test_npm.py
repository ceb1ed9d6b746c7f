"""The commands that Glean's own Cloudflare example has, by the same names."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from dev.staging import ROOT


COMMANDS = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["scripts"]


def test_dev_and_deploy_are_recipes() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipes = re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)

    assert COMMANDS.keys() == {"dev", "deploy", "tail"}
    assert {"dev", "deploy"} <= {*recipes}
    # npm passes a signal on to the shell, whose place make takes: else it would not come to make.
    assert (COMMANDS["dev"], COMMANDS["deploy"]) == ("exec make dev", "make deploy")


@pytest.mark.workerd
def test_tail_is_wranglers_with_the_node_that_it_needs(tmp_path: Path) -> None:
    # As npm runs it: the system's own Node may be too old for wrangler.
    path = os.pathsep.join([str(ROOT / "node_modules/.bin"), os.defpath])

    ended = subprocess.run(
        ["sh", "-c", f"{COMMANDS['tail']} --help"],
        cwd=ROOT,
        env={"PATH": path, "HOME": str(tmp_path), "WRANGLER_SEND_METRICS": "false"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("wrangler tail [worker]")
