"""Which Worker is asked, with which token, and what a configuration says of it."""

import json
import os
import stat
from pathlib import Path

import httpx
import pytest

from glean_sync.configuration import Setting
from glean_sync.profiles import Profile
from tests.fakes.operated import TOKEN, URL, FakeWorker
from tests.fakes.shell import SIGNED_IN, Shell


OTHER_URL, OTHER_TOKEN = "https://other.example", "another-t0ken-Vh5"
FILE = f"""
[profiles.default]
url = "{URL}"
token = "{TOKEN}"

[profiles.staging]
url = "{OTHER_URL}"
token = "{OTHER_TOKEN}"
"""


@pytest.fixture
def worker() -> FakeWorker:
    return FakeWorker()


def shell(folder: Path, worker: FakeWorker, file: str | None = None, **environment: str) -> Shell:
    """One that has nothing but this."""
    made = Shell(folder, worker, environment)
    if file is not None:
        made.config_file.parent.mkdir()
        made.config_file.write_text(file, encoding="utf-8")
        made.config_file.chmod(0o600)
    return made


def asked(worker: FakeWorker) -> list[tuple[str, str]]:
    """Where the requests went, and with which token."""
    return [
        (f"{each.url.scheme}://{each.url.host}", each.headers["authorization"].split()[1])
        for each in worker.requests
    ]


def test_without_a_url_or_a_token_it_says_what_to_do(tmp_path: Path, worker: FakeWorker) -> None:
    without = shell(tmp_path, worker).run("connectors")
    without_token = shell(tmp_path, worker, GLEAN_SYNC_URL=URL).run("connectors")

    assert (without.exit_code, without_token.exit_code) == (5, 5)
    assert "No URL is set. Run `glean-sync login`, or set GLEAN_SYNC_URL" in without.stderr
    assert "No token is set. Run `glean-sync login`, or set GLEAN_SYNC_TOKEN" in (
        without_token.stderr
    )
    assert worker.requests == []


def test_the_environment_goes_before_the_default_profile(
    tmp_path: Path, worker: FakeWorker
) -> None:
    environment = {"GLEAN_SYNC_URL": OTHER_URL, "GLEAN_SYNC_TOKEN": OTHER_TOKEN}
    shell(tmp_path, worker, FILE, **environment).run("connectors")

    assert asked(worker) == [(OTHER_URL, OTHER_TOKEN)]


def test_the_command_line_goes_before_the_environment(tmp_path: Path, worker: FakeWorker) -> None:
    (tmp_path / "token").write_text(f"{OTHER_TOKEN}\n", encoding="utf-8")
    words = ("connectors", "--url", f"{OTHER_URL}/", "--token-file")

    shell(tmp_path, worker, **SIGNED_IN).run(*words, str(tmp_path / "token"))
    shell(tmp_path, worker, **SIGNED_IN).run(*words, "-", stdin=f"{OTHER_TOKEN}\n")

    assert asked(worker) == [(OTHER_URL, OTHER_TOKEN)] * 2


def test_a_profile_that_is_named_goes_before_the_environment(
    tmp_path: Path, worker: FakeWorker
) -> None:
    shell(tmp_path, worker, FILE, **SIGNED_IN).run("connectors", "--profile", "staging")

    assert asked(worker) == [(OTHER_URL, OTHER_TOKEN)]


def test_the_token_of_a_profile_is_sent_to_its_own_url_only(
    tmp_path: Path, worker: FakeWorker
) -> None:
    """Else a URL in the environment, or a slip of the hand, would carry it away."""
    signed_in = shell(tmp_path, worker, FILE)

    elsewhere = signed_in.run("connectors", "--url", "https://elsewhere.example")
    same = signed_in.run("connectors", "--url", URL)

    assert (elsewhere.exit_code, same.exit_code) == (5, 0)
    assert f"is sent to {URL} only" in elsewhere.stderr
    assert asked(worker) == [(URL, TOKEN)]


