"""What has failed, as an event of the machine: without secrets, and with a wait that is drawn."""

from collections.abc import Mapping

from msgspec.structs import replace

from durable.engine.parcel import Parcel
from durable.engine.platform import Platform
from durable.engine.redaction import clean_reason
from durable.environment import Environment
from durable.errors import Cause, Recourse, UpstreamError
from durable.http.retry_after import wait_ms
from durable.machine.effects import Failed, RequestEffect, Send


class Failures:
    """Makes events of errors.

    Args:
        environment: has the secrets.
        host: clock and randomness.
    """

    def __init__(self, environment: Environment, host: Platform) -> None:
        self._environment = environment
        self._host = host

    def of_effect(
        self, effect: RequestEffect, error: UpstreamError, parcels: Mapping[int, Parcel]
    ) -> Failed:
        """With how many documents were to be sent, where that is what has failed."""
        failed = replace(self.of_upstream(error), effect=effect)
        if not isinstance(effect, Send):
            return failed
        return replace(failed, document_count=parcels[effect.page_index].document_count(effect))

    def of_upstream(self, error: UpstreamError) -> Failed:
        failed = self.of(
            error,
            is_transient=error.is_transient,
            after_ms=wait_ms(error.retry_after, self._host.now_ms()),
            recourse=error.recourse,
            cause=error.cause,
        )
        return replace(failed, may_be_done=error.may_be_done)

    def of(
        self,
        error: Exception,
        after_ms: int = 0,
        *,
        is_transient: bool,
        recourse: Recourse | None = None,
        cause: Cause = Cause.UNANSWERED,
    ) -> Failed:
        reason, jitter = self.reason(error), self._host.draw()
        return Failed(reason, is_transient, after_ms, jitter, recourse=recourse, cause=cause)

    def reason(self, error: Exception) -> str:
        return clean_reason(str(error), self._environment)
