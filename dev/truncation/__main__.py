"""docs/truncation.md, written again: `python -m dev.truncation`.

Serves the cases here, reads each with Glean's own SDK and with this project's reader, and writes
down what came of it.
"""

import subprocess
import sys

from dev import step
from dev.setup import SetupError
from dev.staging import ROOT
from dev.truncation.cases import CASES
from dev.truncation.document import DOCUMENT, insert_table, table
from dev.truncation.readers import SDK_VENV, pulled_by_the_sdk, read_by_this_project
from dev.truncation.server import serving


def main() -> int:
    try:
        step.run(ROOT, (SDK_VENV,))
        with serving(CASES) as urls:
            theirs = pulled_by_the_sdk(urls)
            ours = read_by_this_project(urls, CASES)
    except SetupError as error:
        print(f"truncation: {error}".rstrip("."), file=sys.stderr)
        return 1
    except subprocess.SubprocessError as error:
        print(f"truncation: the SDK's process: {error}", file=sys.stderr)
        return 1
    text = table(theirs.version, theirs.cells, ours)
    DOCUMENT.write_text(insert_table(DOCUMENT.read_text(encoding="utf-8"), text), encoding="utf-8")
    print(f"{DOCUMENT.relative_to(ROOT)}: {len(CASES)} cases")
    return 0


if __name__ == "__main__":
    sys.exit(main())
