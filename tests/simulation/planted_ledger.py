"""Bugs of the ledger that tests/simulation/mutants.py plants, its six rules left out first."""

from tests.simulation.mutant import Mutant


RECONCILING = "tests/simulation/test_reconciling.py"
MEMBERSHIPS = "tests/simulation/test_memberships.py"
HOLDING = "tests/simulation/test_holding.py"
VERIFYING = "tests/simulation/test_verifying.py"
GUARDED = "tests/simulation/test_members.py"
REJECTS = "tests/simulation/test_rejects.py"
READINGS = "tests/simulation/test_readings.py"
GIVEN_UP = f"{RECONCILING}::test_what_a_job_that_is_given_up_has_sent_is_found_again"
INCREMENTAL = (
    f"{RECONCILING}::test_what_an_incremental_job_that_is_given_up_has_sent_is_found_again"
)
SPELLINGS = f"{RECONCILING}::test_of_two_spellings_of_one_id_the_first_is_brought"
FAULT = f"{RECONCILING}::test_any_one_fault_is_survived"
WITHDRAWN = f"{RECONCILING}::test_whatever_fails_an_older_version_is_not_seen_by_others"
SHARED = f"{FAULT}[shared-defaults]"
UNUSABLE = f"{RECONCILING}::test_while_a_record_is_unusable_its_document_stays"

ROWS = "durable/store/ledger_rows.py"
LEDGER = "durable/store/ledger.py"
PACKS = "durable/store/packs.py"
BOOK = "durable/engine/ledger_book.py"
COMPARISON = "durable/engine/comparison.py"
COMPARE = "durable/machine/ledger.py"
UNDER_WAY = "tests/unit/engine/test_executor.py"
PROGRESS = "tests/simulation/test_progress.py"
PAGE_CHANGES = "durable/machine/page_changes.py"
WAYS = "durable/machine/ways.py"
COMMANDS = "durable/machine/commands.py"
TURN = "durable/engine/turn.py"
MEMBERS = "durable/engine/members.py"
UNCERTAIN = "tests/unit/engine/test_members.py"
EXECUTOR = "durable/engine/executor.py"
LOSSES = "tests/unit/engine/test_named_losses.py"
SENDER = "durable/engine/batch_sender.py"

