"""A Glean on this machine, at 127.0.0.1. Prints its URL; the page there shows what is indexed."""

import argparse
import os
import sys

from dev.local_glean.app import create_app
from dev.local_glean.database import Database
from dev.local_glean.readings import parsed
from dev.loopback import serve


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m dev.local_glean", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 means a free one")
    parser.add_argument("--database", default=":memory:", help="file; default: in memory")
    parser.add_argument(
        "--token-env",
        default="GLEAN_INDEXING_API_TOKEN",
        help="environment variable with the token that requests must carry",
    )
    parser.add_argument(
        "--readings",
        default="{}",
        help="JSON object of the readings that differ from the defaults, see readings.py",
    )
    arguments = parser.parse_args()
    try:
        readings = parsed(arguments.readings)
    except ValueError as error:
        parser.error(f"--readings: {error}")
    token = os.environ.get(arguments.token_env, "")
    if not token:
        parser.error(f"the environment variable {arguments.token_env} has no token")
    with Database(arguments.database) as database:
        serve(create_app(database, token, readings), "local Glean", arguments.port)
    return 0


if __name__ == "__main__":
    sys.exit(main())
