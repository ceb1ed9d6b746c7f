"""Datasources: what Glean asks of them, and what they ask of what is sent to them."""

import re

from glean.api_client.models import CustomDatasourceConfig, DatasourceCategory
from msgspec import Struct

from dev.local_glean.bodies import decoded, shown
from dev.local_glean.database import Database
from dev.local_glean.errors import RefusedError


NAME = re.compile(r"[A-Za-z0-9]+")
OBJECT_TYPE = re.compile(r"[^\s_]+")


class Datasource(Struct, frozen=True, kw_only=True):
    """A datasource, as far as what is sent to it is judged by it."""

    name: str
    url_regex: str | None
    object_types: frozenset[str]
    has_default_type: bool  # a definition without a name stands for all others
    is_entity: bool
    is_test: bool
    identities: str  # the datasource that has the users and groups
    refers_by_email: bool  # to users; else by the datasource's own id of them

    @property
    def glean_name(self) -> str:
        """As Glean gives it back."""
        return f"CUSTOM_{self.name.upper()}"


class Datasources:
    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, body: bytes) -> None:
        """Add or overwrite one. Raises RefusedError."""
        datasource = checked(decoded(CustomDatasourceConfig, body))
        if datasource.identities != datasource.name and not self.has(datasource.identities):
            raise RefusedError(
                400,
                f"Datasource {datasource.name} has invalid identityDatasourceName "
                f"{datasource.identities}: there is none of this name",
            )
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO datasource VALUES (?, ?)", (datasource.name, body)
            )

    def has(self, name: str) -> bool:
        return bool(self._database.rows("SELECT 1 FROM datasource WHERE name = ?", name))

    def config(self, name: str) -> bytes:
        """The JSON, as it was sent. Raises RefusedError."""
        rows = self._database.rows("SELECT config FROM datasource WHERE name = ?", name)
        if not rows:
            raise RefusedError(400, f"Invalid datasource {name}: there is none of this name")
        return bytes(rows[0][0])

    def get(self, name: str) -> Datasource:
        """Raises RefusedError."""
        return checked(decoded(CustomDatasourceConfig, self.config(name)))


def checked(config: CustomDatasourceConfig) -> Datasource:
    """Raises RefusedError."""
    name = config.name
    if not NAME.fullmatch(name):
        raise RefusedError(
            400, f"Invalid datasource name {shown(name)}: expected letters and digits"
        )
    if config.datasource_category in {None, DatasourceCategory.UNCATEGORIZED}:
        raise RefusedError(400, f"Datasource {name} has no datasourceCategory, or UNCATEGORIZED")
    is_entity = bool(config.is_entity_datasource)
    if not is_entity and not config.url_regex:
        raise RefusedError(400, f"Datasource {name} has no urlRegex")
    try:
        re.compile(config.url_regex or "")
    except re.error as error:
        raise RefusedError(
            400, f"Datasource {name} has invalid urlRegex {shown(config.url_regex)}: {error}"
        ) from error
    types = [definition.name for definition in config.object_definitions or []]
    for object_type in types:
        if object_type is not None and not OBJECT_TYPE.fullmatch(object_type):
            raise RefusedError(
                400, f"Invalid object type {shown(object_type)}: no spaces or underscores"
            )
    return Datasource(
        name=name,
        url_regex=config.url_regex,
        object_types=frozenset(name for name in types if name is not None),
        has_default_type=None in types,
        is_entity=is_entity,
        is_test=bool(config.is_test_datasource),
        identities=config.identity_datasource_name or name,
        refers_by_email=bool(config.is_user_referenced_by_email),
    )
