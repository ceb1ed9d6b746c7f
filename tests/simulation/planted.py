"""The bugs that tests/simulation/mutants.py plants. Each was, or nearly was, somebody's own."""

from tests.simulation.mutant import Mutant
from tests.simulation.planted_ledger import LEDGER_MUTANTS
from tests.simulation.planted_rejects import REJECT_MUTANTS


CRASH = "tests/simulation/test_every_crash.py::test_any_one_fault_is_survived"
PACED = f"{CRASH}[INCREMENTAL, paced]"
TWO_FAULTS = (
    "tests/simulation/test_every_crash.py::test_any_two_faults_are_survived[FULL, side by side]"
)
FOR_GOOD = "tests/simulation/test_every_crash.py::test_a_refusal_for_good_ends_the_job_at_once"
GONE = "tests/simulation/test_readings.py::test_an_upload_that_is_gone_at_any_moment_is_begun_anew"
IGNORED = f"{GONE}[displaced-refuses_discarded]"  # the switch that is not at its default
ALWAYS = "tests/simulation/test_readings.py::test_an_upload_that_is_always_displaced_ends_the_job_and_nothing_is_deleted"  # noqa: E501
NOTICED = "tests/simulation/test_readings.py::test_an_upload_that_is_gone_is_noticed_by_the_first_page_that_is_refused"  # noqa: E501
PART = "tests/simulation/test_readings.py::test_a_batch_of_which_glean_has_a_part_brings_the_rest"
DELETIONS = "tests/simulation/test_deletions.py"
DYING = "tests/simulation/test_dying.py"
ENDINGS = "tests/simulation/test_endings.py"
HOLDING = "tests/simulation/test_holding.py"
LATE = "tests/simulation/test_late_requests.py"
OWN_CLOCK = "tests/simulation/test_own_clock.py"
PROGRESS = "tests/simulation/test_progress.py"
BISECTED = f"{PROGRESS}::test_bisecting_keeps_what_it_has_learnt_though_every_third_request_fails"
LOST_TICKS = "tests/simulation/test_lost_ticks.py"
OVERLAP = "tests/simulation/test_overlap.py"
ISOLATE = "tests/simulation/test_isolate.py"
PEOPLE = "tests/simulation/test_people.py"
READINGS = "tests/simulation/test_readings.py"
REFUSALS = "tests/simulation/test_refusals.py"
REJECTS = "tests/simulation/test_rejects.py"
RESTORED = "tests/simulation/test_restored.py"
SHARING = "tests/simulation/test_sharing.py"
STAGES = "tests/simulation/test_stages.py"
UNTAKEN = f"{STAGES}::test_a_group_that_glean_does_not_take_fails_the_job_after_all_else_is_brought"
STRANGERS = f"{STAGES}::test_whatever_fails_strangers_are_left_out_of_their_groups_and_nobody_else"
TOLD_ENDS = "tests/unit/sources/test_told_ends.py"
TRIGGERS = "tests/simulation/test_triggers.py"
TRUNCATION = "tests/simulation/test_truncation.py"
VERIFYING = "tests/simulation/test_verifying.py"
AT_ONCE = f"{ENDINGS}::test_alarms_that_go_off_at_once_do_not_shorten_a_wait"
EACH_PAGE = f"{ENDINGS}::test_a_fault_at_every_page_never_adds_up_to_failure"
INTERCEPTED = f"{ENDINGS}::test_a_full_job_believes_nothing_that_is_answered_in_gleans_place"
TOO_LARGE = f"{REJECTS}::test_a_request_that_is_too_large_is_halved_and_later_ones_are_smaller"
VERIFIED = f"{VERIFYING}::test_glean_is_asked_after_the_success_until_it_holds_all"

KILLING = (
    "tests/simulation/test_neighbours.py::test_a_page_that_kills_ends_its_own_job_and_no_other"
)
FURTHER = "tests/simulation/test_neighbours.py::test_a_job_that_comes_further_between_deaths_survives_any_number_of_them"  # noqa: E501
SMALLER = "tests/unit/sources/paging/test_halving.py::test_after_a_smaller_page_a_cursor_goes_back_with_the_size_that_it_came_with"  # noqa: E501
AGAIN = "tests/unit/sources/test_nested.py::test_parents_that_come_again_and_again_under_new_cursors_come_to_an_end"  # noqa: E501
SEVERAL = (
    "tests/simulation/test_parts.py::test_all_that_takes_several_answers_is_brought_whatever_fails"
)
REDEFINED = f"{DYING}::test_a_connector_that_changes_under_a_running_job_begins_it_anew"
WRONG = f"{TRUNCATION}::test_no_upload_is_closed_and_the_error_says_what_was_wrong"
UNTOUCHED = f"{OWN_CLOCK}::test_no_change_is_lost_or_sent_again_by_each_job_whatever_fails"

ALERTS = "durable/machine/alerts.py"
JOB = "durable/machine/job.py"
OBSERVATIONS = "durable/machine/observations.py"
BATCHES = "durable/glean/batches.py"
DELETION_WATCH = "durable/machine/deletion_watch.py"
GROUP_UPLOADS = "durable/engine/group_uploads.py"
MACHINE = "durable/machine/machine.py"
FLOW = "durable/machine/transfer.py"
FAILURES = "durable/machine/recovery.py"
WINDOW = "durable/machine/window.py"
LANDED = "durable/machine/page_progress.py"
LIFECYCLE = "durable/machine/transitions.py"
WATERMARK = "durable/machine/watermark.py"
SINCE = "durable/sources/since.py"
TICKS = "durable/machine/ticks.py"
CONNECTOR = "durable/connector/connector.py"
PACE = "durable/machine/pacing.py"
GUARD = "durable/machine/safeguards.py"
COUNTING = "durable/sources/paging/counting.py"
JUMP = "durable/sources/paging/jump.py"
TURN = "durable/engine/turn.py"
ROOM = "durable/machine/room.py"
SLOWDOWN = "durable/machine/slowdown.py"
MEMORY = "durable/machine/memory.py"
WAITING = "durable/machine/waiting.py"
ENDING = "durable/machine/ending.py"
SETTLING = "durable/machine/settling.py"
STORE = "durable/store/store.py"
SUCCESSES = "durable/store/checkpoints.py"
EXECUTOR = "durable/engine/executor.py"
SENDER = "durable/engine/batch_sender.py"
PACKING = "durable/engine/packing.py"
PROCESSOR = "durable/engine/processor.py"
COMMANDS = "durable/machine/commands.py"
GLEAN = "durable/glean/client.py"
MEANINGS = "durable/glean/statuses.py"
VERIFICATION = "durable/machine/verification.py"
VERIFIER = "durable/engine/verifier.py"

