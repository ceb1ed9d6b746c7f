"""What all tests on the real runtime have left behind, searched for our secrets."""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.stack import GLEAN_TOKEN, TRIGGER_TOKEN, Stack


pytestmark = [pytest.mark.workerd, pytest.mark.last]

PIECE = 12  # characters of a secret in a row that give it away
SECRETS = (GLEAN_TOKEN, TRIGGER_TOKEN)
STACK = re.compile(r"/dev/(__pycache__/)?stack\.[^/]*")  # names them; tests copy the project
LIVE_LOG = "live.log"  # what `make dev` prints: the token is for whoever is to sign in


@pytest.mark.usefixtures("quiet")
def test_after_all_other_tests_no_secret_is_in_a_log_an_answer_or_a_database(
    stack: Stack, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """All that the runtimes of this session have written, and all answers of theirs."""
    job = stack.ended(stack.trigger("INCREMENTAL")["id"])
    contents = dict(written(tmp_path_factory))

    # What is looked for would be found: the job is in all three.
    holders = {path.name for path, content in contents.items() if job["id"].encode() in content}
    assert {"runtime.log", "answers.log"} <= holders
    assert any(name.endswith((".sqlite", ".sqlite-wal")) for name in holders - {"glean.sqlite"})
    leaks = {
        (str(path), piece)
        for path, content in contents.items()
        for secret in SECRETS
        for piece in pieces(secret)
        if piece in content and not (secret == TRIGGER_TOKEN and path.name == LIVE_LOG)
    }
    assert leaks == set()


def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, bytes]]:
    """All files of the session, also those of the processes beside this one."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    for file in root.rglob("*"):
        is_copy = STACK.search(file.as_posix()) is not None
        if file.is_file() and not file.is_symlink() and not is_copy:
            with contextlib.suppress(FileNotFoundError):  # another process may still be at work
                yield file.relative_to(root), file.read_bytes()


def pieces(secret: str) -> set[bytes]:
    """Whatever is twice as long, has one of these."""
    return {
        secret[start : start + PIECE].encode()
        for start in range(len("local-"), len(secret) - PIECE + 1, PIECE)
    }
