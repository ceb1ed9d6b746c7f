"""The commands that Glean's own Cloudflare example has, by the same names."""

import json
import re

from dev.staging import ROOT


PACKAGE = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))


def test_dev_deploy_and_tail_are_there_and_are_recipes_or_wranglers() -> None:
    recipes = re.findall(
        r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
    )
    commands = {name: command.split() for name, command in PACKAGE["scripts"].items()}

    assert commands.keys() == {"dev", "deploy", "tail"}
    assert commands["tail"] == ["wrangler", "tail"]
    for name in ("dev", "deploy"):
        assert commands[name] == ["make", name]
        assert name in recipes
