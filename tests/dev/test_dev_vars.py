"""`.dev.vars` is read as wrangler reads it, or not at all."""

import json
import subprocess
from pathlib import Path

import pytest

from dev import wrangler
from dev.dev_vars import read
from dev.staging import ROOT
from durable.errors import ConfigurationError


LINES = {
    "A=1": "1",
    "  B = two words  ": "two words",
    "export C=3": "3",
    "D=": "",
    "E=five # of them": "five",
    "F='a # b'": "a # b",
    'G="a \' b" # quoted': "a ' b",
    'H=`it\'s "one"`': 'it\'s "one"',
    "I='\\n'": "\\n",
    "J=it's": "it's",
    "K=a=b&c\\n": "a=b&c\\n",
    "L=''": "",
    "M=#none": "",
    "N=' kept '": " kept ",
    "_o1=ä€": "ä€",
}
# What wrangler's own code makes of the file.
WRANGLERS = """
const { unstable_getVarsForDev: read } = require(process.argv[1]);
const found = Object.entries(read(process.argv[2], undefined, {}, undefined, true));
console.log(JSON.stringify(Object.fromEntries(found.map(([name, of]) => [name, of.value]))));
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / ".dev.vars"


def name_of(line: str) -> str:
    return line.partition("=")[0].removeprefix("export ").strip()


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_each_line_is_a_value(file: Path, end: str) -> None:
    file.write_text(end.join(["# of mine", "", *LINES]), encoding="utf-8", newline="")

    assert read(file) == {name_of(line): value for line, value in LINES.items()}


def test_wrangler_reads_the_same(file: Path, tmp_path: Path) -> None:
    file.write_text("\ufeff" + "\n".join(["# of mine", "", *LINES]), encoding="utf-8")
    command = [wrangler.NODE, "-e", WRANGLERS, str(ROOT / "node_modules/wrangler"), str(file)]

    made = subprocess.run(
        command, env=wrangler.environment(tmp_path), capture_output=True, check=True
    )

    assert json.loads(made.stdout) == read(file)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("TOKEN: s3cret", "it is no NAME=VALUE"),
        ("s3cret", "it is no NAME=VALUE"),
        ("MY-TOKEN=s3cret", "it is no NAME=VALUE"),
        ("TOKEN='s3cret", "the value of TOKEN is not quoted from its beginning to its end"),
        ("TOKEN='s3'cret", "the value of TOKEN is not quoted from its beginning to its end"),
        ('TOKEN="s3\\ncret"', "the value of TOKEN has a backslash, which in double quotes"),
        ("TOKEN=s3#cret", "the value of TOKEN has a #, where wrangler takes it for ended"),
        ("FIRST=s3cret", "FIRST stands there twice"),
    ],
)
def test_what_wrangler_may_read_otherwise_is_refused_without_the_value(
    file: Path, line: str, fault: str
) -> None:
    file.write_text(f"FIRST=1\n\n{line}\n")

    with pytest.raises(ConfigurationError) as error:
        read(file)

    assert str(error.value).startswith(f".dev.vars, line 3: {fault}")
    assert "s3" not in str(error.value)


def test_a_file_in_another_encoding_is_refused(file: Path) -> None:
    file.write_bytes("A=ä".encode("latin-1"))

    with pytest.raises(ConfigurationError, match="it is not UTF-8"):
        read(file)


def test_each_line_that_is_not_right_is_told(file: Path) -> None:
    file.write_text("A\nB=1\nC='\n")

    with pytest.raises(ConfigurationError) as error:
        read(file)

    lines = [line.partition(": ")[0] for line in str(error.value).splitlines()]
    assert lines == [".dev.vars, line 1", ".dev.vars, line 3"]


def test_a_file_that_is_not_there_is_no_fault(file: Path) -> None:
    assert read(file) is None
