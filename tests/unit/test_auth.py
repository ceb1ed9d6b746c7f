import pytest

from tests.fakes.environment import an_environment
from worker import auth


GUARDED = an_environment(TRIGGER_TOKEN="t0ken")


@pytest.mark.parametrize("authorization", ["Bearer t0ken", "bearer t0ken", "BEARER  t0ken "])
def test_the_token_lets_a_caller_pass(authorization: str) -> None:
    assert auth.refusal(GUARDED, authorization) is None


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer t0ke",
        "Bearer t0kens",
        "Bearer T0KEN",
        "Bearer t0kén",
        "t0ken",
        "Basic t0ken",
        "Bearer Bearer t0ken",
        "Bearer t0ken t0ken",
    ],
)
def test_anything_else_is_turned_away(authorization: str | None) -> None:
    refusal = auth.refusal(GUARDED, authorization)

    assert refusal is not None
    assert refusal.status == 401
    assert "TRIGGER_TOKEN" in refusal.detail
    assert "t0ken" not in refusal.detail


@pytest.mark.parametrize("token", [None, ""], ids=["unset", "empty"])
@pytest.mark.parametrize("authorization", [None, "Bearer ", "Bearer x"])
def test_without_a_token_nobody_passes(token: str | None, authorization: str | None) -> None:
    refusal = auth.refusal(an_environment(TRIGGER_TOKEN=token), authorization)

    assert refusal is not None
    assert refusal.status == 503
    assert "npx wrangler secret put TRIGGER_TOKEN" in refusal.detail


def test_for_local_use_everybody_may_pass() -> None:
    environment = an_environment(ALLOW_UNAUTHENTICATED_FOR_LOCAL_USE="true")

    assert auth.refusal(environment, None) is None


@pytest.mark.parametrize("value", ["", "false", "1", "True", "yes"])
def test_only_true_opens_the_door(value: str) -> None:
    environment = an_environment(ALLOW_UNAUTHENTICATED_FOR_LOCAL_USE=value)

    assert auth.refusal(environment, None) is not None


def test_a_token_is_asked_for_even_where_the_door_was_opened() -> None:
    environment = an_environment(TRIGGER_TOKEN="t0ken", ALLOW_UNAUTHENTICATED_FOR_LOCAL_USE="true")

    assert auth.refusal(environment, None) is not None