MUTANTS = [
    *LEDGER_MUTANTS,
    *REJECT_MUTANTS,
    Mutant(
        "what a lost tick was to begin, is begun by each later one",
        TICKS,
        "    latest_ms = max(due_at_ms, ticks.begun_at_ms.get(mode.value, 0))\n",
        "    latest_ms = 0 * due_at_ms\n",
        (LOST_TICKS, "tests/unit/machine/test_ticks.py"),
    ),
    Mutant(
        "what was due before the schedule was seen counts as missed",
        TICKS,
        "due_ms is not None and due_ms > seen_at_ms:",
        "due_ms is not None:",
        ("tests/unit/machine/test_ticks.py",),
    ),
    Mutant(
        "deletions are read after the changes, and take away what was restored",
        CONNECTOR,
        "{Stage.DELETIONS: self.deletions, Stage.DOCUMENTS: self.documents}",
        "{Stage.DOCUMENTS: self.documents, Stage.DELETIONS: self.deletions}",
        (RESTORED,),
    ),
    Mutant(
        "nothing before the watermark is read again",
        SINCE,
        "    return max(0, since_ms - overlap_ms) // SECOND_MS * SECOND_MS\n",
        "    return since_ms\n",
        (OVERLAP,),
    ),
    Mutant(
        "a login page with a 200 is taken for Glean's word",
        GLEAN,
        "        self._believe(path, write_fault(answer.body))\n",
        "        assert answer\n",
        (INTERCEPTED,),
    ),
    Mutant(
        "what a proxy refuses in HTML rejects records",
        MEANINGS,
        "    if is_page(error.words) and status not in OF_ANYBODY",
        "    if is_page(error.words) and status in OF_ANYBODY",
        (f"{ENDINGS}::test_a_full_job_believes_nothing_that_is_answered_in_gleans_place[open-4]",),
    ),
    Mutant(
        "a conflict outside of an upload ends the job",
        MEANINGS,
        "    409: Meaning.CONFLICT,",
        "    409: Meaning.END,",
        (f"{REFUSALS}::test_a_conflict_of_single_documents_is_waited_for",),
    ),
    Mutant(
        "a refusal that is meant for all rejects each record",
        SENDER,
        "        is_for_all = await self._inquiry.is_meant_for_all("
        "send.page_index, batch, error, glean)\n",
        "        is_for_all = False\n",
        (f"{REFUSALS}::test_a_refusal_that_is_meant_for_all_ends_the_job_with_gleans_words",),
    ),
    Mutant(
        "users of a connector whose documents a backend brings are never replaced",
        JOB,
        "        return not self.is_stage_delegated and not self.is_reconciling",
        "        return not self.is_delegated and not self.is_reconciling",
        ("tests/unit/machine/test_machine_stages.py",),
    ),
    Mutant(
        "a job's end leaves the verification without an alarm",
        TURN,
        "if is_another_queued else self._store.wake_at_ms(now_ms)",
        "if is_another_queued else None",
        (VERIFYING,),
    ),
    Mutant(
        "a question about what Glean holds takes the alarm of a job that was begun meanwhile",
        VERIFIER,
        "        if not self._store.pending():  # else the alarm is theirs\n",
        "        if self._limits:\n",
        (f"{VERIFYING}::test_a_job_that_is_begun_during_a_question_is_not_disturbed",),
    ),
    Mutant(
        "a question about what Glean holds is lost with the isolate",
        VERIFIER,
        "        # The next question's alarm is set before this one is asked.\n"
        "        await self._save(verification, now_ms)\n",
        "",
        (VERIFIED,),
    ),
    Mutant(
        "numbers of before the close verify what came after it",
        VERIFICATION,
        "_agrees(verification) and _is_current(verification, holdings, now_ms)",
        "_agrees(verification)",
        (f"{VERIFYING}::test_changes_that_incremental_jobs_bring_meanwhile_leave_it_verified",),
    ),
    Mutant(
        "a call that Glean takes once in three hours is repeated when its answer is lost",
        VERIFICATION,
        "            process_at_ms=now_ms + PROCESSING_MS,\n",
        "            process_at_ms=now_ms + limits.verify_pause_ms_min,\n",
        (f"{VERIFYING}::test_any_two_faults_are_survived[processed and verified]",),
    ),
    Mutant(
        "what Glean does not tell of a deletion is held for done",
        DELETION_WATCH,
        "deletions=Deletions.UNKNOWN.value",
        "deletions=Deletions.DONE.value",
        (f"{DELETIONS}::test_what_glean_never_tells_is_unknown_in_the_end",),
    ),
    Mutant(
        "a job is done with its first stage",
        LIFECYCLE,
        "    if job.stage_index + 1 >= len(job.stages):",
        "    if job.stages:",
        (STAGES,),
    ),
    Mutant(
        "each try of a group's members has the same upload",
        WINDOW,
        'upload_id = f"{job.id}-{job.turn_count}-{page_index + 1}"',
        'upload_id = f"{job.id}-{page_index + 1}"',
        (STRANGERS,),
    ),
    Mutant(
        "a group counts as brought with the first of its requests",
        "durable/engine/parcel.py",
        "is_whole = part.closes and not any(",
        "is_whole = not any(",
        (f"{STAGES}::test_a_request_that_arrives_late_leaves_no_group_half",),
    ),
    Mutant(
        "a group whose last member is refused stays as it was",
        GROUP_UPLOADS,
        "elif len(batch.items) == 1 and (part.opens or part.closes):",
        "elif len(batch.items) == 1 and part.opens:",
        (STRANGERS,),
    ),
    Mutant(
        "a member that is refused takes all others of its group with it",
        GROUP_UPLOADS,
        "        (item,) = batch.items\n",
        "        (item,) = batch.items\n        self._unbrought.add(part.upload_id)\n",
        (STRANGERS,),
    ),
    Mutant(
        "a group that is rejected before it is sent is no reason to fail",
        WINDOW,
        "        shortfall=job.shortfall or page.shortfall,\n",
        "",
        (f"{STAGES}::test_a_group_that_is_rejected_here_fails_the_job_after_all_else_is_brought",),
    ),
    Mutant(
        "a group that Glean does not take is no reason to fail",
        LIFECYCLE,
        "State.FAILED if job.shortfall else State.SUCCEEDED",
        "State.SUCCEEDED",
        (UNTAKEN,),
    ),
    Mutant(
        "more documents are sent one by one than Glean takes",
        PACE,
        "indexing_ms(single_documents_max(per_minute), per_minute) > MINUTE_MS",
        "indexing_ms(single_documents_max(per_minute), per_minute) > 2 * MINUTE_MS",
        (PACED,),
    ),
    Mutant(
        "each FULL job that leaves older documents is told of anew",
        ALERTS,
        "    told, is_due = remind(told, DEGRADED, now_ms)\n",
        "    told, is_due = remind(settle(told, {DEGRADED})[0], DEGRADED, now_ms)\n",
        ("tests/unit/machine/test_alerts.py",),
    ),
    Mutant(
        "each job that takes a held one's place is told anew",
        ALERTS,
        "    if before.state is State.HELD and after.error_code != ErrorCode.REPLACED:\n",
        "    if before.state is State.HELD:\n",
        ("tests/unit/machine/test_alerts.py",),
    ),
    Mutant(
        "an INCREMENTAL job ends what was told of older documents",
        ALERTS,
        "        is_whole = after.mode is Mode.FULL and degraded_reason(after) is None\n",
        "        is_whole = degraded_reason(after) is None\n",
        ("tests/unit/machine/test_alerts.py",),
    ),
    Mutant(
        "a mapping is told as unstable once its definition has changed",
        OBSERVATIONS,
        "    if job.fingerprint != before.fingerprint:\n",
        "    if not before.fingerprint:\n",
        ("tests/unit/machine/test_observations.py",),
    ),
    Mutant(
        "documents in doubt count as others than before",
        "durable/machine/page_changes.py",
        "if row is not None and row.is_trusted and row.put.content != put.content:",
        "if row is not None:",
        ("tests/unit/machine/test_page_changes.py",),
    ),
    Mutant(
        "a slowed job may have as many changes as one at the whole rate",
        "durable/machine/ways.py",
        "max(1, limits.changes_max * per_minute // limits.documents_per_minute_max)",
        "max(1, limits.changes_max)",
        ("tests/unit/machine/test_ways.py",),
    ),
    Mutant(
        "a rate that was halved is never regained",
        SLOWDOWN,
        "per_minute_max * since_ms // RECOVERY_MS",
        "0 * since_ms",
        ("tests/unit/machine/test_slowdown.py", f"{SHARING}::test_the_rate_is_whole_again_later"),
    ),
    Mutant(
        "a rate is halved until nothing is left of it",
        SLOWDOWN,
        "max(least, slowdown.per_minute)",
        "slowdown.per_minute",
        ("tests/unit/machine/test_slowdown.py", f"{SHARING}::test_none_is_refused_for_ever"),
    ),
    Mutant(
        "documents that Glean found too many are sent as fast as before",
        FAILURES,
        "        if failure.cause is Cause.THROTTLED and failure.document_count:\n",
        "        if failure.cause is None and failure.document_count:\n",
        (f"{SHARING}::test_two_of_one_token_both_end_and_are_seldom_refused[0]",),
    ),
    Mutant(
        "each job begins at the whole rate",
        PACE,
        ', "indexed_until_ms", "slowdown"),',
        ', "indexed_until_ms"),',
        (f"{SHARING}::test_the_next_job_begins_with_the_rate_that_the_one_before_has_found",),
    ),
    Mutant(
        "requests stay as large as they were at the whole rate",
        FLOW,
        "    if job.pacing.slowdown is not None:\n        pack",
        "    if job.pacing.slowdown is not None and False:\n        pack",
        (f"{SHARING}::test_a_token_with_less_than_a_request_takes_gets_smaller_ones",),
    ),
    Mutant(
        "a job that becomes a FULL one runs beside one that is queued",
        TURN,
        "if job.mode is not before.mode and (other :=",
        "if job.mode is None and (other :=",
        (f"{TRIGGERS}::test_a_job_that_becomes_full_and_a_full_one_asked_for_meanwhile_are_one",),
    ),
    Mutant(
        "each job has all of Glean's rate again",
        MACHINE,
        "job = inherit_usage(job, woke.last, spec.fingerprint)",
        "assert woke",
        ("tests/simulation/test_pauses.py",),
    ),
    Mutant(
        "documents that may have been heard do not count for Glean's rate",
        FAILURES,
        "    if isinstance(failure.effect, Send) and not job.is_upload:",
        "    if isinstance(failure.effect, Send) and job.is_upload:",
        (PACED,),
    ),
    Mutant(
        "nothing is remembered of a page that has not landed",
        WINDOW,
        "return with_crawl(job, landed=job.crawl.landed.acknowledged(sent.entries))",
        "return job",
        (f"{PROGRESS}::test_a_page_whose_bytes_change_at_each_read_lands_and_sends_nothing_twice",),
    ),
    Mutant(
        "what Glean refused of a page is forgotten with its turn",
        SENDER,
        "        entries=parcel.entries(batch, is_refused=True),\n",
        "",
        (f"{PROGRESS}::test_a_page_larger_than_a_minute_lands_though_glean_refuses_some_of_it",),
    ),
    Mutant(
        "what was sent before a pause is passed over though it has changed",
        LANDED,
        "        if known.latest.get(mark[:KEY_BYTES]) == mark[KEY_BYTES:]\n",
        "        if mark[:KEY_BYTES] in known.latest\n",
        ("tests/simulation/test_pauses.py", "tests/unit/machine/test_page_progress.py"),
    ),
    Mutant(
        "what has changed goes before what was never sent",
        LANDED,
        "            again.append(index)\n",
        "            rest.to_send.append(index)\n",
        ("tests/unit/machine/test_page_progress.py",),
    ),
    Mutant(
        "documents that change at each read are sent again for ever",
        LANDED,
        "known.doubt_count < resends_max or",
        "known.doubt_count < 10**9 or",
        (f"{PROGRESS}::test_a_page_whose_documents_change_at_each_read_lands",),
    ),
    Mutant(
        "what was about to be sent again is taken for as it was",
        WINDOW,
        "        job = with_crawl(job, landed=job.crawl.landed.doubted(event.doubts))\n",
        "        assert event\n",
        (f"{PROGRESS}::test_a_version_whose_answer_was_lost_does_not_stay",),
    ),
    Mutant(
        "bisecting an upload begins anew after each error",
        WINDOW,
        "return not job.is_upload or is_troubled or job.crawl.landed != PageProgress()",
        "return not job.is_upload",
        (BISECTED,),
    ),
    Mutant(
        "the reason of a refusal before a pause is forgotten",
        TURN,
        "            self._executor.recall(reject for _, reject in stored)\n",
        "            assert stored is not None\n",
        (f"{PROGRESS}::test_what_glean_refused_before_a_rest_is_named_with_gleans_reason",),
    ),
    Mutant(
        "a reject of a page that was read before stays though Glean took it since",
        TURN,
        "        if landed and (known.refused_count or known.is_full):\n",
        "        if landed and known.is_full:\n",
        (f"{PROGRESS}::test_what_glean_refused_before_a_rest_and_takes_after_it_is_no_reject",),
    ),
    Mutant(
        "empty pages are read for ever",
        GUARD,
        "if is_empty and crawl.empty_count >= limits.empty_pages_max:",
        "if is_empty and crawl.empty_count >= 10**9:",
        (f"{PROGRESS}::test_empty_pages_under_ever_new_cursors_end_the_job",),
    ),
    Mutant(
        "a last page that repeats is read for ever by an INCREMENTAL job",
        GUARD,
        "repeats_max = 0 if job.mode is Mode.FULL else limits.repeated_pages_max",
        "repeats_max = 0 if job.mode is Mode.FULL else 10**9",
        (f"{PROGRESS}::test_a_last_page_that_repeats_ends_the_job",),
    ),
    Mutant(
        "a rest that a rate asks for counts as time without progress",
        PACE,
        "(job.pacing.paused_ms if is_patient else 0)",
        "0",
        (
            f"{PROGRESS}::test_a_source_that_may_be_asked_once_in_two_days_is_read_to_its_end_though_it_fails",
        ),
    ),
    Mutant(
        "rests that are asked for may go on for ever",
        PACE,
        "is_patient = job.pacing.pause_count < limits.pauses_max",
        "is_patient = True",
        (f"{PROGRESS}::test_a_429_for_ever_ends_the_job_whatever_it_asks_to_wait[fetch-3600]",),
    ),
    Mutant(
        "a pause makes the next wait after an error a short one",
        WAITING,
        "attempt=max(0, job.pacing.attempt - 1),",
        "attempt=0,",
        ("tests/unit/machine/test_machine_pausing.py",),
    ),
    Mutant(
        "a connector that is another at each start begins anew for ever",
        LIFECYCLE,
        "if job.redefined_count >= limits.redefinitions_max:",
        "if job.redefined_count >= 10**9:",
        (f"{PROGRESS}::test_a_connector_that_is_another_at_each_turn_ends_the_job",),
    ),
    Mutant(
        "a source that begins again is not seen",
        GUARD,
        "page.digest == job.crawl.landmark_digest\n",
        "page.digest == job.id\n",
        (f"{WRONG}[the first page again and again under new cursors, and then a null cursor]",),
    ),
    Mutant(
        "a close that had no effect is taken for one that had",
        SETTLING,
        "case UploadStatus.OPEN if not job.upload.is_close_answered:",
        "case UploadStatus.OPEN if job.upload.is_close_answered:\n"
        "            return record_closed(job, asked.deletions, now_ms, limits)\n"
        "        case UploadStatus.OPEN:",
        ("tests/simulation/test_readings.py::test_a_close_that_had_no_effect_is_no_success",),
    ),
    Mutant(
        "an error is told without its code",
        LIFECYCLE,
        "        error_code=str(code),\n",
        '        error_code="",\n',
        (
            "tests/simulation/test_endings.py::test_a_full_job_gives_up_after_a_time_without_progress",
        ),
    ),
    Mutant(
        "an error outlives progress by its code",
        LIFECYCLE,
        '        job = replace(job, error="", error_code="")\n',
        '        job = replace(job, error="")\n',
        (EACH_PAGE,),
    ),
    Mutant(
        "the cursor moves when a page is fetched",
        FLOW,
        "    job = with_crawl(job, flights=(*job.crawl.flights, flight))\n",
        "    job = with_crawl(job, flights=(*job.crawl.flights, flight))\n"
        "    job = with_crawl(job, cursor=page.next_cursor)\n",
        (CRASH,),
    ),
    Mutant(
        "the cursor does not move",
        WINDOW,
        "        cursor=page.next_cursor,\n",
        "",
        (CRASH,),
    ),
    Mutant(
        "a page lands with its first batch",
        "durable/machine/pages.py",
        "return self.is_packed and self.sent_count == self.batch_count",
        "return self.is_packed and self.sent_count >= min(1, self.batch_count)",
        (CRASH,),
    ),
    Mutant(
        "a page lands once a later one is in Glean",
        FLOW,
        "while job.crawl.flights and job.crawl.flights[0].is_whole:",
        "while any(flight.is_whole for flight in job.crawl.flights):",
        (CRASH,),
    ),
    Mutant(
        "changes of single documents are sent side by side",
        ROOM,
        "return sends_max if is_wide and job.pacing.attempt <= 1 else 1",
        "return sends_max if job.pacing.attempt <= 1 else 1",
        (f"{OWN_CLOCK}::test_of_what_is_read_again_only_the_changes_are_sent",),
    ),
    Mutant(
        "after a turn without progress, as much is sent at a time as before",
        ROOM,
        "return sends_max if is_wide and job.pacing.attempt <= 1 else 1",
        "return sends_max if is_wide else 1",
        (EACH_PAGE,),
    ),
    Mutant(
        "after an error of Glean, more is sent",
        WINDOW,
        "    if job.crawl.is_refused:\n        return job, []\n",
        "",
        (CRASH,),
    ),
    Mutant(
        "what was read is not sent, since the source failed after it",
        WINDOW,
        "            return with_crawl(job, is_fetching=False)\n",
        "            return with_crawl(job, is_fetching=False, is_refused=True)\n",
        ("tests/unit/machine/test_window.py",),
    ),
    Mutant(
        "after an error of the source, more is read",
        FLOW,
        "if job.pacing.retry_at_ms is None and not is_full and has_room",
        "if not is_full and has_room",
        (CRASH,),
    ),
    Mutant(
        "of two waits the shorter is kept",
        FAILURES,
        "max(now_ms + backoff_ms(job, failure, limits), job.pacing.retry_at_ms or 0)",
        "min(now_ms + backoff_ms(job, failure, limits), job.pacing.retry_at_ms or 10**15)",
        (TWO_FAULTS,),
    ),
    Mutant(
        "what is read ahead does not count for the turn's budget",
        FLOW,
        "and not is_spent(ahead, ahead.turn, now_ms, limits)",
        "and not is_spent(job, job.turn or ahead.turn, now_ms, limits)",
        (CRASH,),
    ),
    Mutant(
        "what is read ahead does not count for the guard",
        FLOW,
        "if (fault := paging_fault(ahead, page, limits)) is not None:",
        "if (fault := paging_fault(job, page, limits)) is not None:",
        (
            f"{TRUNCATION}::test_a_total_that_is_right_is_no_fault_at_the_end_of_what_was_read_ahead",
        ),
    ),
    Mutant(
        "a page is read again that is under way",
        WINDOW,
        "    fetch = Fetch(ahead.crawl.page_count, ahead.crawl.cursor)",
        "    fetch = Fetch(ahead.crawl.page_count, job.crawl.cursor)",
        (CRASH,),
    ),
    Mutant(
        "what is under way outlives a command",
        STORE,
        "        elif before is not None:\n            self._working = None\n",
        "",
        (PEOPLE,),
    ),
    Mutant(
        "a working job has no lease",
        PACE,
        "alarm_at_ms=not_before(now_ms + lease_ms(job, limits), now_ms)",
        "alarm_at_ms=not_before(now_ms + 10 * lease_ms(job, limits), now_ms)",
        (PACED,),
    ),
    Mutant(
        "the lease is not renewed in a long turn",
        PACE,
        "job.alarm_at_ms - now_ms >= limits.lease_ms // 2",
        "job.alarm_at_ms - now_ms >= -(10**9)",
        (f"{ENDINGS}::test_the_lease_of_a_long_turn_is_renewed",),
    ),
    Mutant(
        "jobs that were killed together do their work together",
        PACE,
        "return limits.lease_ms // 4 if job.pacing.death_count >= KILLED_AGAIN else 0",
        "return 0",
        (f"{KILLING}[down 90000-200-0]",),
    ),
    Mutant(
        "a death while a turn waits for others counts",
        MACHINE,
        "(record_idle_death if job.turn.is_apart else record_death)(job",
        "record_death(job",
        (
            "tests/unit/machine/test_machine_trouble.py::test_a_death_while_a_turn_waits_for_others_is_not_the_jobs_own",
        ),
    ),
    Mutant(
        "a job that dies whenever it waits for others never ends",
        LIFECYCLE,
        "    if not is_stalled(job, now_ms, limits):\n        return job\n    since_s",
        "    if not job.repeats:\n        return job\n    since_s",
        (
            "tests/unit/machine/test_machine_trouble.py::test_a_job_whose_turns_all_end_while_they_wait_for_others_ends_too",
        ),
    ),
    Mutant(
        "nothing is armed before a turn begins",
        PROCESSOR,
        '        await self._store.arm(now_ms + jittered_lease_ms(f"{name} {now_ms}", Limits()))\n',
        "",
        (f"{ENDINGS}::test_a_bug_before_the_first_save_of_a_turn_leaves_the_alarm_armed",),
    ),
    Mutant(
        "the state is saved, and the alarm after an await",
        STORE,
        "        self._armed_at_ms = alarm_at_ms\n        if alarm_at_ms is None:",
        "        return self._later(alarm_at_ms)\n\n"
        "    async def _later(self, alarm_at_ms: int | None) -> None:\n"
        "        await self._storage.deleteAlarm()\n"
        "        if alarm_at_ms is None:\n"
        "            return\n"
        "        await self._storage.setAlarm(alarm_at_ms)\n\n"
        "    def _never(self, alarm_at_ms: int | None) -> Awaitable[None]:\n"
        "        if alarm_at_ms is None:",
        ("tests/simulation/test_every_crash.py",),
    ),
    Mutant(
        "an early alarm is taken for a due one",
        MACHINE,
        "if retry_at_ms is not None and now_ms < retry_at_ms:",
        "if retry_at_ms is not None and now_ms < 0:",
        (AT_ONCE,),
    ),
    Mutant(
        "Retry-After is not waited for",
        PACE,
        "return asked_wait_ms(failure.retry_after_ms, limits) + round(",
        "return round(",
        (CRASH,),
    ),
    Mutant(
        "progress does not reset the deaths",
        LIFECYCLE,
        "    return _made_progress(job, now_ms, attempt=1)\n",
        "    moved = _made_progress(job, now_ms, attempt=1)\n"
        "    return with_pacing(moved, death_count=job.pacing.death_count)\n",
        (DYING,),
    ),
    Mutant(
        "progress does not reset the time without progress",
        LIFECYCLE,
        "    return _made_progress(job, now_ms, attempt=1)\n",
        "    moved = _made_progress(job, now_ms, attempt=1)\n"
        "    return with_pacing(moved, progress_at_ms=job.pacing.progress_at_ms)\n",
        (EACH_PAGE,),
    ),
    Mutant(
        "a job never gives up",
        WAITING,
        "    if is_stalled(job, now_ms, limits):\n        return give_up(",
        "    if now_ms < job.pacing.progress_at_ms:\n        return give_up(",
        (f"{ENDINGS}::test_a_full_job_gives_up_after_a_time_without_progress",),
    ),
    Mutant(
        "deaths are not counted",
        LIFECYCLE,
        "job.pacing.halving_count, job.pacing.death_count + 1",
        "job.pacing.halving_count, job.pacing.death_count",
        (f"{ENDINGS}::test_a_full_job_whose_page_kills_the_isolate_ends",),
    ),
    Mutant(
        "the budget is not halved after a death",
        PACE,
        "turn.page_count >= max(1, limits.turn_pages_max >> job.pacing.halving_count)",
        "turn.page_count >= limits.turn_pages_max",
        (DYING,),
    ),
    Mutant(
        "the budget does not grow back",
        WAITING,
        "halving_count=max(0, job.pacing.halving_count - 1)",
        "halving_count=job.pacing.halving_count",
        (DYING,),
    ),
    Mutant(
        "a turn that ended is taken for one that died",
        WAITING,
        "job = with_pacing(clear_in_flight(job), halving_count=max",
        "job = with_pacing(job, halving_count=max",
        (f"{ENDINGS}::test_a_close_that_kills_the_isolate_ends",),
    ),
    Mutant(
        "the isolate's memory is not given back",
        TURN,
        "            self._host.memory.give_back(self._lease)\n",
        "",
        (ISOLATE,),
    ),
    Mutant(
        "a page is read whether there is room for it or not",
        TURN,
        "and (place := self._ask_for_room()):",
        "and (place := self._ask_for_room()) < 0:",
        (ISOLATE,),
    ),
    Mutant(
        "a page that is read ahead is no part of the lease",
        ROOM,
        "    reading_bytes = page_bytes if job.crawl.is_fetching else 0\n",
        "    reading_bytes = 0\n",
        (ISOLATE,),
    ),
    Mutant(
        "a turn that broke off holds its part of the memory for ever",
        MEMORY,
        "lease for holder, lease in self._leases.items() if lease.until_ms > now_ms",
        "lease for holder, lease in self._leases.items()",
        ("tests/unit/machine/test_memory.py",),
    ),
    Mutant(
        "who comes first, gets the memory, however long another has waited",
        MEMORY,
        "kept += waiter.byte_count if waiter.is_near(now_ms) else 0",
        "kept += 0",
        (f"{ISOLATE}::test_who_waits_comes_next_and_nobody_works_on_before",),
    ),
    Mutant(
        "what does not fit though it is alone, is never read",
        MEMORY,
        "needed = byte_count if is_held else min(byte_count, bytes_max)",
        "needed = byte_count",
        (ISOLATE,),
    ),
    Mutant(
        "after a death as much is held as before",
        ROOM,
        "limits.held_bytes_max >> job.pacing.halving_count",
        "limits.held_bytes_max",
        ("tests/unit/machine/test_room.py",),
    ),
    Mutant(
        "after a death as much is sent side by side as before",
        ROOM,
        "limits.sends_max >> job.pacing.halving_count",
        "limits.sends_max",
        ("tests/unit/machine/test_room.py",),
    ),
    Mutant(
        "after a death as many jobs go on side by side as before",
        ROOM,
        "limits.page_bytes_max // SHARE) << job.pacing.halving_count",
        "limits.page_bytes_max // SHARE)",
        ("tests/unit/machine/test_room.py",),
    ),
    Mutant(
        "a look for room counts as a rest that somebody asked for",
        WAITING,
        "    if wait is not WaitReason.MEMORY:  # which nobody asked for\n",
        "    if wait is not None:\n",
        ("tests/unit/machine/test_crowding.py",),
    ),
    Mutant(
        "who was killed keeps apart for longer than room is kept for it",
        TURN,
        "if effects and not is_expected and not await self._is_apart():",
        "if effects and not await self._is_apart():",
        ("tests/unit/machine/test_crowding.py",),
    ),
    Mutant(
        "a job repeats rejects of what the connector has no more",
        LIFECYCLE,
        "if known and stage not in known - theirs]",
        "if not known and stage not in known - theirs]",
        ("tests/unit/engine/test_repeating.py",),
    ),
    Mutant(
        "a page that takes minutes loses its memory while it is read",
        "durable/engine/platform.py",
        "        self._host.memory.renew(self._lease, self._host.now_ms())\n",
        "        pass\n",
        ("tests/unit/machine/test_crowding.py",),
    ),
    Mutant(
        "the pages of changes tell how large those of a FULL job are",
        ROOM,
        'return f"{job.repeated_mode or job.mode} {job.stage}"',
        "return job.stage.value",
        ("tests/unit/machine/test_room.py",),
    ),
    Mutant(
        "what was being sent as the isolate died does not count for Glean's rate",
        LIFECYCLE,
        "        job = count_unheard(job, now_ms, limits)\n",
        "        pass\n",
        (PACED,),
    ),
    Mutant(
        "all leases of an isolate end together",
        PACE,
        "zlib.crc32(key.encode())",
        "0",
        (FURTHER,),
    ),
    Mutant(
        "what the other side refuses for good is tried again",
        FAILURES,
        "    if not failure.is_transient:\n",
        "    if not failure.is_transient and job.pacing.attempt > 1:\n",
        (FOR_GOOD,),
    ),
    Mutant(
        "an empty page is taken for the last one",
        WINDOW,
        "has_end=page.next_cursor is None,",
        "has_end=page.next_cursor is None or not page.record_count,",
        (f"{TRUNCATION}::test_what_is_no_fault_is_read_to_the_end",),
    ),
    Mutant(
        "an empty cursor is taken for the end",
        "durable/sources/paging/last_page.py",
        'is_end = self in (_BY_EMPTY if value == "" else _BY_MISSING)',
        'is_end = value == "" or self in _BY_MISSING',
        (f"{WRONG}[an empty text as the next cursor]",),
    ),
    Mutant(
        "a circle of cursors is not seen",
        GUARD,
        "page.next_cursor == crawl.landmark_cursor:",
        "page.next_cursor == crawl.cursor:",
        (f"{WRONG}[cursors that go round: A, B, A, B]",),
    ),
    Mutant(
        "a total that disagrees is passed over",
        GUARD,
        "and record_count < total_count",
        "and record_count < 0",
        (f"{WRONG}[a null cursor beside a total of 6, after 4]",),
    ),
    Mutant(
        "a total that is less than what came is believed",
        GUARD,
        "or record_count > told_count",
        "or record_count < 0",
        (f"{WRONG}[a total of 2 beside a next cursor, after 4]",),
    ),
    Mutant(
        "a total that is reached on a full page is believed",
        COUNTING,
        "(total is None or told.has_more is not None or reach.is_short)",
        "(total is None or bool(told) or reach.is_short)",
        (f"{WRONG}[a total that is that of the page]",),
    ),
    Mutant(
        "a next link that passes over records is followed",
        JUMP,
        "jump > record_count",
        "jump < 0",
        (f"{WRONG}[a page of one, and a next link that goes on by two as was asked for]",),
    ),
    Mutant(
        "an upload is closed without asking how it stands",
        ENDING,
        "    if job.stage in CONFIRMED:",
        "    if job.stage in CONFIRMED and not job.upload.is_close_answered:\n"
        "        return renew_lease(job, now_ms, limits), (close_effect(job),)\n"
        "    if job.stage in CONFIRMED:",
        ("tests/unit/machine/test_machine_closing.py",),
    ),
    Mutant(
        "a close that was refused counts as one whose answer was lost",
        FAILURES,
        "        job = with_upload(job, is_close_begun=False)  # refused, or never sent\n",
        "        pass\n",
        ("tests/unit/machine/test_machine_stages.py",),
    ),
    Mutant(
        "a close that was answered is not looked at again",
        MACHINE,
        "            job = with_upload(job, is_close_answered=True, unsettled_at_ms=None)\n",
        "            return settle(job, UploadQueried(UploadStatus.CLOSED), now_ms, limits)\n",
        (IGNORED,),
    ),
    Mutant(
        "an upload that another one replaced is closed all the same",
        GLEAN,
        "return UploadStatus.REPLACED if is_replaced else UploadStatus.OPEN",
        "return UploadStatus.OPEN",
        (f"{GONE}[displaced-refuses_discarded lists_discarded]",),
    ),
    Mutant(
        "a turn arms a lease of its own beside the one that is armed",
        MACHINE,
        "        alarm_at_ms=_lease_at_ms(woke, now_ms, limits),",
        "        alarm_at_ms=None,",
        ("tests/unit/machine/test_machine.py",),
    ),
    Mutant(
        "an upload that takes no page is tried for as long as Glean lists it as open",
        FAILURES,
        "        if has_settled(job, now_ms, limits):",
        "        if has_settled(job, now_ms, limits) and not job.is_upload:",
        (f"{REFUSALS}::test_an_upload_that_takes_no_more_pages_is_begun_anew",),
    ),
    Mutant(
        "the first conflict of an open upload begins it anew",
        FAILURES,
        "        if has_settled(job, now_ms, limits):",
        "        if job.upload.unsettled_at_ms is not None:",
        (f"{REFUSALS}::test_a_conflict_of_all_pages_of_an_upload_is_waited_for",),
    ),
    Mutant(
        "conflicts that passed are counted to the next one",
        "durable/machine/transitions.py",
        "    if job.upload.unsettled_at_ms is not None:\n"
        "        job = with_upload(job, unsettled_at_ms=None)\n",
        "",
        (f"{REFUSALS}::test_conflicts_that_passed_are_not_counted",),
    ),
    Mutant(
        "an upload that is not listed is taken for closed",
        GLEAN,
        "    if not ours:\n        return UploadStatus.UNLISTED",
        "    if not ours:\n        return UploadStatus.CLOSED",
        (f"{GONE}[expires-defaults]",),
    ),
    Mutant(
        "pages of an upload that is gone go on into the next",
        LIFECYCLE,
        "        crawl=Crawl(begun_at_ms=max(now_ms, job.crawl.begun_at_ms + 1)),\n",
        "        crawl=Crawl(begun_at_ms=now_ms, cursor=job.crawl.cursor),\n",
        (f"{GONE}[displaced-defaults]",),
    ),
    Mutant(
        "a crawl begun anew keeps its counts",
        LIFECYCLE,
        "        crawl=Crawl(begun_at_ms=max(now_ms, job.crawl.begun_at_ms + 1)),\n",
        "        crawl=Crawl(begun_at_ms=now_ms, document_count=1),\n",
        (f"{GONE}[displaced-defaults]",),
    ),
    Mutant(
        "an upload that is gone is begun anew for ever",
        LIFECYCLE,
        "    if job.restart_count >= limits.restarts_max:",
        "    if job.restart_count >= 10**6:",
        (ALWAYS,),
    ),
    Mutant(
        "all tries to open share one upload id",
        MACHINE,
        'upload_id = f"{job.id}-{upload_count}"',
        'upload_id = f"{job.id}-1"',
        (LATE,),
    ),
    Mutant(
        "a conflict is taken for success without asking",
        SENDER,
        "        if is_conflict or (is_for_all and batch.upload_id and glean.tells_uploads):",
        "        if is_for_all and batch.upload_id and glean.tells_uploads:",
        (NOTICED,),
    ),
    Mutant(
        "a conflict of all pages of an upload is taken for success",
        SENDER,
        "        if is_conflict and await self._inquiry.is_conflict_of_all(batch, glean):\n"
        "            raise error\n",
        "",
        (f"{REFUSALS}::test_a_conflict_of_all_pages_of_an_upload_is_waited_for",),
    ),
    Mutant(
        "a batch in conflict is skipped whole",
        SENDER,
        "        if len(batch.items) > 1:\n",
        "        if len(batch.items) > 1 and not is_conflict:\n",
        (PART,),
    ),
    Mutant(
        "a refused batch is rejected whole",
        SENDER,
        "        if len(batch.items) > 1:\n",
        "        if len(batch.items) > 1 and error.status == 400:\n"
        "            return Sent(send.page_index, send.batch_index, len(batch.items))\n"
        "        if len(batch.items) > 1:\n",
        (REJECTS,),
    ),
    Mutant(
        "a refused batch that was cut is taken for sent",
        WINDOW,
        "        halves=(split.batch_index, *halves, *flight.halves),\n",
        "        halves=flight.halves,\n        sent_count=flight.sent_count + 2,\n",
        (REJECTS,),
    ),
    Mutant(
        "a document over the lowered size is rejected",
        BATCHES,
        "return Sizes(documents_max, alone, packed, first_documents_max)",
        "return Sizes(documents_max, packed, packed, first_documents_max)",
        (TOO_LARGE,),
    ),
    Mutant(
        "the size that Glean takes is found out again and again",
        FLOW,
        "        job = replace(job, batch_bytes_max=min(known, split.batch_bytes_max))",
        "        assert known",
        (TOO_LARGE,),
    ),
    Mutant(
        "rejects are stored before their page is in Glean",
        TURN,
        (
            "        if not (landed or is_stopped or is_refused):\n"
            "            return  # as it is with most steps\n"
            "        pages = [flight.page for flight in before.crawl.flights]\n"
            "        cursors = [before.crawl.cursor, *(page.next_cursor for page in pages)]\n"
            "        told = {\n"
            "            index: self._executor.rejects(index)\n"
            "            for index in (self._executor.held() if is_stopped else landed)\n"
        ),
        (
            "        pages = [flight.page for flight in before.crawl.flights]\n"
            "        cursors = [before.crawl.cursor, *(page.next_cursor for page in pages)]\n"
            "        told = {\n"
            "            index: self._executor.rejects(index)\n"
            "            for index in self._executor.held()\n"
        ),
        (f"{REJECTS}::test_a_died_page_of_rejects_is_not_stored_before_it_is_in_glean",),
    ),
    Mutant(
        "rejects are counted as documents",
        "durable/machine/pages.py",
        "return self.page.document_count - self.rejected_document_count",
        "return self.page.document_count",
        (REJECTS,),
    ),
    Mutant(
        "too many rejects do not stop a job",
        GUARD,
        "    if count > limits.rejects_max:",
        "    if count > 10**6:",
        (f"{REJECTS}::test_too_many_rejects_stop_the_job_before_anything_is_closed",),
    ),
    Mutant(
        "the share of rejects is not looked at",
        GUARD,
        "        and count / total > limits.rejects_share_max\n",
        "        and count > total\n",
        (f"{REJECTS}::test_too_large_a_share_of_rejects_stops_the_job_at_the_end",),
    ),
    Mutant(
        "a datasource that shrinks is not held",
        GUARD,
        "    if lost_count <= limits.shrink_count:",
        "    if lost_count <= 10**6:",
        (HOLDING,),
    ),
    Mutant(
        "an approval outlives a retry",
        COMMANDS,
        "        approved={},\n",
        "",
        (f"{HOLDING}::test_an_approval_is_of_one_try_and_not_of_a_retry",),
    ),
    Mutant(
        "the watermark is the time of the success",
        WATERMARK,
        "        return begun_ms\n    # What",
        "        return job.finished_at_ms\n    # What",
        (CRASH,),
    ),
    Mutant(
        "a cancelled job goes on",
        TURN,
        "if before is None or before.state not in PENDING or not self._is_ours(before, event):",
        "if before is None or (not self._is_ours(before, event) and before.state in PENDING):",
        ("tests/simulation/test_every_crash.py::test_an_answer_finds_a_job_that_somebody_ended",),
    ),
    Mutant(
        "the answer to a former turn is taken for the job's own",
        TURN,
        "return is_first or (job.turn is not None and job.turn_count == self._number)",
        "return is_first or job is not None",
        (PEOPLE,),
    ),
    Mutant(
        "a retried job takes up an upload without asking how it stands",
        MACHINE,
        "        case State.OPENING if job.resumes and job.upload.id:\n"
        "            return job, (QueryUpload(job.upload.id),)",
        "        case State.OPENING if job.resumes and job.upload.id:\n"
        "            return _resume(job, UploadQueried(UploadStatus.OPEN), now_ms, limits)",
        (f"{PEOPLE}::test_a_retried_full_job_whose_upload_is_gone_begins_anew",),
    ),
    Mutant(
        "a retried job always begins anew",
        MACHINE,
        "    if standing is UploadStatus.OPEN:\n        job = record_progress(",
        "    if standing is UploadStatus.CLOSED:\n        job = record_progress(",
        (f"{PEOPLE}::test_a_retried_job_goes_on_from_its_cursor[FULL]",),
    ),
    Mutant(
        "a retried job takes the watermark back",
        SUCCESSES,
        "            at_ms = max(at_ms, before_ms)\n",
        "            at_ms = min(at_ms, max(at_ms, before_ms))\n",
        (f"{PEOPLE}::test_a_retried_incremental_job_does_not_take_the_watermark_back",),
    ),
    Mutant(
        "a second job of a mode is queued",
        PROCESSOR,
        "            if job.mode is not mode or job.repeats:\n",
        "            if job.mode is not mode or job.pacing.retry_at_ms is None:\n",
        (TRIGGERS,),
    ),
    Mutant(
        "a key that joined a job is forgotten",
        PROCESSOR,
        "                self._store.remember(trigger_key, joined)\n",
        "",
        (f"{TRIGGERS}::test_a_key_that_joined_a_job_gives_that_job_again_after_its_end",),
    ),
    Mutant(
        "the next job in the queue is not woken",
        TURN,
        "return not_before(now_ms, now_ms) if is_another_queued else self._store.wake_at_ms",
        "return self._store.wake_at_ms",
        (TRIGGERS,),
    ),
    Mutant(
        "a lost alarm stays lost",
        PROCESSOR,
        "        if armed_at_ms is not None and armed_at_ms >= now_ms - OVERDUE_MS:",
        "        if armed_at_ms is None or armed_at_ms >= now_ms - OVERDUE_MS:",
        (f"{DYING}::test_a_lost_alarm_is_set_again_by_the_next_tick[0-FULL]",),
    ),
    Mutant(
        "two definitions of a connector are mixed in one crawl",
        MACHINE,
        "is_redefined = is_known and job.fingerprint != spec.fingerprint",
        "is_redefined = False",
        (f"{REDEFINED}[1-another mapping-FULL]",),
    ),
    Mutant(
        "a deletion is sent before the upserts that came before it",
        "durable/glean/batches.py",
        "        if items and (is_alone or is_full):",
        "        if items and is_full:",
        ("tests/unit/glean/test_batches.py::test_nothing_is_lost_or_put_in_another_order",),
    ),
    Mutant(
        "a full job reads changes only",
        MACHINE,
        "since_ms=None if job.mode is Mode.FULL else watermark_ms)",
        "since_ms=watermark_ms)",
        (HOLDING,),
    ),
    Mutant(
        "the watermark is later than the job's start, as a source may be ahead",
        WATERMARK,
        "max(min(begun_ms, known_ms), begun_ms - behind_ms_max, 0)",
        "max(known_ms, begun_ms - behind_ms_max, 0)",
        ("tests/unit/machine/test_watermark.py",),
    ),
    Mutant(
        "what changes while a job reads is taken for read",
        WATERMARK,
        "return max(0, latest_ms - (now_ms - job.started_at_ms))",
        "return max(0, latest_ms)",
        (OWN_CLOCK,),
    ),
    Mutant(
        "the watermark of a source at rest is left behind",
        WATERMARK,
        "max(min(begun_ms, known_ms), begun_ms - behind_ms_max, 0)",
        "max(min(begun_ms, known_ms), 0)",
        ("tests/unit/machine/test_watermark.py",),
    ),
    Mutant(
        "a retry goes on at a cursor that the source does not know any more",
        LIFECYCLE,
        "        job = with_crawl(job, cursor=None)\n        return fail_job",
        "        return fail_job",
        ("tests/unit/machine/test_commands.py",),
    ),
    Mutant(
        "what the source did not give it is taken for forgotten",
        "durable/sources/http.py",
        "FORGOTTEN if paging.is_given else EXPIRED",
        "FORGOTTEN",
        ("tests/unit/sources/test_http.py",),
    ),
    Mutant(
        "the end that a rule sees is believed after a full page",
        "durable/sources/absence.py",
        "    if not (isinstance(paging, Counting) and paging.falls_short(cursor)):",
        "    if not isinstance(paging, Counting):",
        ("tests/unit/sources/test_http.py",),
    ),
    Mutant(
        "a page that is short of what earlier ones had does not tell it, or any does",
        "durable/sources/paging/offset.py",
        "Position(place.at + 1, count, total, shorter)",
        "Position(place.at + 1, count, total, shorter or place.is_short)",
        (TOLD_ENDS,),
    ),
    Mutant(
        "a link to the next page by another name is none",
        "durable/sources/paging/link_header.py",
        "for one in rels if _is_like(one, rel)]",
        "for one in rels if _letters(one) == _letters(rel)]",
        (TOLD_ENDS,),
    ),
    Mutant(
        "the last of all pages may be empty",
        "durable/sources/paging/offset.py",
        "is_possible = not before or told.hides_rows",
        "is_possible = True",
        (TOLD_ENDS,),
    ),
    Mutant(
        "a cursor that came with a smaller page goes back with the declared size",
        "durable/sources/portions.py",
        "next_cursor=pack_cursor(declared, paging, page.next_cursor))",
        "next_cursor=page.next_cursor)",
        (f"{SMALLER}[paging0-large0]",),
    ),
    Mutant(
        "the number of a page is counted anew after pages that were capped",
        "durable/sources/paging/halving.py",
        "    if not _is_full(paging, place, size):",
        "    if False:",
        (
            "tests/unit/sources/paging/test_halving.py::test_numbered_pages_that_are_capped_are_not_read_in_parts",
        ),
    ),
    Mutant(
        "a cursor that comes again is the end also beside records",
        "durable/sources/paging/last_page.py",
        "return text == cursor and not told.records",
        "return text == cursor",
        (TOLD_ENDS,),
    ),
    Mutant(
        "anything false marks the end",
        "durable/sources/paging/last_page.py",
        "type(value) is type(mark) and value == mark",
        "(value == mark or not value)",
        (TOLD_ENDS,),
    ),
    Mutant(
        "parents that come again are compared with the page before alone",
        "durable/sources/nested_position.py",
        "is_mark = bool(self.digest) and pages.bit_count() == 1",
        "is_mark = bool(self.digest)",
        (f"{AGAIN}[False-2]",),
    ),
    Mutant(
        "a list of a record's own may be empty pages for ever",
        "durable/sources/sub_list.py",
        "empty_count += not page.records",
        "empty_count += 0",
        ("tests/unit/sources/test_detail.py",),
    ),
    Mutant(
        "a rejected record without a time stops a list with the newest first",
        "durable/sources/newest_first.py",
        "        if place in page.faults:\n            continue",
        "        if False:\n            continue",
        (
            "tests/unit/sources/test_since.py::test_a_record_without_the_time_beside_others_is_read_where_it_stands",
        ),
    ),
    Mutant(
        "a part of a wiki's batch is taken for all of it",
        "durable/sources/portions.py",
        "        if not part.is_partial:",
        "        if True:",
        (f"{SEVERAL}[wiki]",),
    ),
    Mutant(
        "a request does not begin to wait for a first tick",
        "durable/engine/staleness_monitor.py",
        "record_notice(self._store.outbox.watched(), self._now_ms())",
        "self._store.outbox.watched()",
        ("tests/unit/machine/test_alerts.py",),
    ),
    Mutant(
        "a tick that is refused counts as begun",
        PROCESSOR,
        "        known = None if trigger_key is None else self._store.triggered_by(trigger_key)\n",
        "        known = None if trigger_key is None else self._store.triggered_by(trigger_key)\n"
        "        if trigger_key is not None and is_tick:\n"
        "            key_ms = cron.key_ms(trigger_key)\n"
        "            self._store.archive.put_ticks(record_begun(ticks, mode, key_ms))\n",
        (LOST_TICKS,),
    ),
    Mutant(
        "a sign of a next page that is not declared is not looked at",
        "durable/sources/listing.py",
        "            self._body.check_ended(contents)\n",
        "",
        (f"{WRONG}[a next cursor, of a source whose own field is misspelt and may be absent]",),
    ),
    Mutant(
        "what an answer says beside its list is not looked at",
        "durable/sources/incompleteness.py",
        "        if tells is not None and tells(value) and not",
        "        if tells is not None and False and not",
        (TOLD_ENDS,),
    ),
    Mutant(
        "records that share a value are paged by what comes after it",
        "durable/sources/paging/keyset.py",
        "if key is not None and key == other and",
        "if key is not None and key == other and False and",
        (TOLD_ENDS,),
    ),
    Mutant(
        "a list that was asked for in part is taken for all of it",
        JUMP,
        "return record_count in sizes - {0}",
        "return False",
        (TOLD_ENDS,),
    ),
    Mutant(
        "an offset may jump where no size is known",
        JUMP,
        "(jump in sizes or is_offset)",
        "jump in sizes",
        (TOLD_ENDS,),
    ),
    Mutant(
        "an error in the place of the list is an empty list",
        "durable/sources/absence.py",
        "        is_error = name.lower() in ERRORS and value not in EMPTY",
        "        is_error = False",
        (TRUNCATION,),
    ),
    Mutant(
        "a 204 to any request is an empty list",
        "durable/sources/absence.py",
        "isinstance(changes, Since) and crawl.since_ms is not None and cursor is None",
        "True",
        (f"{WRONG}[a 204]",),
    ),
    Mutant(
        "what is mended may lead to another page",
        "durable/sources/body.py",
        "            if self._leading(first) != self._leading(second):",
        "            if len(first.records) != len(second.records):",
        ("tests/unit/sources/test_http.py",),
    ),
    Mutant(
        "a limit of requests is taken for a secret that is at fault",
        "durable/http/error_rules.py",
        "    if reply.status == 403 and LIMIT.search(_beginning(reply)):",
        "    if False:",
        ("tests/unit/http/test_error_rules.py",),
    ),
    Mutant(
        "an error of the whole page is one of a node",
        "durable/sources/paging/graphql.py",
        "        if any(self._place(error, told) is None for error in _errors(told)):",
        "        if all(self._place(error, told) is None for error in _errors(told)):",
        ("tests/unit/sources/paging/test_graphql.py",),
    ),
]
