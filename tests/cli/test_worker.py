"""What goes wrong on the way to the Worker, and what a person is told of it."""

import socket
import ssl
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace
from starlette.applications import Starlette
from typer.testing import CliRunner, Result

from dev.loopback import serving
from glean_sync.app import app
from glean_sync.machine import this_machine
from tests.fakes.operated import TOKEN, URL, FakeWorker, a_problem
from tests.fakes.shell import SIGNED_IN, Shell


@pytest.fixture
def worker() -> FakeWorker:
    return FakeWorker()


@pytest.fixture
def shell(tmp_path: Path, worker: FakeWorker) -> Shell:
    return Shell(tmp_path, worker)


def caused(error: httpx.HTTPError, cause: Exception) -> httpx.HTTPError:
    error.__cause__ = cause
    return error


HTML = {"content-type": "text/html"}
TROUBLES: dict[str, tuple[httpx.Response | Exception, int, str]] = {
    "refused": (
        caused(httpx.ConnectError("failed"), ConnectionRefusedError(111, "Connection refused")),
        4,
        f"{URL} could not be reached: [Errno 111] Connection refused. Check the URL",
    ),
    "no such host": (
        caused(httpx.ConnectError("failed"), socket.gaierror(-2, "Name or service not known")),
        4,
        "Name or service not known. Check the URL",
    ),
    "its certificate": (
        caused(httpx.ConnectError("failed"), ssl.SSLCertVerificationError(1, "self-signed")),
        4,
        "was not accepted: self-signed. Where a company's proxy has one of its own, name it",
    ),
    "no connection in time": (httpx.ConnectTimeout(""), 4, "could not be reached in 10 s"),
    "no answer in time": (httpx.ReadTimeout(""), 4, f"{URL} did not answer in 100 s."),
    "broken off": (httpx.RemoteProtocolError("cut off"), 4, "broke off: cut off."),
    "another server": (
        httpx.Response(404, html="<h1>Nothing here yet</h1>"),
        4,
        "answered 404 in a way that the Worker does not: check the URL.",
    ),
    "a server whose answer is nested without end": (
        httpx.Response(200, text='{"x": ' + "[" * 200_000),
        4,
        "The answer is not what was expected",
    ),
    "a server whose refusal is nested without end": (
        httpx.Response(500, text='{"title": ' + "[" * 200_000),
        4,
        "answered 500: the Worker failed",
    ),
    "a server that answers anything": (
        httpx.Response(200, html="<h1>Welcome</h1>"),
        4,
        "The answer is not what was expected",
    ),
    "a Worker that breaks": (httpx.Response(500, html="1101"), 4, "the Worker failed"),
    "a login page": (
        httpx.Response(302, headers={"location": "https://acme.cloudflareaccess.com/cdn-cgi"}),
        4,
        "is behind Cloudflare Access",
    ),
    "a redirect": (
        httpx.Response(301, headers={"location": "https://elsewhere.example/"}),
        4,
        "answered 301 in a way that the Worker does not",
    ),
    "another token": (
        a_problem(401, "Unauthorized", "Send the header."),
        5,
        "The Worker does not take the token of GLEAN_SYNC_TOKEN: Send the header. Run `glean",
    ),
    "no token there": (
        a_problem(503, "Service Unavailable", "The secret TRIGGER_TOKEN is not set."),
        3,
        "Service Unavailable (503): The secret TRIGGER_TOKEN is not set.",
    ),
    "a problem that is none": (
        httpx.Response(400, headers={"content-type": "application/problem+json"}, content=b"{"),
        4,
        "answered 400 in a way that the Worker does not",
    ),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_each_trouble_has_its_words_and_its_code_and_no_traceback(
    shell: Shell, worker: FakeWorker, trouble: str
) -> None:
    failure, code, words = TROUBLES[trouble]
    worker.fails(failure)

    shown = shell.run("connectors")

    assert shown.exit_code == code
    assert words in shown.stderr
    assert len(shown.stderr.splitlines()) == 1
    assert shown.stdout == ""
    assert len(worker.requests) == 1


def test_who_looks_for_a_fault_sees_the_request_and_the_traceback_without_the_token(
    shell: Shell, worker: FakeWorker
) -> None:
    worker.fails(httpx.ReadTimeout(""))

    shown = shell.run("connectors", "--verbose")

    assert f"GET {URL}/connectors: ReadTimeout" in shown.stderr
    assert "Traceback (most recent call last)" in shown.stderr
    assert TOKEN not in shown.output


def test_a_fault_of_our_own_is_told_as_one(shell: Shell, worker: FakeWorker) -> None:
    worker.fails(ZeroDivisionError("by zero"))

    shown = shell.run("connectors")

    assert shown.exit_code == 70
    assert shown.stderr == "glean-sync has a fault: ZeroDivisionError: by zero\n"


def test_the_worker_is_told_what_is_wanted_and_by_whom(shell: Shell, worker: FakeWorker) -> None:
    shell.run("connectors")

    headers = worker.requests[0].headers
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert headers["accept"] == "application/json"
    assert headers["user-agent"].startswith("glean-sync/")


def on_the_network(url: str) -> Result:
    environment = {**SIGNED_IN, "GLEAN_SYNC_URL": url}
    machine = replace(this_machine(), environment=environment)
    return CliRunner().invoke(app, ["connectors"], obj=machine, catch_exceptions=False)


def test_a_port_that_nobody_listens_on_is_told_as_such() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # so that nobody else takes it meanwhile

        shown = on_the_network(f"http://127.0.0.1:{bound.getsockname()[1]}")

    assert shown.exit_code == 4
    assert "could not be reached: [Errno" in shown.stderr


def test_a_server_that_is_none_of_ours_is_told_as_such() -> None:
    with serving(Starlette()) as url:
        plain, with_tls = on_the_network(url), on_the_network(url.replace("http:", "https:"))

    assert (plain.exit_code, with_tls.exit_code) == (4, 4)
    assert f"{url} answered 404 in a way that the Worker does not" in plain.stderr
    assert "does not speak TLS as it should" in with_tls.stderr
