"""What is done where Glean has another number of documents."""

import pytest
from msgspec.structs import replace

from durable.machine.mismatch import Remembered, calls_for_replacement
from durable.machine.verification import Verdict
from tests.fakes.verifications import a_verification


@pytest.mark.parametrize("verdict", Verdict)
def test_a_mismatch_alone_calls_for_a_replacement(verdict: Verdict) -> None:
    verification = replace(a_verification(), verdict=verdict)

    assert calls_for_replacement(verification, Remembered()) is (verdict is Verdict.MISMATCH)


def test_one_that_a_replacement_has_not_mended_calls_for_no_other() -> None:
    mismatch = replace(a_verification(), verdict=Verdict.MISMATCH)

    assert not calls_for_replacement(mismatch, Remembered(is_replaced=True))


def test_what_glean_has_paused_no_replacement_mends() -> None:
    mismatch = replace(a_verification(), verdict=Verdict.MISMATCH, upload_state="DELETION PAUSED")

    assert not calls_for_replacement(mismatch, Remembered())


def test_what_was_paused_after_an_earlier_upload_no_replacement_mends_either() -> None:
    """A job that reconciles has none of its own."""
    mismatch = replace(a_verification(), verdict=Verdict.MISMATCH)

    assert not calls_for_replacement(mismatch, Remembered(), is_paused=True)
