"""The page for a person: what is indexed, and a search over it. Escapes everything."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template

import msgspec
from msgspec import Struct

from dev.local_glean.index import MARK_END, MARK_START, Found, Results
from dev.local_glean.status import DatasourceSummary, UploadEvent
from dev.local_glean.uploads import Entity


TEMPLATE = Template(Path(__file__).with_name("page.html").read_text(encoding="utf-8"))
# What is indexed comes from elsewhere. Even if an escape were missing, nothing of it would run.
CONTENT_SECURITY_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'"
LISTED_UPLOADS_MAX = 5


class _Linked(Struct, rename={"view_url": "viewURL"}):
    view_url: str | None = None


def page(
    summaries: Sequence[DatasourceSummary],
    people: Mapping[Entity, int],
    results: Results,
) -> str:
    """The page's HTML.

    Args:
        summaries: of all datasources.
        people: how many employees and teams there are.
        results: of a search; its query is empty if there was none.
    """
    return TEMPLATE.substitute(
        query=escape(results.query),
        options="".join(_option(summary.name, results.datasource) for summary in summaries),
        results=_results(results),
        datasources="".join(map(_datasource, summaries)) or "<p>There is no datasource yet.</p>",
        people=f"<h2>People</h2><p>{_counted(people)}.</p>" if any(people.values()) else "",
    )


def _option(name: str, datasource: str | None) -> str:
    selected = " selected" if name == datasource else ""
    return f'<option value="{escape(name)}"{selected}>{escape(name)}</option>'


def _results(results: Results) -> str:
    if not results.query.strip():
        return ""
    found = results.found
    shown = "" if results.count == len(found) else f", the best {len(found)} of them"
    noun = "document" if results.count == 1 else "documents"
    heading = f"<h2>{results.count:,} {noun}{shown}</h2>"
    return f'{heading}<ol class="results">{"".join(map(_result, found))}</ol>'


def _result(found: Found) -> str:
    url = msgspec.json.decode(found.body, type=_Linked).view_url or ""
    title = escape(found.title)
    # Any other scheme, such as javascript:, is shown and not linked.
    if url.startswith(("https://", "http://")):
        title = f'<a href="{escape(url)}" rel="noreferrer">{title}</a>'
    snippet = escape(found.snippet).replace(MARK_START, "<mark>").replace(MARK_END, "</mark>")
    kind = " · ".join(filter(None, (found.datasource, found.object_type, found.id)))
    return (
        f'<li><h3>{title}</h3><p class="url">{escape(url)}</p><p>{snippet}</p>'
        f'<p class="kind">{escape(kind)}</p></li>'
    )


def _datasource(summary: DatasourceSummary) -> str:
    total = sum(count.count for count in summary.counts)
    kinds = ", ".join(
        f"{count.count:,} {count.object_type or 'untyped'}" for count in summary.counts
    )
    notes = [f"Documents: {total:,}" + (f" ({escape(kinds)})" if kinds else "")]
    if summary.invisible_count:
        notes.append(
            f"<strong>{summary.invisible_count:,} without permissions</strong>: "
            "nobody would see them"
        )
    if summary.paused_count:
        notes.append(f"<strong>deletion of {summary.paused_count:,} paused</strong>")
    identities = ""
    if any(summary.identities.values()):
        identities = f"<p>Identities: {_counted(summary.identities)}.</p>"
    uploads = summary.uploads[:LISTED_UPLOADS_MAX]
    rows = "".join(map(_upload, uploads)) or '<tr><td colspan="4">none</td></tr>'
    return (
        f"<section><h3>{escape(summary.name)}</h3><p>{'; '.join(notes)}.</p>{identities}"
        "<table><thead><tr><th>upload</th><th>begun</th><th>ended</th><th>state</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></section>"
    )


def _counted(counts: Mapping[Entity, int]) -> str:
    return ", ".join(f"{count:,} {entity}" for entity, count in counts.items())


def _upload(upload: UploadEvent) -> str:
    end = "open" if upload.end_time == "NA" else upload.end_time
    cells = (upload.upload_id, upload.start_time, end, upload.processing_state)
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