LEDGER_MUTANTS = [
    Mutant(
        "the older version of what glean refuses stays, whoever may see it",
        SENDER,
        "        if (withdrawal := parcel.withdrawals.get(item.place)) is not None:",
        "        if (withdrawal := parcel.withdrawals.get(0)) is not None:",
        (f"{WITHDRAWN}[FULL]", f"{WITHDRAWN}[INCREMENTAL]"),
    ),
    Mutant(
        "what may not have reached glean is known to be seen by no others",
        COMPARE,
        '    access = put.access if row.put.access == put.access else ""',
        "    access = put.access",
        (f"{WITHDRAWN}[FULL]", f"{WITHDRAWN}[INCREMENTAL]"),
    ),
    Mutant(
        "what was withdrawn is known as if glean had it",
        SENDER,
        "        parcel.ledger = parcel.ledger.with_withdrawn([item.key])",
        "        pass",
        (f"{WITHDRAWN}[FULL]",),
    ),
    Mutant(
        "the older version of what is too large stays, whoever may see it",
        "durable/engine/packing.py",
        "        parcel.batches += [made[place] for place in sorted(rejected)]\n",
        "",
        (f"{UNDER_WAY}::test_the_older_version_of_one_that_is_too_large_is_deleted[False]",),
    ),
    Mutant(
        "only a job that replaces tells how many documents there are",
        "durable/store/store.py",
        "            if job.mode is Mode.FULL and not job.is_delegated:",
        "            if job.upload.is_closed and not job.is_delegated:",
        (f"{LOSSES}::test_how_many_documents_there_are_is_told_after_each_full_job",),
    ),
    Mutant(
        "what is about to be sent is not written before it is",  # rule: intent
        LEDGER,
        "            self._doubt(crawl, lost)\n            self._packs.forget",
        "            self._packs.forget",
        (f"{RECONCILING}::test_what_was_sent_before_a_death_is_known_though_it_is_lost_by_then",),
    ),
    Mutant(
        "what a try has staged that came to nothing is forgotten",  # rule: attempts
        LEDGER,
        "        lost, count = list(self._packs.lost(page_count)), 0",
        "        lost, count = list[PagePack](), 0",
        (f"{RECONCILING}::test_what_an_earlier_try_of_a_page_has_staged_is_known",),
    ),
    Mutant(
        "what an upload has brought that is given up is not in doubt",  # rule: doubt
        LEDGER,
        "0 if crawl.is_upload else landed_count(crawl)",
        "10**9 if crawl.is_upload else landed_count(crawl)",
        (f"{GIVEN_UP}[replacing-cancelled-the others]",),
    ),
    Mutant(
        "a list of what is gone outlives what jobs since have seen",  # rule: later
        "durable/machine/transitions.py",
        "    is_lost = job.mode is Mode.FULL and not has_packs",
        "    is_lost = False",
        (f"{RECONCILING}::test_what_is_there_again_before_a_retry_is_not_deleted",),
    ),
    Mutant(
        "upper case is told from lower",  # rule: fold
        COMPARE,
        "    folded = document_id.casefold()",
        "    folded = document_id",
        (SPELLINGS,),
    ),
    Mutant(
        "what has another type is not deleted under the one before",  # rule: type
        COMPARISON,
        "            for former in compared.former_types.get(index, ()):",
        "            for former in compared.former_types.get(-1, ()):",
        (f"{FAULT}[changed-the others]",),
    ),
    Mutant(
        "what Glean has refused counts as brought",
        PAGE_CHANGES,
        "            *(put for put in pack.puts if put.key not in keys),\n",
        "            *pack.puts,\n",
        (f"{RECONCILING}::test_what_glean_has_refused_comes_once_it_takes_it",),
    ),
    Mutant(
        "a deletion that Glean has refused counts as done",
        PAGE_CHANGES,
        "        deleted_keys=tuple(key for key in pack.deleted_keys if key not in keys),",
        "        deleted_keys=pack.deleted_keys,",
        (f"{RECONCILING}::test_what_glean_does_not_delete_is_on_the_next_jobs_list",),
    ),
    Mutant(
        "an upload goes into the ledger before Glean has closed it",
        "durable/machine/machine.py",
        "            job = with_upload(job, is_close_answered=True, unsettled_at_ms=None)\n",
        "            job = with_upload(job, is_closed=True, unsettled_at_ms=None)\n",
        (f"{READINGS}::test_a_close_that_had_no_effect_is_no_success",),
    ),
    Mutant(
        "the ledger is compared with a crawl in a part alone",
        LEDGER,
        "            after = last\n        self._rows.mark_missing",
        "            after, last = last, None\n        self._rows.mark_missing",
        ("tests/unit/store/test_ledger.py",),
    ),
    Mutant(
        "an approval lets anything go",
        BOOK,
        "            gone.new_count + sum(row.key not in approved for row in part.rows),",
        "            gone.new_count + (0 if approved else len(part.rows)),",
        (f"{HOLDING}::test_an_approval_is_of_what_is_on_its_list_and_of_nothing_else",),
    ),
    Mutant(
        "any list is approved of",
        COMMANDS,
        "    if instruction.list_digest != gone.digest:",
        "    if not instruction.list_digest:",
        (f"{HOLDING}::test_an_approval_names_the_list_that_it_allows",),
    ),
    Mutant(
        "what is in doubt counts as certain",
        ROWS,
        "                is_confirmed = state in CONFIRMED",
        "                is_confirmed = True",
        (INCREMENTAL, GIVEN_UP),
    ),
    Mutant(
        "what was put in doubt altogether counts as certain",
        ROWS,
        "                is_trusted = is_confirmed and crawl_at_ms >= trusted_from_ms",
        "                is_trusted = is_confirmed",
        ("tests/unit/store/test_ledger.py",),
    ),
    Mutant(
        "whoever may see a document does not count",
        COMPARE,
        "before.content, before.access) == (put.type, put.content, put.access)",
        "before.content) == (put.type, put.content)",
        (
            f"{RECONCILING}::test_who_may_see_a_note_is_brought_alone_where_nothing_else_of_it_has_changed",
        ),
    ),
    Mutant(
        "permissions are sent alone of what is in doubt",
        PAGE_CHANGES,
        '    return "access" if row.is_trusted and is_alike else "changed"',
        '    return "access" if is_alike else "changed"',
        (SHARED, f"{RECONCILING}::test_a_share_that_is_not_acknowledged_is_in_doubt"),
    ),
    Mutant(
        "permissions are sent alone of what has changed",
        PAGE_CHANGES,
        '        return _change(row, put) == "access" and not',
        '        return _change(row, put) != "added" and not',
        (f"{FAULT}[changed-defaults]",),
    ),
    Mutant(
        "permissions are sent alone of what an earlier page brings that may be refused yet",
        PAGE_CHANGES,
        '        return _change(row, put) == "access" and not self._has_seen(put.key, row)',
        '        return _change(row, put) == "access"',
        (
            "tests/unit/machine/test_page_changes.py::test_of_what_an_earlier_page_has_brought_not_only_the_access_is_sent",
        ),
    ),
    Mutant(
        "permissions that Glean refuses count as brought",
        SENDER,
        "                return _send_instead(send, batch.whole, parcel)",
        "                return Sent(send.page_index, send.batch_index)",
        (
            f"{RECONCILING}::test_what_glean_does_not_have_any_more_is_brought_whole_where_it_is_shared",
            f"{RECONCILING}::test_who_may_see_what_glean_has_refused_comes_once_it_takes_it",
        ),
    ),
    Mutant(
        "permissions whose answer is lost count as brought",
        SENDER,
        "            if batch.whole is not None and error.status in UNSHARED:",
        "            if batch.whole is not None and error.status is None:\n"
        "                return Sent(send.page_index, send.batch_index)\n"
        "            if batch.whole is not None and error.status in UNSHARED:",
        (SHARED, f"{FAULT}[shared_since-defaults]"),
    ),
    Mutant(
        "permissions are sent alone of what nobody may see any more",
        "durable/glean/access.py",
        "    if not any(explicit(part.permissions).values()):",
        "    if not explicit(part.permissions):",
        ("tests/unit/glean/test_access.py::test_a_document_for_nobody_goes_whole",),
    ),
    Mutant(
        "permissions that are not granted any more are left out",
        "durable/glean/access.py",
        '        "allowAnonymousAccess": permissions.allow_anonymous_access or False,\n',
        "",
        (SHARED, "tests/unit/glean/test_access.py::test_what_is_not_set_is_told_to_grant_nothing"),
    ),
    Mutant(
        "an upload has permissions alone",
        PAGE_CHANGES,
        "        if self._is_in_any_order or row is None or",
        "        if row is None or",
        (f"{FAULT}[replacing-defaults]",),
    ),
    Mutant(
        "a group that lacks a member counts as brought",
        SENDER,
        "            if outcome.is_refusal and parcel.ledger is not None",
        "            if batch.group_part is None and parcel.ledger is not None",
        (
            f"{MEMBERSHIPS}::test_who_was_left_out_though_glean_knows_him_is_brought_once_it_takes_him",
        ),
    ),
    Mutant(
        "a group that lacks a member counts as it was before",
        COMPARISON,
        '            doubts = {put.key: replace(put, content="") for put in compared.pack.puts}',
        "            doubts = dict[str, Put]()",
        (
            f"{MEMBERSHIPS}::test_a_group_that_lacks_a_member_is_sent_again_though_its_list_is_the_former_one",
        ),
    ),
    Mutant(
        "groups are thought to have members that Glean has deleted",
        MEMBERS,
        "row is not None and row.is_trusted and row.at_ms <= than.at_ms",
        "row is not None",
        (
            f"{MEMBERSHIPS}::test_who_was_gone_until_groups_were_to_be_compared_is_in_his_groups_again",
            UNCERTAIN,
        ),
    ),
    Mutant(
        "groups are sure while an upload of users may be closed or not",
        MEMBERS,
        "row is not None and row.is_trusted and row.at_ms",
        "row is not None and row.at_ms",
        (UNCERTAIN,),
    ),
    Mutant(
        "a group that is as it was is left out of what is brought anew",
        BOOK,
        "            if kind in SINGLY and after.mode is Mode.FULL",
        "            if kind is Kind.EMPLOYEE and after.mode is Mode.FULL",
        (f"{MEMBERSHIPS}::test_all_groups_are_sent_where_all_is_to_be_brought_anew",),
    ),
    Mutant(
        "numbers are given twice",
        LEDGER,
        "        return max(self.head.number_next, self._packs.number_next())",
        "        return self.head.number_next",
        (f"{FAULT}[changed-defaults]",),
    ),
    Mutant(
        "pages under way are left out of what a page is compared with",
        EXECUTOR,
        "        self._ledger = overlaid(ledger, self._under_way)",
        "        self._ledger = ledger",
        (f"{UNDER_WAY}::test_what_a_page_under_way_sends_the_next_one_does_not_send_again",),
    ),
    Mutant(
        "what was under way at a look-up counts as gone",
        BOOK,
        "                self._ledger.see(page.pack)\n",
        "                pass\n",
        (f"{RECONCILING}::test_what_is_read_beside_another_spelling_is_seen",),
    ),
    Mutant(
        "an upload that may be closed is one that is open",
        LEDGER,
        "        return crawl.is_closing or any(count > doubts_max for count in counts)",
        "        return any(count > doubts_max for count in counts)",
        (f"{GIVEN_UP}[replacing-cancelled-defaults]",),
    ),
    Mutant(
        "what could not be used counts as gone",
        LEDGER,
        "                if is_listed and not crawl.is_upload:",
        "                if not crawl.job_id:",
        (UNUSABLE,),
    ),
    Mutant(
        "an upload deletes what could not be used as if it were gone",
        "durable/machine/safeguards.py",
        "    if gone.new_listed_count > (0 if gone.is_unnamed else limits.shrink_count):",
        "    if gone.new_listed_count > gone.new_count:",
        (f"{HOLDING}::test_what_an_upload_lacks_and_the_source_still_lists_is_held",),
    ),
    Mutant(
        "an upload is opened over whatever Glean has",
        "durable/machine/machine.py",
        "        case State.OPENING if is_to_be_counted(job):",
        "        case State.OPENING if job.state is None:",
        (f"{HOLDING}::test_over_what_nobody_here_has_brought_nothing_is_opened_whatever_fails",),
    ),
    Mutant(
        "what an earlier life of a job has counted, its retry does not ask about",
        "durable/machine/machine.py",
        "        job = replace(job, named_count=woke.documents.named_count, is_counted=False)",
        "        job = replace(job, named_count=woke.documents.named_count)",
        (f"{HOLDING}::test_a_job_whose_place_was_taken_asks_anew_if_it_is_retried",),
    ),
    Mutant(
        "what Glean has is approved of, however much it has become",
        "durable/machine/first_contact.py",
        "count <= approved.get(name, -1) for name, count in counts.items()",
        "True for name in counts",
        ("tests/unit/machine/test_first_contact.py",),
    ),
    Mutant(
        "the rows of another Glean are names of what this one has",
        BOOK,
        "        return None if is_ours else self._ledger.count(Kind.DOCUMENT, head.since_ms)",
        "        return None if is_ours else self._ledger.count(Kind.DOCUMENT)",
        ("tests/unit/engine/test_first_contact.py",),
    ),
    Mutant(
        "what was found of one Glean holds for another",
        LEDGER,
        "            self._put_head(replace(self.head, since_ms=crawl.at_ms, is_ours=False))",
        "            self._put_head(replace(self.head, since_ms=crawl.at_ms))",
        ("tests/unit/engine/test_first_contact.py",),
    ),
    Mutant(
        "counts that differ have all documents replaced again and again",
        "durable/machine/mismatch.py",
        " and not remembered.is_replaced",
        "",
        (f"{VERIFYING}::test_what_glean_loses_again_and_again_is_only_shown_the_second_time",),
    ),
    Mutant(
        "a job that reconciles becomes a FULL one for a page that is too large",
        "durable/machine/transfer.py",
        "    if job.is_reconciling:\n        return replace_instead(job, reason, now_ms, limits)\n",
        "",
        ("tests/unit/machine/test_machine_pausing.py",),
    ),
    Mutant(
        "a count that is right after a replacement has the next one replaced as well",
        "durable/machine/mismatch.py",
        "    return remembered if job is not None and job.way is Way.REPLACE else Remembered()",
        "    return Remembered()",
        (f"{VERIFYING}::test_what_somebody_takes_after_each_replacement_is_replaced_once",),
    ),
    Mutant(
        "a replacement that has failed counts as one",
        "durable/machine/mismatch.py",
        " and not remembered.is_replaced",
        " and not remembered.is_asked",
        (
            f"{VERIFYING}::test_a_replacement_that_has_failed_is_begun_again_after_the_next_full_job",
        ),
    ),
    Mutant(
        "what INCREMENTAL jobs have brought since is no reason for another count",
        "durable/machine/verification.py",
        "            most_count=max(verification.most_count, known.count),",
        "            most_count=verification.most_count,",
        ("tests/unit/machine/test_verification.py",),
    ),
    Mutant(
        "members that are listed no more are taken out of all groups at once",
        "durable/machine/members.py",
        "    if not job.crawl.is_withheld and not has_lost_too_many(job, limits):",
        "    if not job.crawl.is_withheld:",
        (f"{GUARDED}::test_lists_of_members_that_come_empty_are_held_but_for_a_few",),
    ),
    Mutant(
        "a group that is on a list may lose whoever is left, too",
        "durable/machine/members.py",
        "count for key, count in lost.items() if sizes[key].count < allowed.get(key, 1 << 62)",
        "count for key, count in lost.items() if key not in allowed",
        (f"{GUARDED}::test_an_approval_is_of_the_groups_on_its_list_and_of_what_they_had_then",),
    ),
    Mutant(
        "groups that were not sent count as brought",
        "durable/engine/member_book.py",
        "            elif not before.crawl.is_withheld and not after.crawl.is_withheld:",
        "            else:",
        (
            "tests/unit/engine/test_member_book.py",
            f"{GUARDED}::test_what_changes_of_groups_alone_is_not_sent_either_and_all_else_is_brought",
        ),
    ),
    Mutant(
        "groups that a crawl has not brought are forgotten",
        "durable/engine/member_book.py",
        "        self._sizes.keep(crawl_at_ms, {key: self._all_known()[key] for key in there})",
        "        self._sizes.keep(crawl_at_ms, {})",
        ("tests/unit/engine/test_member_book.py",),
    ),
    Mutant(
        "a record without an id is none",
        "durable/machine/seen.py",
        '        names = {"", document_id, record_key}',
        "        names = {document_id, record_key}",
        (UNUSABLE,),
    ),
    Mutant(
        "what a close has deleted stays in the ledger",
        LEDGER,
        "        self._rows.remove(crawl.kind, gone, but_of_ms=crawl.at_ms)\n",
        "",
        (f"{FAULT}[replacing-defaults]",),
    ),
    Mutant(
        "a put that a deletion follows is forgotten",
        PAGE_CHANGES,
        "        self._deleted[put.key] = None\n",
        "        self._deleted[put.key] = None\n        self._puts.pop(put.key, None)\n",
        ("tests/unit/machine/test_page_changes.py",),
    ),
    Mutant(
        "a mapping that has changed is none",
        WAYS,
        "    if not fingerprint or facts.fingerprint != fingerprint:",
        "    if not fingerprint:",
        (f"{RECONCILING}::test_a_mapping_that_is_deployed_meanwhile_has_all_brought_anew",),
    ),
    Mutant(
        "differences are sent one by one, however many they are",
        WAYS,
        "    if change_count > changes_max:",
        "    if change_count > 10**6:",
        (f"{RECONCILING}::test_what_differs_is_sent_alone_until_all_of_it_is_sooner_sent",),
    ),
    Mutant(
        "what was replaced long ago is never replaced again",
        WAYS,
        "    if now_ms - facts.replaced_at_ms >= limits.replace_every_ms:",
        "    if now_ms < facts.replaced_at_ms:",
        (f"{RECONCILING}::test_what_differs_is_sent_alone_until_all_of_it_is_sooner_sent",),
    ),
    Mutant(
        "a held job stays though another one has read all of the source since",
        TURN,
        "        if is_read and before.state is not job.state:",
        "        if is_read and before.state is job.state:",
        (f"{HOLDING}::test_the_next_full_job_takes_the_place_of_the_held_one",),
    ),
    Mutant(
        "a held job is replaced by one that has not read the source",
        TURN,
        "        is_read = job.state in {State.HELD, State.SUCCEEDED} and job.mode is Mode.FULL",
        "        is_read = job.mode is Mode.FULL",
        (f"{HOLDING}::test_what_has_not_read_all_of_the_source_takes_no_held_jobs_place",),
    ),
    Mutant(
        "the latest try of a page is not the one that holds",
        PACKS,
        'LATEST = "(SELECT max(number)',
        'LATEST = "(SELECT min(number)',
        ("tests/unit/store/test_packs.py",),
    ),
    Mutant(
        "all changes of one document are sent, as often as a page names it",
        PAGE_CHANGES,
        "        if newest[candidate.put.id] != index:",
        "        if candidate.put.id not in newest:",
        (f"{PROGRESS}::test_a_note_with_more_changes_on_a_page_than_a_minute_takes_lands",),
    ),
    Mutant(
        "after what glean has refused, an older version of it is sent",
        LEDGER,
        "            return key in seen.deleted_keys or key in seen.rejected_ids",
        "            return key in seen.deleted_keys",
        ("tests/unit/store/test_ledger.py",),
    ),
    Mutant(
        "of several changes the first one holds",
        PAGE_CHANGES,
        "    return dict(reversed(indexes) if is_newest_first else indexes)",
        "    return dict(reversed(indexes))",
        ("tests/unit/machine/test_page_changes.py",),
    ),
]
