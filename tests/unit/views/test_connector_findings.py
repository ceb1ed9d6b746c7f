"""What is worth knowing of a connector, though nothing has failed."""

from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.slowdown import RECOVERY_MS, Slowdown
from durable.machine.states import State
from durable.views.connector_findings import FindingCode, slowed
from durable.views.steps import Phrase
from tests.fakes.bench import NOW_MS, Bench
from tests.fakes.jobs import a_job, alter


PER_MINUTE = Limits().documents_per_minute_max
SLOWED = Phrase(
    FindingCode.SLOWED, {"documents_per_minute": 300, "documents_per_minute_max": PER_MINUTE}
)
SLOW = replace(
    alter(a_job(State.SENDING), slowdown=Slowdown(300, NOW_MS)), id="notes-1", connector="notes"
)


def test_a_rate_that_was_halved_is_told_until_it_is_whole_again() -> None:
    older = alter(SLOW, slowdown=Slowdown(9, NOW_MS - 1))

    assert slowed([older, SLOW], PER_MINUTE, NOW_MS) == SLOWED
    assert slowed([older, SLOW], PER_MINUTE, NOW_MS + RECOVERY_MS) is None
    assert slowed([alter(SLOW, slowdown=None)], PER_MINUTE, NOW_MS) is None
    assert slowed([], PER_MINUTE, NOW_MS) is None


def test_the_connector_and_the_job_at_work_show_it() -> None:
    bench = Bench()
    bench.put(SLOW)
    codes = [finding.code for finding in bench.views.overview().findings]

    assert codes == [finding.code for finding in bench.views.show(SLOW).findings]
    assert codes == [FindingCode.SLOWED]
    assert bench.views.show(replace(SLOW, state=State.SUCCEEDED)).findings == ()
