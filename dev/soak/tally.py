"""What a soak has seen, and how it is shown."""

from collections import Counter
from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from dev.local_glean.readings import Readings
from dev.soak.log import Window
from dev.soak.plan import Round


class Tally:
    """Counts. Whoever sees something adds it."""

    def __init__(self) -> None:
        self.rounds = 0
        self.readings: set[Readings] = set()
        self.ends: Counter[tuple[str, str]] = Counter()  # mode and state
        self.excuses: Counter[str] = Counter()  # of jobs that failed
        self.deeds: Counter[str] = Counter()
        self.troubles: Counter[tuple[str, str]] = Counter()  # what was asked, and what befell it
        self.source_requests = 0
        self.glean_requests = 0
        self.pages = 0  # that had to be fetched
        self.kills = 0
        self.lost = 0
        self.wrongly_deleted = 0

    @property
    def jobs(self) -> int:
        return sum(self.ends.values())

    @property
    def rework(self) -> int:
        """Pages that were fetched once more."""
        return self.source_requests - self.pages

    @property
    def line(self) -> str:
        """While it runs."""
        troubles = sum(self.troubles.values())
        requests = self.source_requests + self.glean_requests
        counts = (
            f"{self.jobs} jobs · {self.kills} kills · {troubles} faults · {requests:,} requests"
        )
        found = f"{self.lost} lost · {self.wrongly_deleted} wrongly deleted"
        return f"round {self.rounds + 1} · {counts} · {found}"

    @property
    def verdict(self) -> str:
        return f"soak: {self.lost} documents lost, {self.wrongly_deleted} wrongly deleted"

    def played(self, one: Round) -> None:
        self.rounds += 1
        self.readings.add(one.readings)

    def heard(self, window: Window) -> None:
        """The requests of a step."""
        self.troubles.update(window.troubles())
        self.source_requests += len(window.source)
        self.glean_requests += len(window.glean)

    def show(self, console: Console) -> None:
        console.print(_table("faults", ("request", "fault"), self.troubles))
        console.print(_table("jobs", ("mode", "came to"), self.ends))
        console.print(_table("deeds", ("deed",), self.deeds))
        if self.excuses:
            console.print(_table("why jobs failed, as they should", ("reason",), self.excuses))
        console.print(
            f"{self.rounds} rounds, {len(self.readings)} combinations of readings · "
            f"{self.jobs} ends of jobs · {self.kills} kills · {sum(self.troubles.values())} faults",
            highlight=False,
            soft_wrap=True,
        )
        console.print(
            f"{self.source_requests:,} requests to the source, {self.glean_requests:,} to the "
            f"local Glean · rework: {self.rework} of {self.pages} pages fetched once more",
            highlight=False,
            soft_wrap=True,
        )


def _table(
    title: str, names: tuple[str, ...], counts: Mapping[tuple[str, str], int] | Mapping[str, int]
) -> Table:
    table = Table(*names, "times", title=title, title_justify="left")
    for key, number in sorted(counts.items()):
        table.add_row(*((key,) if isinstance(key, str) else key), str(number))
    return table
