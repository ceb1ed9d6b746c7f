"""What is worth knowing of a connector, though nothing has failed."""

from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.job import Pacing
from durable.machine.observations import UNSTEADY_CRAWLS, ForeignUploads, Steadiness
from durable.machine.pages import ChangeCounts
from durable.machine.slowdown import RECOVERY_MS, Slowdown
from durable.machine.states import State
from durable.views.connector_findings import FindingCode, foreign, slowed, unstable
from durable.views.overview import Condition
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


UNSTEADY = Steadiness("f", "notes-1", UNSTEADY_CRAWLS, 6, 11)


def test_a_mapping_that_is_never_the_same_is_told_with_its_counts() -> None:
    told = Phrase(FindingCode.UNSTABLE, {"changed": 6, "known": 11})

    assert unstable(UNSTEADY) == told
    assert unstable(replace(UNSTEADY, unsteady_count=UNSTEADY_CRAWLS - 1)) is None


def test_another_clients_uploads_are_told_as_long_as_the_latest_full_job_saw_them() -> None:
    uploads = ForeignUploads(2, "theirs", "notes-1")

    assert foreign(uploads, "notes-1") == Phrase(FindingCode.FOREIGN, {"count": 2})
    assert foreign(uploads, "notes-2") is None
    assert foreign(ForeignUploads(), None) is None


def test_the_connector_and_the_job_that_found_it_show_it() -> None:
    bench = Bench()
    done = replace(SLOW, state=State.SUCCEEDED, pacing=Pacing(), finished_at_ms=NOW_MS)
    bench.put(done)
    observations = bench.store.observations
    observations.add_upload("theirs", done)
    for number in range(UNSTEADY_CRAWLS + 1):
        changes = ChangeCounts(changed=9, rewritten=9)
        last = alter(done, id=f"notes-{number}", fingerprint="f", changes=changes)
        observations.add_crawl(last)

    shown = bench.views.overview()

    codes = [FindingCode.UNSTABLE, FindingCode.FOREIGN]
    assert [finding.code for finding in shown.findings] == codes
    assert shown.foreign_uploads == bench.views.measures().foreign_upload_count == 1
    assert shown.health is Condition.OK
    assert [one.code for one in bench.views.show(done).findings] == [FindingCode.FOREIGN]
    assert [one.code for one in bench.views.show(last).findings] == [FindingCode.UNSTABLE]
