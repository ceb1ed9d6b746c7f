"""What a planted bug is."""

from msgspec import Struct


class Mutant(Struct, frozen=True):
    """A bug.

    Attributes:
        name: what is wrong, in a few words.
        file: below the project's root.
        before: a text that is in it once.
        after: what stands there instead.
        tests: some that catch it, and fast.
    """

    name: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...]
