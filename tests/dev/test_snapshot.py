import tomllib
from pathlib import Path

import pytest

from dev.snapshot import FILE, FLAGS, config, is_of_pyodide_alone
from dev.staging import ROOT


def test_the_image_is_of_a_worker_as_old_and_with_the_flags_of_the_real_one() -> None:
    text = (ROOT / "wrangler.toml").read_text(encoding="utf-8")
    settings = tomllib.loads(text)

    written = config(text)

    assert f'compatibilityDate = "{settings["compatibility_date"]}"' in written
    assert all(f'"{flag}"' in written for flag in (*settings["compatibility_flags"], *FLAGS))


def test_the_image_that_is_here_has_nothing_of_any_worker() -> None:
    assert is_of_pyodide_alone(ROOT / ".cache/snapshot" / FILE)


@pytest.mark.parametrize("content", [None, b"", b'{"settings":{"snapshotType":"dedicated"}}'])
def test_what_may_have_a_workers_code_is_no_image(tmp_path: Path, content: bytes | None) -> None:
    image = tmp_path / FILE
    if content is not None:
        image.write_bytes(content)

    assert not is_of_pyodide_alone(image)
