"""The documents that can be found in the simulated Glean."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import asdict, replace


class SharedWith(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A document's permissions, as they are sent."""

    allowed_users: list[dict[str, str]] | UnsetType = UNSET
    allowed_groups: list[str] | UnsetType = UNSET
    allowed_group_intersections: list[dict[str, list[str]]] | UnsetType = UNSET
    allow_anonymous_access: bool | UnsetType = UNSET
    allow_all_datasource_users_access: bool | UnsetType = UNSET

    def over(self, before: "SharedWith") -> "SharedWith":
        """What is granted where this changes what was granted before."""
        said = {name: given for name, given in asdict(self).items() if given is not UNSET}
        fields = {**asdict(before), **said}
        return SharedWith(**{name: given for name, given in fields.items() if given})

    @property
    def users(self) -> set[str]:
        """Mail addresses."""
        return {user["email"] for user in self.allowed_users or ()}

    @property
    def groups(self) -> set[str]:
        together = (one["requiredGroups"] for one in self.allowed_group_intersections or ())
        return {*(self.allowed_groups or ()), *(name for names in together for name in names)}


EVERYBODY = SharedWith(allow_anonymous_access=True)
STAFF = SharedWith(allow_all_datasource_users_access=True)


class Found(Struct, frozen=True, kw_only=True):
    id: str
    object_type: str = "Note"
    title: str
    permissions: SharedWith = EVERYBODY


class Index:
    """Documents by what Glean knows them by.

    Args:
        by_type: an id is one for each type; else it is one. Upper and lower case are one anyway.
    """

    def __init__(self, *, by_type: bool) -> None:
        self._by_type = by_type
        self._found: dict[str, Found] = {}
        self._paused: set[str] = set()  # keys of what would be deleted, but for Glean's check
        self._titles: dict[str, str] | None = None  # made when it is asked for
        self.removed: list[Found] = []  # by the latest upload

    def __len__(self) -> int:
        return len(self._found)

    @property
    def has_paused(self) -> bool:
        return bool(self._paused)

    @property
    def titles(self) -> dict[str, str]:
        """By id, for whoever knows no types."""
        if self._titles is None:
            self._titles = {one.id: one.title for one in self._found.values()}
        return self._titles

    @property
    def counts(self) -> Counter[str]:
        """By type."""
        return Counter(one.object_type for one in self._found.values())

    @property
    def documents(self) -> Mapping[tuple[str, str], Found]:
        """By type and id."""
        return {(one.object_type, one.id): one for one in self._found.values()}

    def keyed(self, documents: Iterable[Found]) -> dict[str, Found]:
        """Each once, the last of those that are one."""
        return {self._key(one.id, one.object_type): one for one in documents}

    def get(self, identifier: str, object_type: str) -> Found | None:
        one = self._found.get(self._key(identifier, object_type))
        return one if one is not None and one.object_type == object_type else None

    def show(self, documents: Iterable[Found]) -> None:
        keyed = self.keyed(documents)
        self._paused -= keyed.keys()
        self._found |= keyed
        self._titles = None

    def share(self, one: Found, permissions: SharedWith) -> None:
        self.show([replace(one, permissions=permissions)])

    def delete(self, identifier: str, object_type: str) -> None:
        """Silent where there is none, as documented."""
        if self.get(identifier, object_type) is not None:
            key = self._key(identifier, object_type)
            del self._found[key]
            self._paused.discard(key)
            self._titles = None

    def replace(self, uploaded: Mapping[str, Found], share_max: float | None) -> None:
        """Have an upload in the place of all that is there.

        Args:
            uploaded: by their keys.
            share_max: of what is there, and no more is deleted at once; None for any.
        """
        stale = self._found.keys() - uploaded.keys()
        is_paused = share_max is not None and len(stale) > share_max * len(self._found)
        self._paused = stale if is_paused else set()
        kept = self._found if is_paused else {}
        self.removed = [] if is_paused else [self._found[key] for key in sorted(stale)]
        self._found, self._titles = {**kept, **uploaded}, None

    def process(self) -> None:
        """Delete what was paused."""
        for key in self._paused:
            del self._found[key]
        self._paused, self._titles = set(), None

    def put(self, titles: Mapping[str, str]) -> None:
        """Have these and nothing else."""
        self._found = self.keyed(Found(id=name, title=title) for name, title in titles.items())
        self._paused, self._titles = set(), None

    def told(self, identifier: str, object_type: str) -> dict[str, Any]:
        """As /debug/NAME/document tells it."""
        if (one := self.get(identifier, object_type)) is None:
            return {"status": {"uploadStatus": "NOT_UPLOADED", "indexingStatus": "NOT_INDEXED"}}
        status = {"uploadStatus": "UPLOADED", "indexingStatus": "INDEXED"}
        return {"status": status, "uploadedPermissions": msgspec.to_builtins(one.permissions)}

    def _key(self, identifier: str, object_type: str) -> str:
        folded = identifier.casefold()
        return f"{object_type}\n{folded}" if self._by_type else folded
