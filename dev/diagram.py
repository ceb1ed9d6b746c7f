"""The state diagram of a job, drawn by asking the machine.

`step` is asked about every event in every state that a job can reach, in both
modes. A pair that it refuses has no arrow.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from durable.job import ENDED, Flight, Job, Limits, Mode, Page, State, Usage
from durable.machine import Closed, Event, Failed, Fetched, Opened, Sent, Woke, step


README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- diagram -->", "<!-- /diagram -->"
NOW_MS = 1_000_000_000
LIMITS = Limits()


def diagram() -> str:
    """Mermaid, in the fence that README.md holds it in."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {State.QUEUED}"]
    for (state, other), labels in _arrows().items():
        lines.append(f"    {state} --> {other}: {', '.join(labels)}")
    lines += [f"    {state} --> [*]" for state in State if state in ENDED]
    return "\n".join([*lines, "```"])


def written(text: str) -> str:
    """The text with the diagram between the two markers. Raises ValueError if one is missing."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{README.name} has no {BEGIN} with a {END} after it")
    return f"{head}{BEGIN}\n{diagram()}\n{END}{tail}"


def _arrows() -> dict[tuple[State, State], list[str]]:
    """What leads from each state to each next one, in the order of the states."""
    reached = {mode: _reached(mode) for mode in Mode}
    arrows: dict[tuple[State, State], dict[str, list[Mode]]] = {}
    for mode, states in reached.items():
        for state in states:
            for label, other in _asked(state, mode):
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


def _reached(mode: Mode) -> list[State]:
    """The states that a job of this mode can be in and go on from."""
    states = [State.QUEUED]
    for state in states:  # grows on the way
        others = [other for _, other in _asked(state, mode) if other not in ENDED]
        states += dict.fromkeys(other for other in others if other not in states)
    return states


def _asked(state: State, mode: Mode) -> Iterator[tuple[str, State]]:
    for label, job, event in _cases(state, mode):
        try:
            other, _ = step(job, event, NOW_MS, LIMITS)
        except AssertionError:
            continue
        yield label, other.state


def _cases(state: State, mode: Mode) -> Iterator[tuple[str, Job, Event]]:
    """Every kind of event, each with a job that it may come upon."""
    job = Job(
        id="job",
        connector="connector",
        mode=mode,
        created_at_ms=NOW_MS,
        state=state,
        attempt=1,
        progress_at_ms=NOW_MS,
        turn=Usage(started_at_ms=NOW_MS),
    )
    last = _page(next_cursor=None)
    empty = _page(next_cursor=None, batch_count=0)
    stalled_at_ms = NOW_MS - LIMITS.stall_ms_max
    yield "alarm", replace(job, turn=None), Woke(None)
    if state is not State.QUEUED:
        yield "killed too often", replace(job, death_count=LIMITS.deaths_max - 1), Woke(None)
    yield "opened", job, Opened()
    yield "page fetched", job, Fetched(0, _page())
    yield "page sent", replace(job, flights=(Flight(_page()),)), Sent(0, 0)
    yield "last page sent", replace(job, flights=(Flight(last),)), Sent(0, 0)
    yield "last page empty", job, Fetched(0, empty)
    yield "closed", job, Closed()
    yield "error that may pass", job, Failed("", is_transient=True)
    yield "error", job, Failed("", is_transient=False)
    yield "no progress", replace(job, progress_at_ms=stalled_at_ms), Failed("", is_transient=True)


def _page(*, next_cursor: str | None = "next", batch_count: int = 1) -> Page:
    return Page(
        next_cursor=next_cursor,
        batch_count=batch_count,
        document_count=batch_count,
        deletion_count=0,
        byte_count=0,
    )


def main() -> None:
    if sys.argv[1:] == ["--write"]:
        README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print(diagram())


if __name__ == "__main__":
    main()
