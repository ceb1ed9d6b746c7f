"""Alerts on their way: to whom, in which form, and when again. Pure."""

from collections.abc import Callable, Mapping

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from durable.machine.alerts import Alert
from durable.machine.pacing import doubled_ms
from durable.timestamps import rfc3339


SLACK = "ALERT_SLACK_URL"
WEBHOOK = "ALERT_WEBHOOK_URL"
RETRY_MS_MIN = 10_000
RETRY_MS_MAX = 60 * 60 * 1_000
GIVE_UP_MS = 24 * 60 * 60 * 1_000
TEXT_CHARACTERS_MAX = 2_000  # Slack takes 40,000, and a person less
SLACK_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


class Delivery(Struct, frozen=True, kw_only=True):
    """An alert to one target. Persisted: add fields with defaults, never rename."""

    alert: Alert
    target: str  # the name of the secret that has its URL
    due_at_ms: int
    attempt_count: int = 0  # begun


def record_attempt(delivery: Delivery, now_ms: int) -> Delivery | None:
    """With another attempt begun, due again if that fails; None: the last one has failed."""
    if now_ms - delivery.alert.at_ms >= GIVE_UP_MS:
        return None
    pause_ms = doubled_ms(RETRY_MS_MIN, delivery.attempt_count, RETRY_MS_MAX)
    return replace(delivery, attempt_count=delivery.attempt_count + 1, due_at_ms=now_ms + pause_ms)


def defer(delivery: Delivery, until_ms: int) -> Delivery:
    """The target asked for time; no more than the longest pause is given."""
    latest_ms = delivery.due_at_ms + RETRY_MS_MAX
    return replace(delivery, due_at_ms=min(max(delivery.due_at_ms, until_ms), latest_ms))


def content(delivery: Delivery, worker_url: str | None, advice: str = "") -> bytes:
    """The body, as JSON.

    Args:
        delivery: to be made.
        advice: what to do about it, in the words of an alert.
        worker_url: where the Worker is; None: not known, and there is no link.
    """
    alert = delivery.alert
    base = worker_url and worker_url.rstrip("/")
    place = f"/status/{alert.job_id}" if alert.job_id else "/"
    url = f"{base}{place}" if base else None
    text = f"{alert.connector or 'cron'} {alert.kind}: {alert.text}"[:TEXT_CHARACTERS_MAX]
    text = f"{text}. {advice}" if advice else text
    return msgspec.json.encode(CHANNELS.get(delivery.target, _webhook)(alert, text, url))


def _slack(alert: Alert, text: str, url: str | None) -> object:
    link = "open the job" if alert.job_id else "open the dashboard"
    escaped = "".join(SLACK_ESCAPES.get(character, character) for character in text)
    return {"text": f"{escaped} <{url}|{link}>" if url else escaped}


def _webhook(alert: Alert, text: str, url: str | None) -> object:
    return {
        "id": alert.id,
        "kind": alert.kind,
        "connector": alert.connector or None,
        "job": alert.job_id or None,
        "at": rfc3339(alert.at_ms),
        "text": text,
        "remedy": alert.remedy,
        "url": url,
    }


# What each takes, by the secret that has its URL: who knows that, can write there.
CHANNELS: Mapping[str, Callable[[Alert, str, str | None], object]] = {
    SLACK: _slack,
    WEBHOOK: _webhook,
}
