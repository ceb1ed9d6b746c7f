"""Deployments elsewhere, and for trials: what they touch, and what they leave alone."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from dev.patience import wait_until
from dev.rest.ledger import now_ms
from dev.site import DOCS
from tests.fakes.deployed import deployed


pytestmark = pytest.mark.workerd

PROBLEM = "the variable JURISDICTION is 'eu', and the platform does not have it"


def test_an_object_of_before_does_nothing_until_the_jurisdiction_is_taken_back(
    tmp_path: Path,
) -> None:
    with deployed(tmp_path, {"backoff_ms_min": 100}, 200) as stack:
        stack.stall()
        job_id = stack.trigger("FULL", "python-docs")["id"]
        stack.until(job_id, lambda job: job["turns"] > 0)

        stack.runtime.kill()
        stack.runtime.variables["JURISDICTION"] = "eu"
        stack.clear_faults()
        stack.runtime.start()

        for path in ("/connectors", "/jobs", f"/status/{job_id}"):
            answer = stack.request("GET", path)
            assert (answer.status_code, PROBLEM in answer.json()["detail"]) == (503, True)
        wait_until(lambda: "the object is stranded" in stack.runtime.log.read_text())

        stack.runtime.kill()
        del stack.runtime.variables["JURISDICTION"]
        stack.runtime.start()

        assert stack.status(job_id)["state"] in {"opening", "sending"}
        stack.tick("0 * * * *", now_ms())  # whatever looks after the objects
        assert stack.ended(job_id)["state"] == "succeeded"


def test_a_deployment_for_trials_syncs_into_a_datasource_of_its_own(tmp_path: Path) -> None:
    (real,) = DOCS.datasources
    site = replace(
        DOCS,
        datasources=[real, {**real, "name": "pythondocsstaging", "isTestDatasource": True}],
        variables={"DATASOURCE_SUFFIX": "staging"},
    )
    with deployed(tmp_path, {}, 200, site) as stack:
        job = stack.ended(stack.trigger("FULL", "python-docs")["id"])

        assert job["state"] == "succeeded", job
        assert len(stack.glean_documents("pythondocsstaging")) == 200
        assert stack.glean_documents("pythondocs") == []
        (shown,) = stack.request("GET", "/connectors").json()["connectors"]
        assert shown["datasource"] == "pythondocsstaging"
