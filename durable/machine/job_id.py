"""The ids of jobs: each names its connector. Pure."""

import re
from datetime import UTC, datetime


JOB_ID = re.compile(r"(?P<connector>[a-z0-9-]{1,40})-[0-9]{8}T[0-9]{9}Z-[0-9a-f]+")


def connector_name(job_id: str) -> str | None:
    """The connector that a job's id names; None if it is no job's id."""
    match = JOB_ID.fullmatch(job_id)
    return match["connector"] if match else None


def make_job_id(connector: str, now_ms: int, nonce: str) -> str:
    moment = datetime.fromtimestamp(now_ms / 1_000, UTC)
    return f"{connector}-{moment:%Y%m%dT%H%M%S}{now_ms % 1_000:03}Z-{nonce}"
