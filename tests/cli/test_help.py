"""What the program says of itself, and what docs/cli.md says of it."""

import re
import shlex
import subprocess
import sys

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from dev.staging import ROOT
from glean_sync import __version__
from glean_sync.app import app
from glean_sync.exits import MEANINGS, CommandError, ExitCode


PAGE = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
COMMANDS = get_command(app).commands  # type: ignore[attr-defined] # a group's
EXAMPLE = re.compile(r"^glean-sync (.*?)(?:\s+#.*)?$", re.MULTILINE)


def section(command: str) -> str:
    """What docs/cli.md says of a command."""
    _, _, rest = PAGE.partition(f"\n### {command}\n")
    return re.split(r"\n##", rest, maxsplit=1)[0]


def options(command: str) -> set[str]:
    """Those that are not every command's."""
    shared = {"--help", "--json", "--verbose", "--url", "--token-file", "--profile"}
    parameters = COMMANDS[command].params
    return {name for each in parameters for name in each.opts if name.startswith("--")} - shared


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_a_section_with_an_example_and_all_its_options(command: str) -> None:
    told = section(command)

    assert any(line.startswith(f"glean-sync {command}") for line in told.splitlines()), told
    assert set(re.findall(r"(?<![\w-])--[a-z-]+", told)) >= options(command)


def test_no_section_is_of_a_command_that_there_is_not() -> None:
    assert re.findall(r"^### (\S+)$", PAGE, re.MULTILINE) == list(COMMANDS)


@pytest.mark.parametrize("example", EXAMPLE.findall(PAGE))
def test_each_example_can_be_typed(example: str) -> None:
    words = shlex.split(example.partition(" | ")[0].partition(" <")[0].partition(" >")[0])
    if words[0].startswith("--"):
        assert CliRunner().invoke(app, [words[0], "--help"]).exit_code == 0
        return

    # Raises where it does not parse.
    COMMANDS[words[0]].make_context(words[0], words[1:])


def test_the_exit_codes_are_in_the_help_and_in_the_page() -> None:
    shown = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["--help"]).stdout

    for code, meaning in MEANINGS.items():
        assert f"{code.value}: {meaning.replace('`', '')}" in " ".join(shown.split())
        assert f"| {code.value} | {meaning} |" in PAGE
    assert set(MEANINGS) == set(ExitCode)


def test_each_error_has_a_code_of_its_own() -> None:
    codes = [error.code for error in CommandError.__subclasses__()]

    assert len(codes) == len(set(codes))
    assert not {ExitCode.DONE, ExitCode.FAILED, ExitCode.HELD} & set(codes)


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("no-such-command",),
        ("status",),
        ("trigger", "tickets"),
        ("trigger", "tickets", "--mode", "some"),
        ("jobs", "--limit", "0"),
        ("jobs", "--limit", "101"),
        ("jobs", "--state", "asleep"),
        ("approve",),
    ],
)
def test_a_wrong_command_line_is_a_wrong_usage(words: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(app, words)

    assert shown.exit_code == 2
    assert "Usage: " in shown.output


def test_it_tells_its_version() -> None:
    shown = CliRunner().invoke(app, ["--version"])

    assert (shown.exit_code, shown.stdout) == (0, f"glean-sync {__version__}\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_it_completes_its_commands_in_each_shell(shell: str) -> None:
    words = {"_GLEAN_SYNC_COMPLETE": f"source_{shell}", "PYTHONPATH": str(ROOT / "cli")}
    command = [sys.executable, "-m", "glean_sync"]

    made = subprocess.run(command, env=words, capture_output=True, text=True, check=True)

    assert "glean-sync" in made.stdout
    assert "_GLEAN_SYNC_COMPLETE" in made.stdout


def test_it_completes_what_was_begun() -> None:
    environment = {
        "_GLEAN_SYNC_COMPLETE": "complete_bash",
        "COMP_WORDS": "glean-sync con",
        "COMP_CWORD": "1",
        "PYTHONPATH": str(ROOT / "cli"),
    }
    command = [sys.executable, "-m", "glean_sync"]

    made = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)

    assert made.stdout.split() == ["connectors", "config"]
