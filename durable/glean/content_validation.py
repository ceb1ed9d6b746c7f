"""What Glean asks of the content of a document or a comment.

Facts are from its page on MIME types, which names some that it reads, says that it reads others
too, and names some that it does not.
"""

import binascii
import re

from msgspec import UNSET, UnsetType

from durable.glean.documents import Content
from durable.glean.type_check import FieldFault, quote


MIME_TYPE = re.compile(r"([\w.+-]+)/[\w.+-]+", re.ASCII)
UNSUPPORTED_KINDS = frozenset({"audio", "image", "video"})
UNSUPPORTED = frozenset(
    {
        "application/json",
        "application/mp4",
        "application/vnd.rar",
        "application/rar",
        "application/x-rar",
        "application/x-rar-compressed",
        "application/x-zip",
        "application/x-zip-compressed",
        "application/xml",
        "application/zip",
        "text/css",
        "text/xml",
    }
)


def content_fault(field: str, content: Content | UnsetType) -> FieldFault | None:
    """Why Glean would refuse it or read nothing in it, or None.

    Args:
        field: its name.
        content: with the right types in it.
    """
    if content is UNSET:
        return None
    return _mime_type_fault(field, content.mime_type) or _value_fault(field, content)


def _mime_type_fault(field: str, declared: str) -> FieldFault | None:
    # What follows a semicolon, such as charset, does not change what it is.
    mime_type = declared.partition(";")[0].strip().lower()
    found = MIME_TYPE.fullmatch(mime_type)
    if found is None:
        return FieldFault(f"{field}.mime_type", f"is {quote(declared)}: write it as in text/plain")
    if mime_type in UNSUPPORTED or found[1] in UNSUPPORTED_KINDS:
        return FieldFault(
            f"{field}.mime_type",
            f"is {quote(declared)}, of which Glean reads nothing: send its text as text/plain, or "
            f"leave {field} out",
        )
    return None


def _value_fault(field: str, content: Content) -> FieldFault | None:
    text, binary = content.text_content, content.binary_content
    if text is UNSET and binary is UNSET:
        words = "has neither text_content nor binary_content: give it one of them, or leave it out"
        return FieldFault(field, words)
    if text is not UNSET and binary is not UNSET:
        return FieldFault(field, "has both text_content and binary_content: leave one of them out")
    if binary is not UNSET:
        try:
            binascii.a2b_base64(binary, strict_mode=True)
        except ValueError as error:
            words = f"is no base64, which Content.file makes: {error}"
            return FieldFault(f"{field}.binary_content", words)
    return None
