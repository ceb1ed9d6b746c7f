"""What groups lose, beside what they had."""

import pytest

from durable.limits import Limits
from durable.machine.job import Job, Stage
from durable.machine.members import GroupSize, has_lost_too_many, lost_count, sizes_by_key
from durable.machine.states import State
from tests.fakes.jobs import LIMITS, a_job, alter


KNOWN = sizes_by_key({"Staff": 30, "board": 5})


@pytest.mark.parametrize(
    ("sizes", "lost"),
    [
        ({"staff": 30, "board": 5}, 0),
        ({"STAFF": 10, "board": 4}, 21),
        ({"staff": 40, "board": 0}, 5),
        ({"new": 0}, 0),
        ({}, 0),
    ],
    ids=["as they were", "some of each", "one grows", "a new group", "none listed"],
)
def test_what_one_group_wins_makes_good_nothing_that_another_loses(
    sizes: dict[str, int], lost: int
) -> None:
    assert lost_count(sizes_by_key(sizes), KNOWN, {}) == lost


def test_what_a_person_approved_of_does_not_count_down_to_the_number_that_was_told() -> None:
    allowed = {"staff": 10}

    assert lost_count(sizes_by_key({"staff": 10, "board": 0}), KNOWN, allowed) == 5
    assert lost_count(sizes_by_key({"staff": 9, "board": 0}), KNOWN, allowed) == 26


def test_a_group_is_named_as_it_is_spelt() -> None:
    assert sizes_by_key({"Staff": 3})["staff"] == GroupSize("Staff", 3)


def losing(count: int, known_count: int | None) -> Job:
    job = alter(a_job(State.SENDING), lost_member_count=count, known_count=known_count)
    return alter(job, stages=(Stage.MEMBERSHIPS, Stage.DOCUMENTS))


@pytest.mark.parametrize(
    ("count", "known_count", "limits", "is_much"),
    [
        (10, 10, LIMITS, False),
        (11, 11, LIMITS, True),
        (200, 1_000, LIMITS, False),
        (201, 1_000, LIMITS, True),
        (29, 100, Limits(shrink_count=0, shrink_max=0.29), False),
        (11, None, LIMITS, True),
    ],
    ids=["the count", "one more", "the share", "one more than it", "just the share", "of nothing"],
)
def test_members_are_measured_as_documents_are(
    count: int, known_count: int | None, limits: Limits, *, is_much: bool
) -> None:
    assert has_lost_too_many(losing(count, known_count), limits) is is_much
