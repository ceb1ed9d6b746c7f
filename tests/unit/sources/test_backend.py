import asyncio
import hmac
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from durable.environment import Environment, Secret
from durable.errors import Cause, ConfigurationError, UpstreamError
from durable.http.auth import Bearer
from durable.http.client import TIMEOUT_SECONDS
from durable.machine.job import Mode, ReadContext, Stage
from durable.sources.backend import ANSWER_MS_MAX, Backend, Run
from durable.sources.source import Records
from durable.timestamps import milliseconds
from tests.fakes.bench import NOW_MS
from tests.fakes.environment import an_environment
from tests.fakes.network import Network
from tests.fakes.source import a_crawl, context


URL = "https://crawler.internal.example/glean"
SET = {"CONNECTOR_API_URL": URL, "GLEAN_INSTANCE": "acme", "KEY": "signing-key", "TOKEN": "t0ken"}
BACKEND = Backend()
RUN = msgspec.json.encode(Run(url="/glean/runs/7?a=%20b", begun_at_ms=NOW_MS)).decode()


def environment(**variables: str) -> Environment:
    return an_environment(**{**SET, **variables})


def asked(
    network: httpx.AsyncBaseTransport,
    cursor: str | None = None,
    backend: Backend = BACKEND,
    crawl: ReadContext | None = None,
    **variables: str,
) -> Records:
    """What one question comes to, with a reader of its own, as after a crash."""
    reader = backend.reader(context(network, environment(**variables)))
    return asyncio.run(reader.fetch(cursor, crawl or a_crawl()))


def fault(
    network: httpx.AsyncBaseTransport, cursor: str | None = None, backend: Backend = BACKEND
) -> UpstreamError:
    with pytest.raises(UpstreamError) as error:
        asked(network, cursor, backend)
    return error.value


def at(elapsed_ms: int) -> str:
    """The cursor of a crawl that was begun so long ago."""
    return msgspec.json.encode(Run(url="/runs/7", begun_at_ms=NOW_MS - elapsed_ms)).decode()


def run_at(page: Records) -> Any:
    assert page.next_cursor is not None
    return msgspec.json.decode(page.next_cursor)


def accepted(location: str = "/runs/7", **headers: str) -> httpx.Response:
    return httpx.Response(202, headers={"location": location, **headers})


def said(status: str, **fields: object) -> httpx.Response:
    return httpx.Response(200, json={"status": status, **fields})


# A backend that answers when it is done


@pytest.mark.parametrize(
    ("mode", "since_ms"), [(Mode.FULL, None), (Mode.INCREMENTAL, 1_764_000_000_000)]
)
def test_a_crawl_is_asked_for_by_its_mode_and_may_be_asked_for_twice(
    mode: Mode, since_ms: int | None
) -> None:
    network = Network(said("completed", documentsIndexed=3))

    page = asked(network, crawl=ReadContext("notes-1", mode, Stage.DOCUMENTS, since_ms))

    (request,) = network.requests
    assert (request.method, str(request.url)) == ("POST", f"{URL}/index")
    assert msgspec.json.decode(request.content) == {"mode": mode, "glean_instance": "acme"}
    assert request.headers["idempotency-key"] == "notes-1"
    assert request.headers["content-type"] == "application/json"
    assert (page.records, page.next_cursor, page.wait_ms) == ([], None, 0)


@pytest.mark.parametrize(
    "answer",
    [
        said("ok"),
        said("COMPLETED"),
        httpx.Response(200),
        httpx.Response(200, text="done"),
        httpx.Response(200, json={}),
        httpx.Response(200, json=[1]),
        httpx.Response(204),
    ],
)
def test_an_answer_that_speaks_of_no_failure_is_the_end(answer: httpx.Response) -> None:
    assert asked(Network(answer)).next_cursor is None


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("word", ["failed", "error", "Error", "timed out", "cancelled"])
@pytest.mark.parametrize(
    "fields",
    [
        {"error": "no space left"},
        {"message": "no space left"},
        {"error": {"code": 7, "message": "no space left"}},
        {"error": {"detail": "no space left"}},
    ],
)
def test_a_crawl_that_failed_is_not_tried_again(
    status: int, word: str, fields: Mapping[str, object]
) -> None:
    error = fault(Network(httpx.Response(status, json={"status": word, **fields})))

    assert (error.cause, error.is_transient) == (Cause.REFUSED, False)
    assert "no space left" in str(error)