def test_a_profile_that_is_not_there_is_told_with_those_that_are(
    tmp_path: Path, worker: FakeWorker
) -> None:
    shown = shell(tmp_path, worker, FILE).run("connectors", "--profile", "live")

    assert shown.exit_code == 2
    assert "there are: default, staging. Run `glean-sync login --profile live`." in shown.stderr


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("sync.example", "is not the URL of a Worker"),
        ("ftp://sync.example", "is not the URL of a Worker"),
        ("https://", "is not the URL of a Worker"),
        ("https://sync.example/jobs", "is not the URL of a Worker"),
        ("https://me:secret@sync.example", "is not the URL of a Worker"),
        ("https://sync.example:https", "is not the URL of a Worker"),
        ("https://[::1", "is not the URL of a Worker"),
        ("http://sync.example", "begin it with https://"),
        ("http://127.0.0.1.example", "begin it with https://"),
    ],
)
def test_a_url_that_cannot_be_right_is_refused_before_the_token_is_sent(
    tmp_path: Path, worker: FakeWorker, url: str, fault: str
) -> None:
    shown = shell(tmp_path, worker, GLEAN_SYNC_URL=url, GLEAN_SYNC_TOKEN=TOKEN).run("connectors")

    assert shown.exit_code == 2
    assert fault in shown.stderr
    assert "GLEAN_SYNC_URL" in shown.stderr
    assert "me:secret" not in shown.stderr
    assert worker.requests == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:8787", "http://localhost:8787"])
def test_a_worker_on_this_machine_needs_no_tls(
    tmp_path: Path, worker: FakeWorker, url: str
) -> None:
    environment = {"GLEAN_SYNC_URL": url, "GLEAN_SYNC_TOKEN": TOKEN}

    assert shell(tmp_path, worker, **environment).run("connectors").exit_code == 0


def test_a_token_that_no_header_can_carry_is_refused_and_not_shown(
    tmp_path: Path, worker: FakeWorker
) -> None:
    environment = {"GLEAN_SYNC_URL": URL, "GLEAN_SYNC_TOKEN": f"{TOKEN}\nx"}

    shown = shell(tmp_path, worker, **environment).run("connectors", "--verbose")

    assert shown.exit_code == 2
    assert "The token of GLEAN_SYNC_TOKEN is empty, or has" in shown.stderr
    assert TOKEN not in shown.output


def test_a_password_in_a_url_is_not_shown(tmp_path: Path, worker: FakeWorker) -> None:
    shown = shell(tmp_path, worker, GLEAN_SYNC_URL="https://me:s@cret@sync.example").run("config")

    assert "https://***@sync.example" in shown.stdout
    assert "cret" not in shown.stdout


@pytest.mark.parametrize(("content", "fault"), [(None, "cannot be read"), ("\n", "is empty")])
def test_a_token_file_without_a_token_is_refused(
    tmp_path: Path, worker: FakeWorker, content: str | None, fault: str
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content, encoding="utf-8")

    shown = shell(tmp_path, worker, GLEAN_SYNC_URL=URL).run("connectors", "--token-file", str(file))

    assert shown.exit_code == 2
    assert fault in shown.stderr


@pytest.mark.parametrize(
    "file",
    [
        "profiles = 3",
        f'[profiles.default]\nurl = "{URL}"\ntokn = "{TOKEN}"',
        f'[profiles.default]\nurl = "{URL}\ntoken = "{TOKEN}"',
        f'[profiles.default]\ntoken = ["{TOKEN}"]',
    ],
)
def test_a_file_of_another_shape_is_told_without_what_is_in_it(
    tmp_path: Path, worker: FakeWorker, file: str
) -> None:
    shown = shell(tmp_path, worker, file).run("connectors", "--verbose")

    assert shown.exit_code == 2
    assert "is not as `glean-sync login` writes it" in shown.stderr
    assert TOKEN not in shown.output


def test_a_file_that_others_can_read_is_warned_of(tmp_path: Path, worker: FakeWorker) -> None:
    signed_in = shell(tmp_path, worker, FILE)
    assert signed_in.run("connectors").stderr == ""
    signed_in.config_file.chmod(0o640)

    shown = signed_in.run("connectors")

    assert shown.exit_code == 0
    assert f"run `chmod 600 {signed_in.config_file}`" in shown.stderr


def test_the_configuration_is_shown_with_where_it_is_from_and_without_the_token(
    tmp_path: Path, worker: FakeWorker
) -> None:
    signed_in = shell(tmp_path, worker, FILE, GLEAN_SYNC_TOKEN=OTHER_TOKEN)
    file = signed_in.config_file

    shown, as_json = signed_in.run("config"), signed_in.run("config", "--json")

    assert shown.stdout.splitlines() == [
        f"url      {URL}  (profile default in {file})",
        "token    (hidden)  (GLEAN_SYNC_TOKEN)",
        "profile  default",
        f"file     {file}",
    ]
    assert json.loads(as_json.stdout) == {
        "profile": "default",
        "file": str(file),
        "url": {"value": URL, "origin": f"profile default in {file}"},
        "token": {"value": "(hidden)", "origin": "GLEAN_SYNC_TOKEN"},
    }
    assert OTHER_TOKEN not in shown.output + as_json.output


