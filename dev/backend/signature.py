"""Whether a request is signed with the secret that both sides have.

X-Signature-Timestamp: seconds since 1970
X-Signature-256: sha256=HEX, the HMAC-SHA256 of timestamp + "." + body; where there is no body, its
    place has the method and what is asked for, as in "GET /index/run-1"
"""

import hashlib
import hmac
from collections.abc import Mapping

from dev.rest.refusal import RefusedError


SECONDS_MAX = 300  # an older request may be somebody's recording


def check(secret: str, headers: Mapping[str, str], content: bytes, now_ms: int) -> None:
    """Raises RefusedError where the signature is wrong, or too old, or of some other day to come.

    Args:
        secret: the empty one signs nothing, and lets everything pass.
        headers: of the request.
        content: the body of the request, as it came, or what has its place.
        now_ms: the time.
    """
    if not secret:
        return
    timestamp = headers.get("x-signature-timestamp", "")
    if not (timestamp.isascii() and timestamp.isdecimal()):
        raise RefusedError("X-Signature-Timestamp is missing, or not a number of seconds", 401)
    mac = hmac.new(secret.encode(), timestamp.encode() + b"." + content, hashlib.sha256)
    given = headers.get("x-signature-256", "")
    if not hmac.compare_digest(f"sha256={mac.hexdigest()}".encode(), given.encode()):
        raise RefusedError("X-Signature-256 is not that of this request", 401)
    if abs(now_ms - int(timestamp) * 1_000) > SECONDS_MAX * 1_000:
        raise RefusedError("the signature is too old, or one of the clocks is wrong", 401)
