"""A file store at 127.0.0.1. Prints its URL."""

import argparse
import sys

from dev.files_source.app import FILE_COUNT, create_app
from dev.loopback import serve
from dev.rest.credentials import add_arguments, read_credentials


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m dev.files_source", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 means a free one")
    parser.add_argument("--count", type=int, default=FILE_COUNT, help="of files at the start")
    add_arguments(parser, "client_id", "client_secret", is_required=True)
    add_arguments(parser, "refresh_token")
    arguments = parser.parse_args()
    app = create_app(read_credentials(parser, arguments), count=arguments.count)
    serve(app, "files source", arguments.port)
    return 0


if __name__ == "__main__":
    sys.exit(main())
