"""What is called while a module is imported."""

import pytest

from dev.top_level import find_misplaced


@pytest.mark.parametrize(
    ("source", "called"),
    [
        ("import time\nNOW = time.time()", "time.time"),
        ("import time as clock\nNOW = [clock.monotonic_ns()]", "time.monotonic_ns"),
        ("from datetime import datetime\nNOW = datetime.now()", "datetime.datetime.now"),
        ("import datetime as dt\nclass A:\n    now = dt.datetime.now()", "datetime.datetime.now"),
        ("from datetime import date\nif True:\n    D = date.today()", "datetime.date.today"),
        ("import random\ndef f(x=random.random()): ...", "random.random"),
        ("from random import choice as pick\nX = {a: pick('ab') for a in 'c'}", "random.choice"),
        ("import uuid\nX = uuid.uuid4().hex", "uuid.uuid4"),
        ("import secrets\n@secrets.token_hex()\ndef f(): ...", "secrets.token_hex"),
        ("import os\nX = lambda y=os.urandom(4): y", "os.urandom"),
        ("from js import URL\nX = URL.new('https://a.example')", "js.URL.new"),
        ("import js\nX = js.Object.fromEntries([])", "js.Object.fromEntries"),
        ("from pyodide.ffi import to_js\nX = to_js({})", "pyodide.ffi.to_js"),
    ],
)
def test_what_is_called_at_the_top_is_found(source: str, called: str) -> None:
    (found,) = find_misplaced(source)

    assert found.called == called


@pytest.mark.parametrize(
    "source",
    [
        "import time\ndef now():\n    return time.time()",
        "import time\nclass A:\n    def now(self):\n        return time.time()",
        "import random\nDRAW = lambda: random.random()",
        "import random\nDRAW = random.random",
        "from datetime import datetime\nAT = datetime.fromtimestamp(0)",
        "import uuid\nNAME = uuid.uuid5(uuid.NAMESPACE_URL, 'a')",
        "def time():\n    return 1\nNOW = time()",
        "import js\nasync def ask():\n    return await js.fetch('https://a.example')",
        "NOW = clock.time()",
    ],
)
def test_what_waits_for_a_functions_call_is_right(source: str) -> None:
    assert list(find_misplaced(source)) == []


def test_the_line_is_told() -> None:
    (found,) = find_misplaced("import time\n\n\nNOW = (\n    time.time()\n)")

    assert found.line == 5
