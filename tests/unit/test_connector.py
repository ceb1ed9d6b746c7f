from typing import ClassVar

import pytest
from msgspec.structs import replace

from durable.connector import NAME_CHARACTERS_MAX
from durable.errors import ConfigurationError
from durable.job import Mode
from durable.paging.cursors import BodyCursor
from durable.sources.http import HttpSource
from tests.fakes.connector import NOTES


@pytest.mark.parametrize("name", ["a", "7", "notes-of-2026", "x" * NAME_CHARACTERS_MAX])
def test_a_name_of_small_letters_digits_and_single_hyphens_is_taken(name: str) -> None:
    assert replace(NOTES, name=name).name == name


@pytest.mark.parametrize(
    "name", ["", "Notes", "a_b", "a--b", "-a", "a-", "a b", "a\n", "ä", "x" * 41]
)
def test_any_other_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        replace(NOTES, name=name)

    assert str(error.value).startswith(f"connector {name!r}: name: ")
    assert "lower-case letters, digits and single hyphens" in str(error.value)


class Delegated(HttpSource, frozen=True):
    """Brings its documents to Glean by itself."""

    is_delegated: ClassVar[bool] = True


def test_what_a_source_brings_by_itself_cannot_be_verified() -> None:
    source = Delegated(url="https://notes.example", paging=BodyCursor())
    assert replace(NOTES, source=source, processes_at_once=True).processes_at_once

    with pytest.raises(ConfigurationError, match="'notes': verifies: it is not for a source that"):
        replace(NOTES, source=source, verifies=True)


def test_nothing_is_verified_or_processed_at_once_unless_that_is_declared() -> None:
    assert (NOTES.verifies, NOTES.processes_at_once) == (False, False)


def test_a_schedule_that_is_no_cron_expression_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"'notes': schedule: '0 25 \* \* \*'.*hour.*five"):
        replace(NOTES, schedule={"0 25 * * *": Mode.FULL})


def test_a_connector_may_have_no_schedule() -> None:
    assert replace(NOTES, schedule={}).schedule == {}


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as error:
        replace(NOTES, name="Notes", schedule={"daily": Mode.FULL, "0 25 * * *": Mode.FULL})

    beginnings = [line.split(": ")[:2] for line in str(error.value).splitlines()]
    assert beginnings == [
        ["connector 'Notes'", field] for field in ("name", "schedule", "schedule")
    ]
