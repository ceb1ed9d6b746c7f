import re

import pytest

from dev.staging import ROOT
from dev.truncation.cases import CASES
from dev.truncation.document import BEGIN, DOCUMENT, END, escape, insert_table
from dev.truncation.readers import SDK_LOCK, read_by_this_project
from dev.truncation.server import serving


TEXT = DOCUMENT.read_text(encoding="utf-8")
TABLE = TEXT.partition(BEGIN)[2].partition(END)[0].strip().splitlines()


def test_the_table_has_all_cases_and_no_others() -> None:
    names = [line.removeprefix("| ").partition(" | ")[0] for line in TABLE[2:]]

    assert names == [case.name for case in CASES], "run `make truncation`"


def test_the_cases_are_told_apart_by_their_names() -> None:
    assert len({case.name for case in CASES}) == len(CASES)


def test_the_table_was_made_with_the_sdk_that_is_locked() -> None:
    lock = (ROOT / SDK_LOCK).read_text(encoding="utf-8")
    (version,) = re.findall(r"^glean-indexing-sdk==(\S+)", lock, re.MULTILINE)

    assert f"`glean-indexing-sdk` {version}," in TABLE[0]


def test_the_table_says_how_this_project_reads() -> None:
    with serving(CASES) as urls:
        ours = read_by_this_project(urls, CASES)

    cells = [line.split(" | ")[-1].removesuffix(" |") for line in TABLE[2:]]
    assert cells == [escape(outcome) for outcome in ours], "run `make truncation`"


def test_a_document_without_its_markers_is_refused() -> None:
    with pytest.raises(ValueError, match=BEGIN):
        insert_table("no table here", "a table")


def test_what_is_around_the_markers_stays() -> None:
    assert insert_table(f"head{BEGIN}old{END}tail", "new") == f"head{BEGIN}\nnew\n{END}tail"
