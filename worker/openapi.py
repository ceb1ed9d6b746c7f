"""The OpenAPI document, made from the endpoints and their types. Pure.

It is the same for every deployment, and tells nothing of its connectors.
"""

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from worker import problems
from worker.bodies import Accepted
from worker.endpoint import Endpoint, Parameter
from worker.problems import Problem
from worker.sessions import COOKIE


VERSION = "0.1.0"  # the project's
DESCRIPTION = (
    "Syncs of sources into Glean. Errors are problem documents (RFC 9457) that say what to do. "
    "What is no method of a path is answered 405, what is no path 404."
)
SCHEME = "token"
COOKIE_SCHEME = "session"
Json = dict[str, Any]


def document(endpoints: Sequence[Endpoint]) -> Json:
    """The whole document, of OpenAPI 3.1."""
    paths: Json = {}
    for endpoint in endpoints:
        methods = {method.lower(): _operation(endpoint, method) for method in endpoint.methods}
        paths.setdefault(endpoint.path, {}).update(methods)
    schemes = {
        SCHEME: {"type": "http", "scheme": "bearer", "description": "The secret TRIGGER_TOKEN."},
        COOKIE_SCHEME: {
            "type": "apiKey",
            "in": "cookie",
            "name": COOKIE,
            "description": "As `POST /session` gives it. What is not GET or HEAD needs an Origin.",
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "glean-durable-sync", "version": VERSION, "description": DESCRIPTION},
        "paths": paths,
        "components": {"schemas": _schemas(endpoints), "securitySchemes": schemes},
    }


def _schemas(endpoints: Sequence[Endpoint]) -> Json:
    types: dict[type[Struct], None] = {Problem: None}  # each once, in order
    for endpoint in endpoints:
        types.update((kind, None) for kind in (endpoint.body, endpoint.answer) if kind is not None)
    _, schemas = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    for schema in schemas.values():
        if text := schema.get("description"):
            # Python's versions indent docstrings differently.
            schema["description"] = _join_lines(text)
    for kind in types:  # what no field can say alone
        schemas[kind.__name__].update(getattr(kind, "schema_rules", {}))
    return schemas


def _operation(endpoint: Endpoint, method: str) -> Json:
    is_head = method == "HEAD"
    answers = {str(endpoint.answer_status): _answer(endpoint, is_head=is_head)}
    answers.update((str(status), _refusal(status, is_head)) for status in endpoint.refusals)
    operation: Json = {
        "operationId": f"{endpoint.operation}-head" if is_head else endpoint.operation,
        "summary": endpoint.summary,
        "security": [] if endpoint.is_public else [{SCHEME: []}, {COOKIE_SCHEME: []}],
        "parameters": [_parameter(parameter) for parameter in endpoint.parameters],
        "responses": answers,
    }
    if endpoint.body is not None:
        content = {"application/json": {"schema": _reference(endpoint.body)}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _parameter(parameter: Parameter) -> Json:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.description,
        "required": parameter.place == "path",
        "schema": {"type": "string", "pattern": _anchor(parameter.pattern)},
    }


def _answer(endpoint: Endpoint, *, is_head: bool) -> Json:
    kind = endpoint.answer
    is_empty = endpoint.answer_status == 204
    answer: Json = {"description": endpoint.summary + "." if kind is None else _text(kind)}
    if not (is_head or is_empty):
        is_text = endpoint.media_type.startswith("text/")
        schema = _reference(kind) if kind else {"type": "string" if is_text else "object"}
        answer["content"] = {endpoint.media_type: {"schema": schema}}
    headers = dict(endpoint.answer_headers)
    if kind is Accepted:
        headers["Location"] = "The path of the job's status."
    if headers:
        answer["headers"] = {name: _header(text) for name, text in headers.items()}
    return answer


def _refusal(status: int, is_head: bool) -> Json:  # noqa: FBT001 - private
    answer: Json = {"description": problems.STATUSES[status][1]}
    if not is_head:
        answer["content"] = {"application/problem+json": {"schema": _reference(Problem)}}
    if status == 401:
        answer["headers"] = {"WWW-Authenticate": _header("The scheme that is asked for.")}
    return answer


def _header(description: str) -> Json:
    return {"description": description, "required": True, "schema": {"type": "string"}}


def _reference(kind: type[Struct]) -> Json:
    return {"$ref": f"#/components/schemas/{kind.__name__}"}


def _text(documented: object) -> str:
    return _join_lines(documented.__doc__ or "")


def _join_lines(text: str) -> str:
    return " ".join(text.split())


def _anchor(pattern: re.Pattern[str]) -> str:
    """As JSON Schema has it: it searches, and knows no named groups of Python's spelling."""
    return f"^(?:{re.sub(r'[(][?]P<[a-z_]+>', '(', pattern.pattern)})$"
