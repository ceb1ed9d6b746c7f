"""The records of the source, and their changes."""

import random
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import Struct

from dev.docs_source.entry import Entry, Kind, unique_ids


# Changed long ago, a module an instant: every record of a module has the same one, as after
# an import at a real API. Pages must not break on that.
FIRST_UPDATED_AT = datetime(2024, 1, 1, tzinfo=UTC)
MODULE_INTERVAL = timedelta(minutes=7, microseconds=1)


class Record(Struct, frozen=True, kw_only=True):
    """A record, as the API gives it."""

    id: str
    kind: Kind
    name: str
    module: str
    text: str
    url: str
    updated_at: str  # RFC 3339 in UTC with microseconds: its order as text is that of time
    deleted: bool = False


class Changes(Struct, frozen=True):
    """The ids of the records concerned."""

    changed: Sequence[str]
    removed: Sequence[str]
    added: Sequence[str]


class Records:
    """All records, the removed ones too.

    Args:
        entries: of the library; their docstrings are the texts.
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._records: dict[str, Record] = {}
        self._added_count = 0
        self._changed_at = FIRST_UPDATED_AT
        modules = {name: index for index, name in enumerate(sorted({e.module for e in entries}))}
        self._put(
            Record(
                id=identifier,
                kind=entry.kind,
                name=entry.name,
                module=entry.module,
                text=entry.text,
                url=_url(entry.module, identifier),
                updated_at=instant(FIRST_UPDATED_AT + modules[entry.module] * MODULE_INTERVAL),
            )
            for identifier, entry in unique_ids(entries)
        )

    def live(self) -> Sequence[Record]:
        """Those that were not removed, by id."""
        return self._live

    def live_after(self, identifier: str, limit: int) -> Sequence[Record]:
        """The next ones by id. The empty id comes before all."""
        start = bisect_right(self._live, identifier, key=lambda record: record.id)
        return self._live[start : start + limit]

    def updated_after(self, updated_at: str, identifier: str, limit: int) -> Sequence[Record]:
        """The next ones by change and id, the removed ones too. The empty id comes before all."""
        start = bisect_right(self._updated, (updated_at, identifier), key=_position)
        return self._updated[start : start + limit]

    def change(self, change: int, remove: int, add: int, seed: int) -> Changes:
        """Change, remove and add records, all at one instant.

        Args:
            change: so many get another text.
            remove: so many others are removed.
            add: so many are new.
            seed: draws them.

        Raises:
            ValueError: there are fewer records than that.
        """
        if change + remove > len(self._live):
            raise ValueError(f"{change} + {remove} of {len(self._live)} records cannot be drawn")
        # Later than whatever was seen, also if the clock was set back or is coarse.
        self._changed_at = max(datetime.now(UTC), self._changed_at + timedelta(microseconds=1))
        now = instant(self._changed_at)
        generator = random.Random(seed)
        drawn = generator.sample(self._live, change + remove)
        templates = generator.choices(self._live, k=add) if add else []
        changed = [_change_record(record, now) for record in drawn[:change]]
        removed = [
            msgspec.structs.replace(record, deleted=True, text="", updated_at=now)
            for record in drawn[change:]
        ]
        added = [self._add_record(template, now) for template in templates]
        self._put((*changed, *removed, *added))
        return Changes(_ids(changed), _ids(removed), _ids(added))

    def _add_record(self, template: Record, now: str) -> Record:
        self._added_count += 1
        name = f"added_{self._added_count}"
        identifier = f"{template.module}.{name}"
        return msgspec.structs.replace(
            template,
            id=identifier,
            kind=Kind.FUNCTION,
            name=name,
            text=f"{name}()\n\nAdded, and much like {template.id}.\n\n{template.text}",
            url=_url(template.module, identifier),
            updated_at=now,
        )

    def _put(self, records: Iterable[Record]) -> None:
        self._records.update((record.id, record) for record in records)
        everything = self._records.values()
        self._live = sorted((r for r in everything if not r.deleted), key=lambda record: record.id)
        self._updated = sorted(everything, key=_position)


def instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _change_record(record: Record, now: str) -> Record:
    return msgspec.structs.replace(
        record, text=f"{record.text}\n\nChanged at {now}.", updated_at=now
    )


def _ids(records: Iterable[Record]) -> list[str]:
    return [record.id for record in records]


def _position(record: Record) -> tuple[str, str]:
    return record.updated_at, record.id


def _url(module: str, identifier: str) -> str:
    return f"https://docs.python.org/3/library/{module}.html#{identifier}"
