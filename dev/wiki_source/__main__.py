"""A wiki at 127.0.0.1. Prints its URL."""

import argparse
import sys

from dev.loopback import serve
from dev.rest.credentials import add_arguments, read_credentials
from dev.wiki_source.app import PAGE_COUNT, create_app


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m dev.wiki_source", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 means a free one")
    parser.add_argument("--count", type=int, default=PAGE_COUNT, help="of pages at the start")
    add_arguments(parser, "user", "token", is_required=True)
    arguments = parser.parse_args()
    credentials = read_credentials(parser, arguments)
    app = create_app(credentials.user, credentials.token, count=arguments.count)
    serve(app, "wiki source", arguments.port)
    return 0


if __name__ == "__main__":
    sys.exit(main())
