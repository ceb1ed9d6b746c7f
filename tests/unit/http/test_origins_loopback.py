import pytest

from durable.http.origins import is_loopback


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost",
        "http://LOCALHOST:8787/path",
        "http://127.0.0.1:1",
        "https://127.9.8.7",
        "http://[::1]:8787",
        "http://user@localhost",
    ],
)
def test_this_machine_is_known_by_its_names(url: str) -> None:
    assert is_loopback(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://evil.example",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "http://evil.example:80/127.0.0.1",
        "http://localhost@evil.example",
        "http://evil.example#localhost",
        "http://localhost:80, evil.example",
        "http://localhost:x",
        "http://0.0.0.0",
        "http://[::]",
        "http://127.1",
        "http://2130706433",
        "http://192.168.0.1",
        "http://[::ffff:10.0.0.1]",
        "http://[",
        "http://",
        "localhost",
        "",
    ],
)
def test_all_else_is_another_machine_or_might_be(url: str) -> None:
    assert not is_loopback(url)
