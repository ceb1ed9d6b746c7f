"""Variables and secrets of the deployment, read by name and never all at once."""

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import takewhile
from types import NoneType
from urllib.parse import quote, quote_plus

import httpx
import msgspec
from msgspec import Struct

from durable.decoding import decode
from durable.errors import ConfigurationError
from durable.limits import Limits


GLEAN_TOKEN = "GLEAN_INDEXING_API_TOKEN"  # noqa: S105 - the name of a secret
HIDDEN = "***"  # in a secret's place
SECRET_PART_CHARACTERS = 6  # fewer of a secret's first characters give little away
CONCEALED_MAX = 100  # of what the environment does not hold: tokens, which expire
CUT = frozenset("'\"),:;")  # where a text that was cut is quoted; or it ends there, or has a space
VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")
HTML_CHARACTERS = re.compile("[<>&=']")  # some servers escape these in JSON
URLS_MAX = 128  # that are known to name a server; each turn asks for the same few


@lru_cache(URLS_MAX)
def absolute(url: str) -> str:
    """The URL itself, if it names a server. Raises ConfigurationError."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ConfigurationError(f"the URL {url!r} is not right: {error}") from error
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise ConfigurationError(
            f"the URL {url!r} names no server: it must start with https://, or http:// for a "
            "local one"
        )
    return url


class Secret(Struct, frozen=True):
    """The name of a secret of the deployment, and never the secret itself.

    `npx wrangler secret put NAME` takes that.
    """

    name: str


class Variable(Struct, frozen=True):
    """The name of a variable of the deployment, as `[vars]` in wrangler.toml has it."""

    name: str


def check_named(declared: Struct, **kinds: type | tuple[type, ...]) -> None:
    """Raises ConfigurationError where a field does not name a secret or a variable.

    What stands there instead is not said: it may be the secret itself.
    """
    for field, allowed in kinds.items():
        if isinstance(getattr(declared, field), allowed):
            continue
        named = allowed if isinstance(allowed, tuple) else (allowed,)
        written = " or ".join(f"{kind.__name__}('NAME')" for kind in named if kind is not NoneType)
        raise ConfigurationError(
            f"{type(declared).__name__}: {field}: write {written}, with the name that it has in "
            "the deployment, and never a secret itself"
        )


class SecretText:
    """A text that shows itself only to those who call `reveal`.

    Args:
        name: by which it is set, for errors.
        text: the secret itself.
    """

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"Secret({self.name}: ***)"


class Environment:
    """What the deployment set, with errors that say how to set what is missing.

    Args:
        read: gives a variable's value by its name, or None.
    """

    def __init__(self, read: Callable[[str], object]) -> None:
        self._read = read
        self._secrets: set[str] = set()
        self._concealed: dict[str, None] = {}  # the latest last
        self._forms: list[str] = []  # of all of these, the longest first; empty: to be made

    def variable(self, name: str) -> str:
        """Raises ConfigurationError when it is not set."""
        value = self.optional(name)
        if value is None:
            raise ConfigurationError(
                f"the variable {name} is not set: add it to [vars] in wrangler.toml"
            )
        return value

    def optional(self, name: str) -> str | None:
        value = self._read(name)
        return value if isinstance(value, str) and value else None

    def secret(self, name: str) -> SecretText:
        """Raises ConfigurationError when it is not set, or cannot be sent in a header."""
        value = self.optional(name)
        if value is None:
            raise ConfigurationError(
                f"the secret {name} is not set: run `npx wrangler secret put {name}`, "
                "or add it to .dev.vars for local runs"
            )
        self._add(value)
        if not (value.isascii() and value.isprintable()):
            raise ConfigurationError(
                f"the secret {name} has a line break or a character that is not ASCII: "
                f"run `npx wrangler secret put {name}` and paste it again"
            )
        return SecretText(name, value)

    def filled(self, text: str) -> str:
        """The text with variables in the place of their names, as in `${NOTES_URL}/list`.

        Raises:
            ConfigurationError: one of them is not set.
        """
        return VARIABLE.sub(lambda name: self.variable(name[1]), text)

    def url(self, text: str) -> str:
        """The URL with variables in the place of their names.

        Raises:
            ConfigurationError: one of them is not set, or what comes of it is no URL.
        """
        return absolute(self.filled(text))

    def hide(self, *names: str) -> None:
        """Redact these secrets from now on, as far as they are set."""
        for name in names:
            if name and (value := self.optional(name)):
                self._add(value)

    def conceal(self, text: str) -> None:
        """Redact this too from now on: a token that was got for a secret, or what is made of one.

        Of very many the latest are, since tokens expire.
        """
        assert text, "there is nothing to conceal"
        if text not in self._concealed:
            self._forms = []
        self._concealed.pop(text, None)
        self._concealed[text] = None
        if len(self._concealed) > CONCEALED_MAX:
            del self._concealed[next(iter(self._concealed))]

    def redacted(self, text: str) -> str:
        """The text without any secret that was read here, as it is, in JSON or in a URL."""
        if not self._forms:
            secrets = self._secrets | self._concealed.keys()
            forms = {form for secret in secrets for form in _forms(secret)}
            # The longest first: a secret may begin with another.
            self._forms = sorted(forms, key=len, reverse=True)
        for form in self._forms:
            text = text.replace(form, HIDDEN)
        for form in self._forms:
            text = _without_cut(text, form)
        return text

    def _add(self, secret: str) -> None:
        if secret not in self._secrets:
            self._secrets.add(secret)
            self._forms = []

    def limits(self) -> Limits:
        """The bounds of a job: `LIMITS` holds those that differ from the defaults, as JSON.

        Raises:
            ConfigurationError: LIMITS is not JSON, or names or sets something impossible.
        """
        try:
            return decode(self.optional("LIMITS") or "{}", Limits)
        except msgspec.DecodeError as error:
            raise ConfigurationError(
                f"the variable LIMITS is not right: {error}; "
                f"it takes a JSON object of {', '.join(Limits.__struct_fields__)}"
            ) from error

    def usable_limits(self) -> Limits:
        """The same; or the defaults where LIMITS is not right: a turn fails by it, and says so."""
        try:
            return self.limits()
        except ConfigurationError:
            return Limits()


def _forms(secret: str) -> set[str]:
    """As others may write a text: as it is, in JSON, in a URL, or in lower case, as a host is."""
    in_json = msgspec.json.encode(secret)[1:-1].decode()
    in_url, in_form = quote(secret, ""), quote_plus(secret)
    escaped = HTML_CHARACTERS.sub(lambda found: f"\\u{ord(found[0]):04x}", in_json)
    lower = re.compile("%[0-9A-F]{2}")
    urls = {lower.sub(lambda code: code[0].lower(), form) for form in (in_url, in_form)}
    forms = {secret, in_json, in_json.replace("/", "\\/"), escaped, in_url, in_form, *urls}
    return forms | {form.lower() for form in forms}


def _without_cut(text: str, form: str) -> str:
    """Without the beginning of a secret, where the text or a quotation in it ends with that."""
    beginning, place = form[:SECRET_PART_CHARACTERS], 0
    while (place := text.find(beginning, place)) >= 0:
        end = place + _cut_length(text, place, form)
        if end > place:
            text = text[:place] + HIDDEN + text[end:]
        place += 1
    return text


def _cut_length(text: str, place: int, form: str) -> int:
    """How much of a secret the text has at the place, up to where it is cut; 0 for nothing."""
    # Many tokens begin alike: what they share is walked through once.
    pairs = zip(text[place : place + len(form)], form, strict=False)
    common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    for length in range(common, SECRET_PART_CHARACTERS - 1, -1):
        after = text[place + length : place + length + 1]
        if not after or after in CUT or after.isspace():
            return length
    return 0
