"""The state diagram of a job, drawn by asking the core.

`step` is asked about every event in every state that a job can reach, in both
modes, and `obeyed` about every command. A pair that is refused has no arrow, and
events that lead the same way for the same reason share a label.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.commands import LEGAL, Instruction, obey, supersede
from durable.machine.effects import (
    Closed,
    CloseRefused,
    Displaced,
    Event,
    Failed,
    Fetched,
    GoneListed,
    NoRoom,
    Opened,
    Packed,
    PacksApplied,
    Sent,
    Split,
    UploadQueried,
    Woke,
)
from durable.machine.gone import Gone
from durable.machine.job import (
    Job,
    JobSpec,
    Mode,
    Pacing,
    Stage,
    TurnUsage,
    Upload,
    UploadStatus,
    Way,
    with_crawl,
    with_pacing,
    with_upload,
)
from durable.machine.ledger_head import LedgerFacts
from durable.machine.machine import step
from durable.machine.pages import InFlightPage, Page
from durable.machine.states import ENDED, PENDING, State


README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- diagram -->", "<!-- /diagram -->"
NOW_MS = 1_000_000_000
LIMITS = Limits()
KNOWN = 1_000  # documents of the ledger: a job that has not seen them is held
FACTS = LedgerFacts(replaced_at_ms=NOW_MS, fingerprint="now", has_recipe=True)
Case = tuple[str, Job, Event]  # a label, and an event with a job that it may come upon


def diagram() -> str:
    """Mermaid, in the fence that README.md holds it in."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {State.QUEUED}"]
    for (state, other), labels in _arrows().items():
        lines.append(f"    {state} --> {other}: {', '.join(labels)}")
    lines += [f"    {state} --> [*]" for state in State if state in ENDED]
    return "\n".join([*lines, "```"])


