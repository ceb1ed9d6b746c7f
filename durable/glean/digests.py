"""Digests of what is sent to Glean: by them what has not changed is known, and not sent again.

They have 96 bits: whoever may set permissions could make two sets of them with one shorter digest.
The datasource is not in them, nor is anything else of the request around. Pure.
"""

from base64 import urlsafe_b64encode
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b

import msgspec
from msgspec import UNSET, Struct
from msgspec.structs import replace

from durable.decoding import decode
from durable.glean.documents import Document, Permissions, Wire
from durable.glean.identities import Members


# To be raised by whatever gives an unchanged thing another digest: an encoder, a default, a field.
# All that was acknowledged under another recipe has changed, as far as anybody can tell.
RECIPE = "1"
DIGEST_BYTES = 12
PERMISSIONS, INTERACTIONS = b',"permissions":', b',"interactions":'

# As a thing is sent. Sets and dicts, which a mapping may put into a field, are in the order of a
# hash otherwise.
encode = msgspec.json.Encoder(order="deterministic").encode


class Digests(Struct, frozen=True):
    """Of one thing, each 16 characters of URL-safe base64."""

    content: str  # of all but who may see it, and how often it was seen
    access: str = ""  # of who may see it; only documents have one


def digests_of(change: Struct) -> Digests:
    """Of a document, user, group, team, employee, or the members of a group.

    Raises:
        ValueError, TypeError: it cannot be written as JSON, so it cannot be sent either.
    """
    if isinstance(change, Document):
        return document_digests(change)
    if isinstance(change, Members):
        return Digests(_digest(encode(_in_order(change))))
    assert isinstance(change, Wire), f"a {type(change).__name__} is in Glean under no digest"
    return Digests(_digest(encode(change)))


def document_digests(document: Document, encoded: bytes | None = None) -> Digests:
    """Of a document that was found valid.

    Args:
        document: its permissions are one set, whatever their order.
        encoded: what `encode` made of it, where that is known, so that it is made once.

    Raises:
        ValueError, TypeError: it cannot be written as JSON.
    """
    encoded = encode(document) if encoded is None else encoded
    content, position = blake2b(digest_size=DIGEST_BYTES), 0
    # Both are cut out of the encoding, in the order of the fields: to encode the document without
    # them takes as long again. No text holds such a mark: in it, a quote follows a backslash.
    permissions = encode(document.permissions)
    for mark, value in ((PERMISSIONS, permissions), (INTERACTIONS, _interactions(document))):
        if value is not None:
            start = encoded.index(mark, position)
            content.update(encoded[position:start])
            position = start + len(mark) + len(value)
    content.update(encoded[position:])
    return Digests(_text(content.digest()), _access_digest(permissions))


def _interactions(document: Document) -> bytes | None:
    return None if document.interactions is UNSET else encode(document.interactions)


@lru_cache(maxsize=1_024)  # most documents of a page are shared with the same people
def _access_digest(encoded: bytes) -> str:
    """The same for all that grant the same: in order, each once, without what grants nothing."""
    permissions = decode(encoded, Permissions)
    intersections = {
        encode(replace(one, required_groups=_each_once(one.required_groups)))
        for one in permissions.allowed_group_intersections or ()
    }
    users = {encode(user) for user in permissions.allowed_users or ()}
    others = encode(
        (
            _each_once(permissions.allowed_groups or ()),
            permissions.allow_anonymous_access or False,
            permissions.allow_all_datasource_users_access or False,
        )
    )
    listed = b",".join(sorted(users)), b",".join(sorted(intersections)), others
    return _digest(b"[[%b],[%b],%b]" % listed)


def _each_once(names: Iterable[str]) -> list[str]:
    return sorted(set(names))


def _in_order(members: Members) -> Members:
    return replace(
        members,
        user_ids=_each_once(members.user_ids),
        group_names=_each_once(members.group_names),
    )


def _digest(content: bytes) -> str:
    return _text(blake2b(content, digest_size=DIGEST_BYTES).digest())


def _text(digest: bytes) -> str:
    return urlsafe_b64encode(digest).decode()
