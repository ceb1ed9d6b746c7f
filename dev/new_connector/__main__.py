"""Write a connector and its test: `python -m dev.new_connector my-tickets`."""

import sys

import connectors
from dev.new_connector import write
from dev.staging import ROOT
from durable.errors import ConfigurationError


def main() -> int:
    name = " ".join(sys.argv[1:])
    try:
        connector, test = write(name, connectors, ROOT)
    except ConfigurationError as error:
        print(f"new-connector: {error}", file=sys.stderr)
        return 1
    prefix = name.replace("-", "_").upper()
    print(
        f"{connector}: follow its comments, from 1 to 6; nobody may find anything until 3 is done"
    )
    print(f"{test}: make test ARGS={test}")
    print()
    print("Then, to see what becomes of your source's records:")
    print(f'  1. add {prefix}_URL = "https://..." to [vars] in wrangler.toml')
    print(f"  2. add {prefix}_TOKEN=... to .dev.vars")
    print(f"  3. make preview CONNECTOR={name}")
    print(f"  4. make dev CONNECTOR={name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
