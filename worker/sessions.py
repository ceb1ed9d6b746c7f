"""Browser sessions: a signed cookie, without state on the server. Pure.

The key is made of the token, so a token that is changed ends every session.
"""

import hashlib
import hmac
import re


COOKIE = "__Host-session"  # browsers take it over HTTPS or from loopback, for this host alone
ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Strict"
LIFE_MS = 12 * 60 * 60 * 1_000
LABEL = b"glean-durable-sync sessions 1"  # a key for this, and for nothing else
VALUE = re.compile(r"([0-9]{1,15})\.([0-9a-f]{32})\.([0-9a-f]{64})")
SAFE_METHODS = frozenset({"GET", "HEAD"})


def begin_session(token: str, nonce: str, now_ms: int) -> str:
    """The header `Set-Cookie` of a new session.

    Args:
        token: TRIGGER_TOKEN, which the browser has shown.
        nonce: 32 hexadecimal digits, of no other session.
        now_ms: the time.
    """
    content = f"{now_ms + LIFE_MS}.{nonce}"
    value = f"{content}.{_signature(token, content)}"
    return f"{COOKIE}={value}; Max-Age={LIFE_MS // 1_000}; {ATTRIBUTES}"


def end_session() -> str:
    """The header `Set-Cookie` that ends a session."""
    return f"{COOKIE}=; Max-Age=0; {ATTRIBUTES}"


def session_value(cookies: str) -> str:
    """The session in the header `Cookie`; empty if there is none."""
    for pair in cookies.split(";"):
        name, _, value = pair.strip().partition("=")
        if name == COOKIE:
            return value
    return ""


def expires_at_ms(value: str, token: str, now_ms: int) -> int | None:
    """When a session ends; None if it has ended, or was not signed with this token."""
    if (parts := VALUE.fullmatch(value)) is None:
        return None
    expiry, nonce, given = parts.groups()
    # In constant time, so that the time taken tells nothing about the signature.
    if not hmac.compare_digest(given, _signature(token, f"{expiry}.{nonce}")):
        return None
    return int(expiry) if int(expiry) > now_ms else None


def is_forged(method: str, origin: str | None, own_origin: str) -> bool:
    """Whether another site may have made the browser send this request.

    Browsers add what proves a session by themselves, and to whatever is not GET or HEAD the
    origin of the page that has it sent.

    Args:
        method: of the request.
        origin: the header of that name.
        own_origin: scheme, host and port that the request was sent to.
    """
    return method not in SAFE_METHODS and origin != own_origin


def _signature(token: str, content: str) -> str:
    key = hmac.digest(token.encode(), LABEL, hashlib.sha256)
    return hmac.new(key, content.encode(), hashlib.sha256).hexdigest()
