import pytest
from msgspec.structs import replace

from durable.connector import NAME_CHARACTERS_MAX
from durable.errors import ConfigurationError
from durable.job import Mode
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


@pytest.mark.parametrize("datasource", ["", "my_notes", "my-notes", "my notes", "nötes", "a\n"])
def test_a_datasource_that_glean_would_refuse_is_refused(datasource: str) -> None:
    with pytest.raises(ConfigurationError, match="ASCII letters and digits") as error:
        replace(NOTES, datasource=datasource)

    assert str(error.value).startswith("connector 'notes': datasource: ")
    assert repr(datasource) in str(error.value)


def test_a_schedule_that_is_no_cron_expression_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"'notes': schedule: '0 25 \* \* \*'.*hour.*five"):
        replace(NOTES, schedule={"0 25 * * *": Mode.FULL})


def test_a_connector_may_have_no_schedule() -> None:
    assert replace(NOTES, schedule={}).schedule == {}


@pytest.mark.parametrize("pattern", ["", r"https://notes\.example/.*", "https://a.example/[0-9]+"])
def test_a_url_regex_is_a_pattern(pattern: str) -> None:
    assert replace(NOTES, url_regex=pattern).url_regex == pattern


@pytest.mark.parametrize("pattern", ["https://[", "(", "*", "a{2,1}", "(?P<a>.)(?P<a>.)"])
def test_a_url_regex_that_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        replace(NOTES, url_regex=pattern)

    assert str(error.value).startswith(f"connector 'notes': url_regex: {pattern!r} is not right: ")


def test_a_connector_may_leave_it_to_glean_what_documents_it_takes() -> None:
    assert (NOTES.url_regex, NOTES.object_types) == ("", frozenset())


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as error:
        replace(
            NOTES, name="Notes", datasource="my-notes", schedule={"daily": Mode.FULL}, url_regex="("
        )

    beginnings = [line.split(": ")[:2] for line in str(error.value).splitlines()]
    assert beginnings == [
        ["connector 'Notes'", field] for field in ("name", "datasource", "schedule", "url_regex")
    ]
