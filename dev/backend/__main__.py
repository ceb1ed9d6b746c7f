"""A service that crawls by itself, at 127.0.0.1. Prints its URL."""

import argparse
import sys

from dev.backend.app import create_app
from dev.loopback import serve
from dev.rest.credentials import add_arguments, read_credentials


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m dev.backend", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 means a free one")
    add_arguments(parser, "token", "signing_secret")
    arguments = parser.parse_args()
    credentials = read_credentials(parser, arguments)
    serve(create_app(credentials.token, credentials.signing_secret), "backend", arguments.port)
    return 0


if __name__ == "__main__":
    sys.exit(main())