def test_a_failure_without_a_text_shows_the_answer() -> None:
    assert '{"status":"failed"' in str(fault(Network(said("failed"))))
    assert '{"code":7}' in str(fault(Network(said("failed", error={"code": 7}))))


@pytest.mark.parametrize("status", [500, 502, 429])
def test_a_backend_that_is_not_well_is_asked_again(status: int) -> None:
    answer = httpx.Response(status, text="a bad day", headers={"retry-after": "7"})

    error = fault(Network(answer))

    assert (error.status, error.retry_after, error.is_transient) == (status, "7", True)
    assert "a bad day" in str(error)


def test_a_crawl_may_take_as_long_as_a_turn_may() -> None:
    network = Network(said("ok"), said("ok"), said("ok"))

    asked(network)
    asked(network, backend=replace(BACKEND, give_up_after=timedelta(milliseconds=5_000)))
    asked(network, RUN)

    waits = [request.extensions["timeout"]["read"] for request in network.requests]
    assert waits == [ANSWER_MS_MAX / 1_000, 5.0, TIMEOUT_SECONDS]


def test_an_answer_that_took_too_long_says_what_helps() -> None:
    error = fault(Network(httpx.ReadTimeout("no answer in 840 s")))

    assert (error.cause, error.is_transient) == (Cause.UNANSWERED, False)


def test_an_answer_that_was_lost_is_asked_for_again() -> None:
    assert fault(Network(httpx.ReadError("reset"))).is_transient


# A backend that is asked how it is getting on


@pytest.mark.parametrize(
    ("answer", "path"),
    [
        (accepted("/runs/7?a=%20b"), "/runs/7?a=%20b"),
        (accepted("https://crawler.internal.example/runs/7"), "/runs/7"),
        (accepted("runs/7"), "/glean/runs/7"),
        (httpx.Response(202, json={"status_url": "/runs/7"}), "/runs/7"),
        (said("running", status_url="/runs/7"), "/runs/7"),
    ],
)
def test_a_crawl_that_was_begun_is_followed_at_its_url(answer: httpx.Response, path: str) -> None:
    network = Network(answer, said("running"))

    page = asked(network)

    assert run_at(page) == {"url": path, "asked": 0, "begun_at_ms": NOW_MS}
    assert (page.records, page.wait_ms) == ([], 30_000)
    asked(network, page.next_cursor)
    assert network.requests[1].method == "GET"
    assert str(network.requests[1].url) == f"https://crawler.internal.example{path}"


def test_a_crawl_is_asked_about_until_it_is_done_whoever_asks() -> None:
    running = [said("running"), said("in progress"), httpx.Response(202), said("Running")]
    network = Network(accepted(), *running, said("succeeded"))
    cursors = []

    cursor = asked(network).next_cursor
    while cursor is not None:
        cursors.append(cursor)
        cursor = asked(network, cursor).next_cursor

    assert len({*cursors}) == 5  # or the machine would see a circle
    assert [msgspec.json.decode(cursor)["asked"] for cursor in cursors] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("word", ["succeeded", "SUCCESS", "completed", "done", "ok"])
def test_a_crawl_ends_in_whatever_usual_word(word: str) -> None:
    assert asked(Network(said(word)), RUN).next_cursor is None
    answer = httpx.Response(200, json={"state": word})
    assert asked(Network(answer), RUN).next_cursor is None


def test_a_crawl_that_failed_meanwhile_tells_its_error() -> None:
    error = fault(Network(said("failed", error="no space left")), RUN)

    assert (error.cause, error.is_transient) == (Cause.REFUSED, False)
    assert "no space left" in str(error)


@pytest.mark.parametrize(
    ("answer", "is_transient"),
    [
        (said("sideways"), False),
        (httpx.Response(200, json={}), False),
        (httpx.Response(200, text="<html>"), True),
    ],
)
def test_an_answer_that_says_nothing_is_no_end(
    answer: httpx.Response, *, is_transient: bool
) -> None:
    error = fault(Network(answer), RUN)

    assert (error.cause, error.is_transient) == (Cause.UNREADABLE, is_transient)


def test_a_crawl_that_the_backend_has_forgotten_fails() -> None:
    error = fault(Network(httpx.Response(404)), RUN)

    assert (error.status, error.is_transient) == (404, False)


