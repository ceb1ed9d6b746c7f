"""A ticket system at 127.0.0.1. Prints its URL."""

import argparse
import sys

from dev.loopback import serve
from dev.rest.credentials import add_arguments, read_credentials
from dev.tickets_source.app import TICKET_COUNT, create_app


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m dev.tickets_source", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 means a free one")
    parser.add_argument("--count", type=int, default=TICKET_COUNT, help="of tickets at the start")
    add_arguments(parser, "token", is_required=True)
    arguments = parser.parse_args()
    app = create_app(read_credentials(parser, arguments).token, count=arguments.count)
    serve(app, "tickets source", arguments.port)
    return 0


if __name__ == "__main__":
    sys.exit(main())