def test_what_is_not_set_is_shown_as_that(tmp_path: Path, worker: FakeWorker) -> None:
    shown = shell(tmp_path, worker).run("config")

    assert shown.exit_code == 0
    assert shown.stdout.startswith("url      not set\ntoken    not set.\n")


def test_a_login_tries_the_token_and_writes_it_for_its_owner_only(
    tmp_path: Path, worker: FakeWorker
) -> None:
    terminal = Shell(tmp_path, worker, {}, is_asking=True)

    shown = terminal.run("login", stdin=f"{URL}\n{TOKEN}\n")

    assert shown.exit_code == 0
    assert f"Signed in to {URL}, which has: tickets, wiki." in shown.stdout
    assert TOKEN not in shown.output
    assert stat.S_IMODE(terminal.config_file.stat().st_mode) == 0o600
    assert os.listdir(terminal.config_file.parent) == ["config.toml"]  # noqa: PTH208
    assert terminal.run("connectors").exit_code == 0
    assert asked(worker) == [(URL, TOKEN)] * 2


def test_a_login_leaves_the_other_profiles_as_they_are(tmp_path: Path, worker: FakeWorker) -> None:
    signed_in = shell(tmp_path, worker, FILE)
    words = ("login", "--profile", "third", "--url", "https://third.example", "--token-file", "-")

    assert signed_in.run(*words, stdin=TOKEN).exit_code == 0

    for profile in ("default", "staging", "third"):
        signed_in.run("connectors", "--profile", profile)
    assert asked(worker)[1:] == [
        (URL, TOKEN),
        (OTHER_URL, OTHER_TOKEN),
        ("https://third.example", TOKEN),
    ]


def test_a_token_that_the_worker_does_not_take_is_not_written(
    tmp_path: Path, worker: FakeWorker
) -> None:
    terminal = shell(tmp_path, worker)

    shown = terminal.run("login", "--url", URL, "--token-file", "-", stdin="wrong-t0ken")

    assert shown.exit_code == 5
    assert "The Worker does not take the token of standard input" in shown.stderr
    assert "wrong-t0ken" not in shown.output
    assert not terminal.config_file.exists()


def test_a_server_that_is_none_of_ours_is_not_written_down(
    tmp_path: Path, worker: FakeWorker
) -> None:
    terminal = shell(tmp_path, worker)
    worker.fails(httpx.Response(200, html="<h1>Welcome</h1>"))

    shown = terminal.run("login", "--url", URL, "--token-file", "-", "--json", stdin=TOKEN)

    assert shown.exit_code == 4
    assert not terminal.config_file.exists()


@pytest.mark.parametrize(("words", "option"), [((), "--url"), (("--url", URL), "--token-file")])
def test_a_login_that_nobody_can_be_asked_at_names_the_option(
    tmp_path: Path, worker: FakeWorker, words: tuple[str, ...], option: str
) -> None:
    shown = shell(tmp_path, worker).run("login", *words, stdin="y\n")

    assert shown.exit_code == 2
    assert f"give {option}." in shown.stderr


def test_a_name_that_is_none_of_a_profile_is_refused(tmp_path: Path, worker: FakeWorker) -> None:
    words = ("login", "--url", URL, "--token-file", "-", "--profile", "a]\nb")

    shown = shell(tmp_path, worker).run(*words, stdin=TOKEN)

    assert shown.exit_code == 2
    assert "is no name of a profile" in shown.stderr


def test_a_login_says_where_the_environment_goes_before_it(
    tmp_path: Path, worker: FakeWorker
) -> None:
    signed_in = shell(tmp_path, worker, GLEAN_SYNC_TOKEN=OTHER_TOKEN)

    shown = signed_in.run("login", "--url", URL, "--token-file", "-", stdin=TOKEN)

    assert "GLEAN_SYNC_TOKEN is set, and goes before the profile." in shown.stderr


def test_a_token_is_not_shown_by_what_holds_it() -> None:
    assert TOKEN not in repr(Setting(TOKEN, "a file")) + repr(Profile(URL, TOKEN))
