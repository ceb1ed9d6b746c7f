"""What must be so of each page by itself."""

import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from dev.kit.crawl import PageRead
from dev.kit.findings import Finding
from durable.connector.stream import AnyStream
from durable.environment import Environment
from durable.glean.mapped_record import excerpt
from durable.limits import Limits
from durable.machine.rejects import Reject
from durable.sources.source import CURSOR_CHARACTERS_MAX


REJECT_REMEDY = (
    "mend the record's Struct or the mapping; or, where such records are to be rejected, say how "
    "many with `rejects`"
)


def page_findings(
    page: PageRead, again: PageRead, limits: Limits, environment: Environment
) -> Iterator[Finding]:
    """All that is wrong with a page.

    Args:
        page: as it was read.
        again: mapped a second time.
        limits: of the deployment.
        environment: knows the secrets.
    """
    yield from cursor_findings(page)
    yield from limit_findings(page, limits)
    yield from mapping_findings(page, again)
    yield from secret_findings(page, environment)


def cursor_findings(page: PageRead) -> Iterator[Finding]:
    cursor: Any = page.records.next_cursor
    if cursor is None:
        return
    fault, remedy = None, "make it a short text: JSON, where it is more than one"
    if not isinstance(cursor, str):
        fault = f"the next page's cursor, {cursor!r:.80}, is of type {type(cursor).__name__}"
    elif not cursor:
        fault = "the next page's cursor is empty"
        remedy = "None stands for the end, and any other text for a page"
    elif len(cursor) > CURSOR_CHARACTERS_MAX:
        fault = (
            f"the next page's cursor has {len(cursor)} characters, and is stored with the job: "
            f"{CURSOR_CHARACTERS_MAX} are allowed"
        )
    elif cursor != cursor.encode(errors="replace").decode():
        fault = f"the next page's cursor cannot be stored: {cursor!r:.80}"
    if fault is not None:
        yield Finding("cursors", str(page), fault, remedy)


def limit_findings(page: PageRead, limits: Limits) -> Iterator[Finding]:
    """The reader of a source in Python may go past what those over HTTP keep to."""
    records = page.records
    if records.byte_count > limits.page_bytes_max:
        fault = (
            f"the page has {records.byte_count} bytes; page_bytes_max is {limits.page_bytes_max}"
        )
        yield Finding("limits", str(page), fault, "ask for smaller pages")
    request_count = records.request_count + len(page.batches)
    if request_count > limits.turn_requests_max:
        fault = (
            f"the page takes {records.request_count} requests to the source and "
            f"{len(page.batches)} to Glean; turn_requests_max is {limits.turn_requests_max}"
        )
        yield Finding("limits", str(page), fault, "ask for smaller pages")
    if records.wait_ms < 0:
        fault = f"the reader asks for a wait of {records.wait_ms} ms"
        yield Finding("limits", str(page), fault, "wait_ms counts from now, and is 0 for none")
    for batch in page.batches:
        document_count, byte_count = len(batch.items), batch.byte_count
        is_large = document_count > 1 and byte_count > limits.batch_bytes_max  # alone, it may be
        if document_count > limits.batch_documents_max or is_large:
            fault = f"a request to Glean has {document_count} documents and {byte_count} bytes"
            yield Finding("limits", str(page), fault, "ask for smaller pages")


def reject_finding(
    page: PageRead, reject: Reject, stream: AnyStream, remedy: str = REJECT_REMEDY
) -> Finding:
    """A record that no document came of, and where in the connector that was."""
    raw = page.records.records[reject.place - 1]
    named = f" ({reject.key})" if reject.key else ""
    return Finding(
        "records",
        f"{page}, record {reject.place}{named}",
        f"{reject.reason}{_line(stream, reject, bytes(raw))}\n    The record: {reject.excerpt}",
        remedy,
    )


def key_findings(page: PageRead, stream: AnyStream) -> Iterator[Finding]:
    """Of a record without a key nobody can tell which one it is, once it is rejected."""
    for place, raw in enumerate(page.records.records, start=1):
        if place not in page.records.faults and not stream.key_of(raw):
            yield Finding(
                "keys",
                f"{page}, record {place}",
                f"there is no text and no number at key={stream.key!r}: {excerpt(raw):.200}",
                "name the path of the record's own id as `key` of the Stream",
            )
            return


def mapping_findings(page: PageRead, again: PageRead) -> Iterator[Finding]:
    """The same records were mapped twice."""
    second = {made.place: made for made in again.made}
    for made in page.made:
        other = second.get(made.place)
        if other == made:
            continue
        what = "nothing" if other is None else _excerpt_at_difference(made.content, other.content)
        yield Finding(
            "mapping",
            f"{page}, record {made.place} ({made.key})",
            f"mapped a second time, the same record gives something else: {what}",
            "let the mapping depend on the record alone, and not on a clock, on chance or on the "
            "records before",
        )


def secret_findings(page: PageRead, environment: Environment) -> Iterator[Finding]:
    """A secret, in whatever is stored, sent to Glean, or shown to a person."""

    def is_shown(text: str) -> bool:
        return environment.redacted(text) != text

    cursor: Any = page.records.next_cursor
    if isinstance(cursor, str) and is_shown(cursor):
        yield Finding(
            "secrets",
            str(page),
            f"a secret is in the next page's cursor: {environment.redacted(cursor):.200}",
            "a cursor is stored and shown: send the secret in a header, or page by what the source "
            "gives beside the whole URL",
        )
    for made in page.made:
        if is_shown(content := made.content.decode(errors="replace")):
            yield Finding(
                "secrets",
                f"{page}, record {made.place}",
                f"a secret is in what Glean gets: {_around_hidden(environment.redacted(content))}",
                "leave that field out of the mapping",
            )
    for reject in page.rejects:
        if is_shown(f"{reject.key} {reject.reason} {reject.excerpt}"):
            yield Finding(
                "secrets",
                f"{page}, record {reject.place}",
                "a secret is in the record that was rejected, or in the reason for that",
                "ask the source for fewer fields, or raise an error that does not quote them",
            )


def _line(stream: AnyStream, reject: Reject, raw: bytes) -> str:
    """Where in the connector's file the mapping raised, if it did."""
    if stream.takes_context or not reject.reason.startswith("the mapping raised"):
        return ""
    try:
        stream.map(msgspec.json.decode(raw, type=stream.record))
    except Exception as error:  # noqa: BLE001 - the author's mapping may raise anything
        frames = traceback.extract_tb(error.__traceback__)[1:]
        return f", at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return ""


def _excerpt_at_difference(first: bytes, second: bytes) -> str:
    pairs = zip(first, second, strict=False)
    at = next((index for index, (one, other) in enumerate(pairs) if one != other), 0)
    begin = max(0, at - 30)
    texts = [content[begin : at + 30].decode(errors="replace") for content in (first, second)]
    return f"...{texts[0]}... and then ...{texts[1]}..."


def _around_hidden(text: str) -> str:
    at = text.find("***")
    return f"...{text[max(0, at - 60) : at + 30]}..."
