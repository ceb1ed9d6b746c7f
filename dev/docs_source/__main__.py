"""The documentation of Python's standard library as a paged API at 127.0.0.1. Prints its URL."""

import argparse
import os
import sys

from dev.docs_source.app import create_app
from dev.docs_source.kept import kept
from dev.docs_source.records import Records
from dev.loopback import serve


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m dev.docs_source", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 means a free one")
    parser.add_argument("--limit-records", type=int, help="serve only so many, for quick tests")
    parser.add_argument(
        "--token-env",
        help="environment variable with the token that requests must carry; default: none needed",
    )
    arguments = parser.parse_args()
    token = None if arguments.token_env is None else os.environ.get(arguments.token_env, "")
    if token == "":
        parser.error(f"the environment variable {arguments.token_env} has no token")
    records = Records(kept()[: arguments.limit_records])
    serve(create_app(records, token), "docs source", arguments.port)
    return 0


if __name__ == "__main__":
    sys.exit(main())
