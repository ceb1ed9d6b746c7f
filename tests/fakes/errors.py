"""What an error is, told by its code: its sentence may be worded anew."""

from collections.abc import Callable

from durable.errors import Cause, UpstreamError


def caused_by(cause: Cause) -> Callable[[UpstreamError], bool]:
    """Whether an error is of that cause, as `pytest.raises` takes it for `check`."""
    return lambda error: error.cause is cause
