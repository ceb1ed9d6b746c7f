"""Bugs of what is tried again that tests/simulation/mutants.py plants."""

from tests.simulation.mutant import Mutant


TRYING = "tests/simulation/test_trying_again.py"
COMES = f"{TRYING}::test_what_was_rejected_is_in_glean_after_the_next_job_that_can_use_it"
LET_GO = f"{TRYING}::test_what_is_rejected_for_ever_is_let_go_after_a_day"
OWN_DAY = f"{TRYING}::test_what_was_let_go_and_came_after_all_has_a_day_of_its_own_again"
NIGHTLY = f"{TRYING}::test_what_was_let_go_is_not_tried_again_though_full_jobs_reject_it_each_night"

OPEN_REJECTS = "durable/machine/open_rejects.py"

REJECT_MUTANTS = [
    Mutant(
        "a job reads on from the watermark, whatever was rejected",
        "durable/engine/turn.py",
        "ReadContext(crawl_id, mode, job.stage, job.reads_from_ms)",
        "ReadContext(crawl_id, mode, job.stage, job.since_ms)",
        (COMES,),
    ),
    Mutant(
        "what is rejected for ever is tried again for ever",
        OPEN_REJECTS,
        "    return now_ms - reject.first_at_ms < limits.rejects_retried_ms",
        "    return now_ms - reject.last_at_ms < limits.rejects_retried_ms",
        (LET_GO,),
    ),
    Mutant(
        "each job that rejects a record gives it another day",
        OPEN_REJECTS,
        "            opened[name] = replace(known.get(name, new),",
        "            opened[name] = replace(new,",
        (LET_GO, NIGHTLY),
    ),
    Mutant(
        "a reject is forgotten by a job that has not come by it",
        OPEN_REJECTS,
        "    return from_ms is None or from_ms <= reject.since_ms",
        "    return True",
        (NIGHTLY,),
    ),
    Mutant(
        "a job that was queued again forgets what others have rejected since",
        OPEN_REJECTS,
        "    if job.started_at_ms < reject.last_at_ms <= now_ms:",
        "    if job.started_at_ms < 0:",
        (f"{TRYING}::test_a_job_that_is_queued_again_later_forgets_no_reject_of_those_between",),
    ),
    Mutant(
        "what a FULL job rejects waits for the next one",
        OPEN_REJECTS,
        "        since_ms = max(watermark_ms or 0, job.started_at_ms - limits.rejects_retried_ms)",
        "        since_ms = job.started_at_ms",
        (COMES,),
    ),
    Mutant(
        "a reject is tried again though it has come",
        OPEN_REJECTS,
        "if not _has_read(job, stage, one, now_ms)",
        "if name",
        (f"{TRYING}::test_once_it_was_accepted_jobs_read_from_their_watermark_again",),
    ),
    Mutant(
        "what was on a list that is not there for a while is gone",
        "durable/engine/comparison.py",
        'keys = ("" if reject.is_list else reject.key for',
        "keys = (reject.key for",
        ("tests/unit/engine/test_lost_lists.py",),
    ),
    Mutant(
        "what was let go has had its day, though it has come since",
        "durable/engine/parcel.py",
        "        return {name for name, _ in self.watched} - rejected",
        "        return rejected - rejected",
        (OWN_DAY,),
    ),
]