@pytest.mark.parametrize(
    ("retry_after", "wait_ms"), [("7", 7_000), ("", 30_000), ("nonsense", 30_000), ("0", 30_000)]
)
def test_the_backend_may_say_when_to_ask_again(retry_after: str, wait_ms: int) -> None:
    running = httpx.Response(200, json={"status": "running"}, headers={"retry-after": retry_after})
    network = Network(accepted(**{"retry-after": retry_after}), running)

    first = asked(network)

    assert [first.wait_ms, asked(network, first.next_cursor).wait_ms] == [wait_ms, wait_ms]
    assert ("retry-after" in first.wait_reason) == (retry_after == "7")


@pytest.mark.parametrize("answer", [httpx.Response(202), said("running")])
def test_a_crawl_without_a_url_cannot_be_followed(answer: httpx.Response) -> None:
    error = fault(Network(answer))

    assert (error.cause, error.is_transient) == (Cause.BAD_LINK, False)


@pytest.mark.parametrize(
    "location",
    [
        "https://inside.example/runs/7",
        "//inside.example/",
        "http://crawler.internal.example:8080/",
        "x:",
    ],
)
def test_no_other_server_is_asked(location: str) -> None:
    error = fault(Network(accepted(location)))

    assert (error.cause, error.is_transient) == (Cause.BAD_LINK, False)


@pytest.mark.parametrize("auth", [None, Bearer(Secret("TOKEN"))])
def test_a_backend_is_never_asked_in_clear_text(auth: Bearer | None) -> None:
    """Its URL alone is a secret."""
    network = Network(said("succeeded"))

    with pytest.raises(UpstreamError, match="https://") as error:
        asked(
            network, backend=replace(BACKEND, auth=auth), CONNECTOR_API_URL="http://crawler.example"
        )

    assert not error.value.is_transient
    assert "crawler.example" not in str(error.value)
    assert network.requests == []


def test_a_status_url_without_tls_is_asked_with_it() -> None:
    run = run_at(asked(Network(accepted("http://crawler.internal.example/runs/7"))))

    assert run["url"] == "/runs/7"


# Too late, or not wanted any more


LATE = at(milliseconds(BACKEND.give_up_after))


def test_a_crawl_that_takes_too_long_is_asked_to_stop() -> None:
    network = Network(said("running"), httpx.Response(204))

    error = fault(network, LATE)

    assert network.lines == ["GET /runs/7", "DELETE /runs/7"]
    assert error.cause is Cause.UNANSWERED
    assert not error.is_transient


def test_a_crawl_is_not_late_before_its_time() -> None:
    assert (
        run_at(asked(Network(said("running")), at(milliseconds(BACKEND.give_up_after) - 1)))[
            "asked"
        ]
        == 1
    )


def test_a_crawl_that_is_done_after_its_time_is_done() -> None:
    assert asked(Network(said("succeeded")), LATE).next_cursor is None


def test_a_backend_that_does_not_answer_is_not_asked_for_ever() -> None:
    assert fault(Network(httpx.Response(503)), RUN).is_transient

    error = fault(Network(httpx.Response(503), httpx.Response(503)), LATE)

    assert error.cause is Cause.UNANSWERED
    assert not error.is_transient


def test_the_last_question_comes_at_the_end_of_the_time() -> None:
    page = asked(Network(said("running")), at(milliseconds(BACKEND.give_up_after) - 5_000))

    assert page.wait_ms == 5_000


@pytest.mark.parametrize(
    "answer", [httpx.Response(204), httpx.Response(404), httpx.ConnectError("no")]
)
def test_a_job_that_is_cancelled_stops_the_crawl_as_well_as_can_be(
    answer: httpx.Response | Exception,
) -> None:
    network = Network(answer)

    reader = BACKEND.reader(context(network, environment()))
    asyncio.run(reader.cancel(RUN))
    asyncio.run(reader.cancel(None))

    assert [str(request.url) for request in network.requests] == [
        "https://crawler.internal.example/glean/runs/7?a=%20b"
    ]
    assert network.requests[0].method == "DELETE"


def test_who_cancels_does_not_wait_long_for_a_silent_backend() -> None:
    network = Network(httpx.ReadTimeout("no answer"))

    asyncio.run(BACKEND.reader(context(network, environment())).cancel(RUN))

    assert network.requests[0].extensions["timeout"]["read"] <= 10


# Who asks


SIGNED = replace(BACKEND, signing_key=Secret("KEY"))


