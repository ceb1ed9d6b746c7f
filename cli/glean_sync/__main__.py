"""`python -m glean_sync`."""

from glean_sync.app import main


if __name__ == "__main__":
    main()
