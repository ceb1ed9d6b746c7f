"""What the documentation says of the metrics, is what they are."""

import re
from pathlib import Path

import pytest

from dev.staging import ROOT
from durable.errors import Cause
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