def insert_diagram(text: str) -> str:
    """The text with the diagram between the two markers. Raises ValueError if one is missing."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{README.name} has no {BEGIN} with a {END} after it")
    return f"{head}{BEGIN}\n{diagram()}\n{END}{tail}"


def _arrows() -> dict[tuple[State, State], list[str]]:
    """What leads from each state to each next one, in the order of the states."""
    reached = {mode: _reachable_states(mode) for mode in Mode}
    arrows: dict[tuple[State, State], dict[str, list[Mode]]] = {}
    for mode, states in reached.items():
        for state in states:
            for label, other in dict.fromkeys(_effects_asked(state, mode)):
                arrows.setdefault((state, other), {}).setdefault(label, []).append(mode)
    states = list(State)
    return {
        (state, other): [
            label
            if modes == [mode for mode in Mode if state in reached[mode]]
            # One mode goes this way, the other another.
            else f"{label} ({', '.join(modes)})"
            for label, modes in arrows[state, other].items()
        ]
        for state, other in sorted(arrows, key=lambda pair: [states.index(end) for end in pair])
    }


def _reachable_states(mode: Mode) -> list[State]:
    """The states that a job of this mode can be in, those first that come first."""
    states = [State.QUEUED]
    for state in states:  # grows on the way
        others = [other for _, other in _effects_asked(state, mode)]
        states += dict.fromkeys(other for other in others if other not in states)
    return states


def _effects_asked(state: State, mode: Mode) -> Iterator[tuple[str, State]]:
    job = _job(state, mode)
    for label, before, event in _cases(job) if state in PENDING else ():
        try:
            after, _ = step(before, event, NOW_MS, LIMITS)
        except AssertionError:
            continue
        yield label, after.state
    for command in LEGAL[state]:
        obedient = obey(job, Instruction(command, job.crawl.gone.digest), None, NOW_MS, LIMITS)
        assert isinstance(obedient, Job), obedient
        yield command.value, obedient.state
    if state is State.HELD:
        yield "another job has read the source", supersede(job, job, NOW_MS, LIMITS).state


def _job(state: State, mode: Mode) -> Job:
    """In the middle of a turn, if the state has turns."""
    return Job(
        id="job",
        connector="connector",
        mode=mode,
        created_at_ms=NOW_MS,
        state=state,
        started_at_ms=None if state is State.QUEUED else NOW_MS,
        turn=TurnUsage(started_at_ms=NOW_MS),
        fingerprint="then",
        upload=Upload(id="upload" if mode is Mode.FULL and state is not State.QUEUED else ""),
        pacing=Pacing(attempt=1, progress_at_ms=NOW_MS),
    )


def _cases(job: Job) -> Iterator[Case]:
    """Every kind of event."""
    yield "alarm", replace(job, turn=None), Woke()
    yield from _failures(job)
    if job.state is State.QUEUED:
        if job.mode is Mode.FULL:
            woke = Woke(spec=JobSpec(fingerprint="now"), documents=FACTS)
            yield "alarm, to reconcile", replace(job, turn=None, fingerprint="now"), woke
        return
    yield "connector changed", replace(job, turn=None), Woke(spec=JobSpec(fingerprint="now"))
    if job.state is not State.CLOSING:
        changing = replace(job, turn=None, redefined_count=LIMITS.redefinitions_max)
        yield "connector changed too often", changing, Woke(spec=JobSpec(fingerprint="now"))
    if job.state is State.OPENING:
        resumed = replace(job, resumes=True)
        yield "opened", job, Opened()
        yield "resumed", resumed, UploadQueried(UploadStatus.OPEN)
        yield (
            "closed before",
            with_crawl(resumed, has_end=True),
            UploadQueried(UploadStatus.CLOSED),
        )
        yield "upload lost", resumed, UploadQueried(UploadStatus.REPLACED)
    if job.state is State.SENDING:
        yield from _pages(job)
    if job.state is State.CLOSING:
        answered = with_upload(job, is_close_answered=True)
        yield "close taken but not to be confirmed", answered, Failed("", is_transient=False)
        yield "close taken", job, Closed()
        yield (
            "empty close refused",
            with_crawl(job, document_count=1),
            CloseRefused(""),
        )
        yield "empty close refused for good", job, CloseRefused("")
        yield "no room for a page", job, NoRoom(1, 1)
        yield "upload closed", job, UploadQueried(UploadStatus.CLOSED)
        closed = with_upload(job, is_closed=True)
        yield "ledger written in part", closed, PacksApplied(1)
        yield "ledger written", closed, PacksApplied(None)
        yield "upload open", job, UploadQueried(UploadStatus.OPEN)
        yield "upload lost", job, UploadQueried(UploadStatus.REPLACED)


def _pages(job: Job) -> Iterator[Case]:
    reading = with_crawl(job, is_fetching=True)
    packing, packing_last, sending, sending_last = (
        with_crawl(job, flights=(flight,))
        for flight in (
            InFlightPage(_page(), is_packed=False),
            InFlightPage(_page(next_cursor=None), is_packed=False),
            InFlightPage(_page(batch_count=1), begun_count=1, sending=(0,)),
            InFlightPage(_page(next_cursor=None, batch_count=1), begun_count=1, sending=(0,)),
        )
    )
    changed = with_crawl(sending, document_count=LIMITS.changes_max)
    yield "no room for a page", reading, NoRoom(1, 1)
    yield "page fetched", reading, Fetched(0, _page())
    yield "page cut into batches", packing, _packed(batch_count=1)
    yield "batch refused and cut", sending, Split(0, 0, half_index=1)
    yield "page sent", sending, Sent(0, 0)
    yield "last page sent", sending_last, Sent(0, 0)
    yield "last page sent", packing_last, _packed()
    if job.mode is Mode.FULL:
        yield "upload lost", job, Displaced("")
        yield from _comparisons(with_crawl(job, has_end=True))
        yield "too many changes", replace(changed, way=Way.RECONCILE), Sent(0, 0)
    else:
        yield "too many changes", changed, Sent(0, 0)
    many = with_crawl(packing, reject_count=LIMITS.rejects_max)
    yield "too many rejects", many, _packed(reject_count=1)
    circle = with_crawl(reading, landmark_cursor="next")
    yield "source without an end", circle, Fetched(0, _page())
    endless = with_crawl(sending, page_count=LIMITS.pages_max - 1)
    yield "source without an end", endless, Sent(LIMITS.pages_max - 1, 0)


def _comparisons(job: Job) -> Iterator[Case]:
    """At the end of the source, with the ledger."""
    reconciling = replace(job, way=Way.RECONCILE, stages=(Stage.DOCUMENTS,))
    shrunk = Gone(count=KNOWN, new_count=KNOWN, is_whole=True)
    some = Gone(count=1, new_count=1, is_whole=True)
    yield "ledger compared in part", job, GoneListed(Gone())
    yield "ledger compared", job, GoneListed(some)
    yield "too much missing", replace(job, known_count=KNOWN), GoneListed(shrunk)
    yield "reconciled", reconciling, GoneListed(Gone(is_whole=True))
    yield "reconciled but for deletions", reconciling, GoneListed(some)


def _failures(job: Job) -> Iterator[Case]:
    stalled = with_pacing(job, progress_at_ms=NOW_MS - LIMITS.stall_ms_max)
    restarted = replace(job, restart_count=LIMITS.restarts_max)
    dying = with_pacing(job, death_count=LIMITS.deaths_max, halving_count=LIMITS.turn_pages_max)
    yield "error that may pass", job, Failed("", is_transient=True)
    yield "error", job, Failed("", is_transient=False)
    yield "no progress", stalled, Failed("", is_transient=True)
    if job.state is not State.QUEUED:
        yield "killed too often", dying, Woke()
    if job.mode is Mode.FULL:
        yield "upload lost too often", restarted, Displaced("")
        yield "upload lost too often", restarted, UploadQueried(UploadStatus.REPLACED)


def _page(*, next_cursor: str | None = "next", batch_count: int = 0) -> Page:
    return Page(
        next_cursor=next_cursor,
        batch_count=batch_count,
        document_count=batch_count,
        byte_count=0,
    )


def _packed(*, batch_count: int = 0, reject_count: int = 0) -> Packed:
    return Packed(0, batch_count, batch_count, 0, reject_count)


def main() -> None:
    if sys.argv[1:] == ["--write"]:
        README.write_text(insert_diagram(README.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print(diagram())


if __name__ == "__main__":
    main()
