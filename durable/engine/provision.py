"""A datasource in Glean: how it differs from the declaration, and making it the same."""

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from durable.connector.definition import AnyConnector
from durable.decoding import EXACT_MAX
from durable.engine.clients import glean_client
from durable.engine.platform import Platform
from durable.environment import Environment
from durable.errors import ConfigurationError, UpstreamError
from durable.glean.client import Glean
from durable.glean.datasource import definition
from durable.glean.differences import Provisioned, Unprovisioned, differences
from durable.machine.commands import RefusalCode
from durable.machine.job import Stage
from durable.machine.remedies import Remedy, RemedyCode


UNKNOWN_STATUSES = frozenset({400, 404})  # Glean's answers about a datasource that it does not have


class Provision:
    """Of one connector.

    Args:
        connector: declares the datasource.
        environment: variables and secrets.
        host: network.
    """

    def __init__(self, connector: AnyConnector, environment: Environment, host: Platform) -> None:
        self._connector_name = connector.name
        self._datasource = connector.datasource
        self._environment = environment
        self._host = host

    async def found(self) -> Provisioned | Unprovisioned:
        """How it stands. Nothing is changed."""
        try:
            return self._compare(await self._actual(self._glean()))
        except (UpstreamError, ConfigurationError) as error:
            return self._failure(error)

    async def set_up(self, difference_count: int) -> Provisioned | Unprovisioned:
        """Make it what is declared; what Glean has beyond that, it keeps.

        Args:
            difference_count: that the caller has seen, so that nothing is changed unseen.

        Returns:
            How it stood before.
        """
        try:
            glean = self._glean()
            actual = await self._actual(glean)
            before = self._compare(actual)
            if (refusal := self._refusal(before, difference_count)) is not None:
                return refusal
            if before.differences or not before.exists:
                await glean.set_up(_overlaid(actual or {}, definition(self._datasource)))
        except (UpstreamError, ConfigurationError) as error:
            return self._failure(error)
        return before

    def _refusal(self, before: Provisioned, difference_count: int) -> Unprovisioned | None:
        number = len(before.differences)
        if not before.is_declared:
            reason = (
                f"the datasource {before.datasource!r} is not declared: give its Datasource a "
                "category, and whatever else it is to have, or set it up in Glean's admin console"
            )
            return Unprovisioned(reason, RefusalCode.NOT_DECLARED)
        if difference_count != number:
            reason = f"there are {number} differences, and {difference_count} were seen"
            parameters: dict[str, str | int] = {"differences": number}
            parameters["connector"] = self._connector_name
            remedy = Remedy(RemedyCode.CONFIRM_DIFFERENCES.value, parameters)
            return Unprovisioned(reason, RefusalCode.DIFFERENCES_NOT_SEEN, remedy)
        return None

    def _glean(self) -> Glean:
        return glean_client(self._datasource.name, self._environment, self._host)(Stage.DOCUMENTS)

    async def _actual(self, glean: Glean) -> Mapping[str, Any] | None:
        try:
            return await glean.config()
        except UpstreamError as error:
            if error.status in UNKNOWN_STATUSES:
                return None
            raise

    def _compare(self, actual: Mapping[str, Any] | None) -> Provisioned:
        datasource = self._datasource
        return Provisioned(
            datasource=datasource.name,
            is_declared=datasource.is_declared,
            exists=actual is not None,
            differences=[
                structs.replace(each, actual=self._show(each.actual))
                for each in differences(datasource, actual or {})
            ],
        )

    def _show(self, value: Any) -> Any:
        """What Glean has, which may be any JSON: without secrets, as it is shown and logged.

        Whole numbers that JavaScript does not have become texts.
        """
        match value:
            case str():
                return self._environment.redacted(value)
            case list():
                return [self._show(item) for item in value]
            case dict():
                return {
                    self._environment.redacted(name): self._show(item)
                    for name, item in value.items()
                }
            case int() if abs(value) > EXACT_MAX:
                return str(value)
            case _:
                return value

    def _failure(self, error: UpstreamError | ConfigurationError) -> Unprovisioned:
        reason = self._environment.redacted(str(error))
        is_upstream = isinstance(error, UpstreamError)
        return Unprovisioned(reason, None if is_upstream else RefusalCode.MISCONFIGURED)


def _overlaid(actual: Mapping[str, Any], declared: Mapping[str, Any]) -> dict[str, Any]:
    """What Glean has, with what is declared in its place: it overwrites a datasource as a whole."""
    kinds = {kind["name"]: kind for kind in declared.get("objectDefinitions", [])}
    others = [
        kind for kind in actual.get("objectDefinitions") or [] if kind.get("name") not in kinds
    ]
    return {**actual, **declared, "objectDefinitions": [*others, *kinds.values()]}
