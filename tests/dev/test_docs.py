"""What the documentation names, exists."""

import ast
import re
from pathlib import Path

import pytest

from dev.staging import ROOT


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TEST = re.compile(r"(tests/[\w/]+\.py)::(\w+)")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
PLACE = re.compile(r"\]\(([^)#:\s]*)#([^)]+)\)")


def functions(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_test_that_is_named_exists(page: Path) -> None:
    named = TEST.findall(page.read_text(encoding="utf-8"))

    missing = [
        f"{path}::{name}"
        for path, name in named
        if not (ROOT / path).is_file() or name not in functions(ROOT / path)
    ]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_file_that_is_linked_exists(page: Path) -> None:
    links = LINK.findall(page.read_text(encoding="utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []


def headings(page: Path) -> set[str]:
    """As links name them."""
    found = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in found}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_heading_that_is_linked_exists(page: Path) -> None:
    links = PLACE.findall(page.read_text(encoding="utf-8"))

    missing = [
        f"{path}#{place}"
        for path, place in links
        if place not in headings(page.parent / path if path else page)
    ]
    assert missing == []


def test_each_threat_names_a_test() -> None:
    page = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    _, _, threats = page.partition("## Threats")
    rows = [row for row in threats.splitlines() if row.startswith("| ") and "---" not in row][1:]

    assert len(rows) >= 20
    assert [row for row in rows if not TEST.search(row)] == []