def is_signed(request: httpx.Request) -> bool:
    """As the docstring of Backend has it."""
    headers, body, method = request.headers, request.content, request.method
    path_and_query = request.url.raw_path.decode()
    stamp = headers["X-Signature-Timestamp"]
    content = body or f"{method} {path_and_query}".encode()
    code = hmac.new(b"signing-key", f"{stamp}.".encode() + content, "sha256").hexdigest()
    return stamp == str(NOW_MS // 1_000) and headers["X-Signature-256"] == f"sha256={code}"


def test_every_request_is_signed_if_there_is_a_secret() -> None:
    network = Network(accepted(), said("running"), httpx.Response(204))

    asked(network, backend=SIGNED)
    asked(network, RUN, SIGNED)
    asyncio.run(SIGNED.reader(context(network, environment())).cancel(RUN))

    assert [request.method for request in network.requests] == ["POST", "GET", "DELETE"]
    assert all(map(is_signed, network.requests))
    assert len({request.headers["x-signature-256"] for request in network.requests}) == 3


def test_without_a_secret_nothing_is_signed() -> None:
    network = Network(said("ok"))

    asked(network)

    assert "x-signature-256" not in network.requests[0].headers


def test_a_backend_may_want_a_token_too() -> None:
    network = Network(said("ok"))

    asked(network, backend=replace(SIGNED, auth=Bearer(Secret("TOKEN"))))

    assert network.requests[0].headers["authorization"] == "Bearer t0ken"


# What nobody is to see


def test_all_its_secrets_are_known() -> None:
    backend = replace(SIGNED, auth=Bearer(Secret("TOKEN")))

    assert backend.secrets() == {"CONNECTOR_API_URL", "KEY", "TOKEN"}
    assert BACKEND.secrets() == {"CONNECTOR_API_URL"}


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ConnectError("cannot resolve crawler.internal.example"),
        httpx.Response(302, headers={"location": "https://crawler.internal.example/login"}),
        httpx.Response(403, text=f"{URL} is not for you"),
        httpx.Response(202, headers={"location": f"{URL}/x:y@z"}),
        accepted("https://other.example"),
    ],
)
def test_nothing_that_is_shown_names_the_server(answer: httpx.Response | Exception) -> None:
    assert "crawler" not in shown(answer)


def shown(answer: httpx.Response | Exception) -> str:
    try:
        return str(asked(Network(answer)).next_cursor)
    except UpstreamError as error:
        return str(error)


@pytest.mark.parametrize(
    "url", ["inside.test", "/inside", "ftp://inside.test", "https://a:b@inside.test"]
)
def test_a_url_that_is_not_right_is_told_by_its_name(url: str) -> None:
    for look in (
        lambda: BACKEND.locate(environment(CONNECTOR_API_URL=url)),
        lambda: BACKEND.reader(context(Network(), environment(CONNECTOR_API_URL=url))),
    ):
        with pytest.raises(ConfigurationError, match="the secret CONNECTOR_API_URL") as error:
            look()
        assert "inside" not in str(error.value)


@pytest.mark.parametrize("name", ["CONNECTOR_API_URL", "GLEAN_INSTANCE", "KEY"])
def test_what_is_not_set_is_named(name: str) -> None:
    variables = {**SET}
    del variables[name]

    with pytest.raises(ConfigurationError, match=f"{name}"):
        SIGNED.reader(context(Network(), an_environment(**variables)))


def test_another_place_is_another_crawl_and_is_not_told() -> None:
    here, there = (BACKEND.locate(environment(CONNECTOR_API_URL=f"{URL}{n}")) for n in "ab")

    assert here != there
    assert "crawler" not in here
    assert here == BACKEND.locate(environment(CONNECTOR_API_URL=f"{URL}a"))


@pytest.mark.parametrize(
    ("url", "asked_at"),
    [
        ("https://crawler.example", "https://crawler.example/index"),
        ("https://crawler.example/", "https://crawler.example/index"),
        ("https://crawler.example/a/", "https://crawler.example/a/index"),
        ("https://crawler.example/a?code=x", "https://crawler.example/a/index?code=x"),
    ],
)
def test_the_index_is_below_the_url(url: str, asked_at: str) -> None:
    network = Network(said("ok"))

    asked(network, CONNECTOR_API_URL=url)

    assert str(network.requests[0].url) == asked_at
