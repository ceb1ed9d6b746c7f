"""Sign-in of browsers and Cloudflare Access, on the real runtime."""

from collections.abc import Iterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dev.loopback import serving
from dev.runtime import Runtime
from dev.stack import TRIGGER_TOKEN, Stack
from tests.fakes.deployed import deployed_alone
from tests.fakes.team import A_PERSON, AUDIENCE, public, signed


pytestmark = pytest.mark.workerd

KIDS = ("in-use", "before")


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """A team's certs endpoint."""

    async def certs(_request: Request) -> Response:
        return JSONResponse({"keys": [public(kid) for kid in KIDS]})

    with serving(Starlette(routes=[Route("/cdn-cgi/access/certs", certs)])) as url:
        yield url


@pytest.fixture(scope="module")
def behind_access(tmp_path_factory: pytest.TempPathFactory, issuer: str) -> Iterator[Runtime]:
    """A Worker that has no token: only Cloudflare Access says who asks."""
    variables = {"ACCESS_TEAM_DOMAIN": issuer, "ACCESS_AUD": AUDIENCE}
    with deployed_alone(tmp_path_factory.mktemp("access"), variables) as runtime:
        yield runtime


def asked(runtime: Runtime, assertion: str) -> httpx.Response:
    headers = {"Cf-Access-Jwt-Assertion": assertion}
    return httpx.get(f"{runtime.url}/session", headers=headers)


def an_assertion(issuer: str, *, kid: str, signed_by: str | None = None) -> str:
    claims = {"iss": issuer, "aud": [AUDIENCE], "email": A_PERSON, "exp": 4_000_000_000}
    return signed({"alg": "RS256", "kid": kid, "typ": "JWT"}, claims, signed_by or kid)


@pytest.mark.parametrize("kid", KIDS)
def test_an_assertion_is_checked_with_the_teams_keys(
    behind_access: Runtime, issuer: str, kid: str
) -> None:
    response = asked(behind_access, an_assertion(issuer, kid=kid))

    assert response.status_code == 200, response.text
    assert (response.json()["via"], response.json()["who"]) == ("access", A_PERSON)


def test_an_assertion_with_a_wrong_signature_is_denied(behind_access: Runtime, issuer: str) -> None:
    response = asked(behind_access, an_assertion(issuer, kid="in-use", signed_by="before"))

    assert response.status_code == 401
    assert "wrong signature" in response.json()["detail"]


@pytest.mark.usefixtures("quiet")
def test_a_session_does_what_the_token_does(stack: Stack) -> None:
    begun = stack.request("POST", "/session", json={"token": TRIGGER_TOKEN}, headers={})
    assert begun.status_code == 204
    cookie = begun.headers["set-cookie"].partition(";")[0]
    own = {"cookie": cookie, "origin": stack.worker_url}

    session = stack.request("GET", "/session", headers={"cookie": cookie})
    job = stack.request("POST", "/trigger", json={"mode": "INCREMENTAL"}, headers=own)
    forged = stack.request("POST", f"/cancel/{job.json()['id']}", headers={"cookie": cookie})
    ended = stack.request("DELETE", "/session", headers=own)

    assert (session.status_code, session.json()["via"]) == (200, "cookie")
    assert job.status_code == 202
    assert stack.ended(job.json()["id"])["state"] == "succeeded"
    assert forged.status_code == 403
    assert (ended.status_code, ended.content) == (204, b"")
    assert ended.headers["set-cookie"].startswith("__Host-session=; Max-Age=0;")


def test_a_wrong_token_begins_no_session(stack: Stack) -> None:
    response = stack.request("POST", "/session", json={"token": "wrong"}, headers={})

    assert response.status_code == 401
    assert "set-cookie" not in response.headers
