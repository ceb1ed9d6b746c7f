"""What the code offers to whom, read from the code. See docs/security.md."""

import ast
import tomllib

import pytest

from dev.staging import ROOT
from durable.engine.questions import QUESTIONS


@pytest.mark.parametrize(
    ("path", "right"), [("worker/auth.py", "token"), ("worker/sessions.py", "_signature")]
)
def test_the_token_and_a_signature_are_compared_in_constant_time(path: str, right: str) -> None:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    compared = {
        name.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare)
        for name in ast.walk(node)
        if isinstance(name, ast.Name)
    }
    called = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Call)]

    assert not compared & {"token", "given", "authorization"}
    assert any(
        call.startswith("hmac.compare_digest(") and "given" in call and right in call
        for call in called
    )


def test_the_object_answers_its_own_worker_these_questions_and_no_more() -> None:
    """Whoever holds the binding can call them all, also those whose names begin with `_`."""
    assert methods("durable/runner.py", "ConnectorRunner") == {
        *("__init__", "ask", "alarm"),
    }
    assert {question.__name__ for question in QUESTIONS} == {
        *("BeginJob", "RepeatRejects", "ObeyCommand", "TendObject"),
        *("CheckConnector", "CompareDatasource", "SetUpDatasource"),
        *("ReadStatus", "ReadEvents", "ReadRejects", "ReadJobs", "ReadOverview", "ReadMeasures"),
        "ReadMissing",
    }


def test_the_worker_offers_the_outside_requests_and_cron_ticks_only() -> None:
    assert methods("worker/entry.py", "Default") == {"fetch", "scheduled"}
    assert methods("worker/entry.py", "Runner") == {"alarm"}
    assert methods("worker/entry.py", "Watch") == {"__init__", "look", "notice", "alarm"}
    # The platform exports a file's classes that have one of its own as their base.
    assert {one.name for one in classes("worker/entry.py") if one.bases} == {
        *("Default", "Runner", "Watch")
    }


def test_nothing_but_the_worker_holds_the_binding_of_the_object() -> None:
    config = tomllib.loads((ROOT / "wrangler.toml").read_text(encoding="utf-8"))

    assert config["durable_objects"]["bindings"] == [
        {"name": "RUNNER", "class_name": "Runner"},
        {"name": "WATCH", "class_name": "Watch"},
    ]
    assert not {"services", "queues", "dispatch_namespaces"} & set(config)
    assert config["preview_urls"] is False


@pytest.mark.parametrize(
    "path",
    [
        "worker/entry.py",
        "durable/runner.py",
    ],
)
def test_no_traceback_is_printed_as_it_is(path: str) -> None:
    """It quotes what others sent, and with it could begin a line of the log."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    printed = [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "print"
    ]

    assert printed
    assert [call for call in printed if "format_exc" in call] == []


def classes(path: str) -> list[ast.ClassDef]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return [node for node in tree.body if isinstance(node, ast.ClassDef)]


def methods(path: str, name: str) -> set[str]:
    (found,) = (node for node in classes(path) if node.name == name)
    return {
        node.name for node in found.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
