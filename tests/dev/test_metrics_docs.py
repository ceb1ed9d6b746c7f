"""What the documentation says of the metrics, is what they are."""

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from dev.staging import ROOT
from durable.errors import Cause
from durable.machine.job import Stage
from durable.machine.job_events import Transition
from durable.machine.states import State
from durable.views.analytics import points
from tests.fakes.jobs import a_job
from tests.fakes.measured import moments
from worker import metrics


METRICS = ROOT / "docs/metrics.md"
NAMING = [METRICS, ROOT / "docs/grafana.json", ROOT / "docs/prometheus-rules.yaml"]
ROW = re.compile(r"^\| `(glean_sync_\w+)` \| (\w+) \|([^|]*)\| [^|]+ \| [^|]+ \|$", re.MULTILINE)
NAME = re.compile(r"glean_sync_\w+")
OF_HISTOGRAMS = re.compile(r"_(?:bucket|sum|count)$")


def measured() -> str:
    """With every label that there can be."""
    *_, (at_ms, last) = moments()
    return metrics.text(last, at_ms)


def family(name: str) -> str:
    return OF_HISTOGRAMS.sub("", name)


def test_the_documentation_has_each_metric_with_its_kind_and_labels() -> None:
    text = measured()
    labels: dict[str, set[str]] = {}
    for name, of_sample in re.findall(r"^(\w+)\{(.*)\} ", text, re.MULTILINE):
        labels.setdefault(family(name), set()).update(re.findall(r"(\w+)=", of_sample))
    kinds = re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE)

    rows = ROW.findall(METRICS.read_text(encoding="utf-8"))

    documented = {name: (kind, set(re.findall(r"`(\w+)`", more))) for name, kind, more in rows}
    assert documented == {name: (kind, labels[name] - {"connector"}) for name, kind in kinds}


@pytest.mark.parametrize("file", NAMING, ids=lambda file: file.name)
def test_no_other_metric_is_named(file: Path) -> None:
    there = set(re.findall(r"^# TYPE (\w+)", measured(), re.MULTILINE))

    named = {family(name) for name in NAME.findall(file.read_text(encoding="utf-8"))}

    assert named - there == set()


def test_the_documentation_has_each_reason_of_a_retry() -> None:
    text = METRICS.read_text(encoding="utf-8")

    assert [cause for cause in Cause if f"`{cause}`" not in text] == []


def test_the_documentation_has_each_column_of_the_analytics_engine() -> None:
    _, _, text = METRICS.read_text(encoding="utf-8").partition("## Analytics Engine")
    rows = re.findall(r"^\| `([a-z]+)(\d+)` \|", text, re.MULTILINE)
    before = replace(a_job(State.SENDING), stages=(Stage.USERS,))
    after = replace(before, state=State.FAILED, turn=None, ended_turn=before.turn)

    turn, job = points(Transition(before, after, 0))

    columns = {kind: [int(number) for of, number in rows if of == kind] for kind, _ in rows}
    assert columns == {
        "index": [1],
        "blob": [*range(1, len(turn.blobs) + 1)],
        "double": [*range(1, len(turn.doubles) + 1)],
    }
    assert len(job.blobs) == len(turn.blobs)
    assert len(job.doubles) <= len(turn.doubles)
    assert set(re.findall(r"\b(?:index|blob|double)\d+", text)) == {f"{a}{b}" for a, b in rows}


def test_the_documentation_binds_the_analytics_engine_as_the_configuration_shows() -> None:
    (shown,) = re.findall(r"```toml\n(.*?)```", METRICS.read_text(encoding="utf-8"), re.DOTALL)
    commented = "".join(f"# {line}\n" for line in shown.splitlines())

    assert commented in (ROOT / "wrangler.toml").read_text(encoding="utf-8")
