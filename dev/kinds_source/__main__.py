"""One set of records through every kind of paging, at 127.0.0.1. Prints its URL."""

import argparse
import sys

from dev.kinds_source.app import create_app
from dev.kinds_source.catalog import RECORD_COUNT
from dev.loopback import serve
from dev.rest.credentials import add_arguments, read_credentials


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m dev.kinds_source", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 means a free one")
    parser.add_argument("--count", type=int, default=RECORD_COUNT, help="of records at the start")
    add_arguments(parser, "token", "user", "password")
    add_arguments(parser, "client_id", "client_secret", "refresh_token")
    arguments = parser.parse_args()
    app = create_app(read_credentials(parser, arguments), count=arguments.count)
    serve(app, "kinds source", arguments.port)
    return 0


if __name__ == "__main__":
    sys.exit(main())
