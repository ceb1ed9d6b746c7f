"""What the local Glean refuses in a request, and the texts that it does so with."""

import json
from typing import Any

import httpx
import pytest
from glean.api_client.models import CustomDatasourceConfig

from dev.local_glean.app import BODY_BYTES_MAX
from durable.glean.content_validation import content_fault
from durable.glean.documents import Content


API = "/api/index/v1"
DATASOURCE = {
    "name": "docs",
    "datasourceCategory": "PUBLISHED_CONTENT",
    "urlRegex": r"https://docs\.test/.*",
    "objectDefinitions": [{"name": "page"}],
}
# Every field that the client's model has.
WHOLE_DATASOURCE = {
    **DATASOURCE,
    "displayName": "Docs",
    "iconUrl": "https://docs.test/icon.svg",
    "objectDefinitions": [
        {
            "name": "page",
            "displayLabel": "Page",
            "docCategory": "PUBLISHED_CONTENT",
            "propertyDefinitions": [
                {
                    "name": "space",
                    "displayLabel": "Space",
                    "displayLabelPlural": "Spaces",
                    "propertyType": "PICKLIST",
                    "uiOptions": "SEARCH_RESULT",
                    "hideUiFacet": False,
                    "uiFacetOrder": 1,
                    "skipIndexing": False,
                    "group": "place",
                }
            ],
            "propertyGroups": [{"name": "place", "displayLabel": "Place"}],
            "summarizable": True,
        }
    ],
    "suggestionText": "a page",
    "homeUrl": "https://docs.test/",
    "crawlerSeedUrls": ["https://docs.test/"],
    "iconDarkUrl": "https://docs.test/dark.svg",
    "hideBuiltInFacets": ["TAG", "AUTHOR"],
    "canonicalizingURLRegex": [{"matchRegex": "a", "rewriteRegex": "b"}],
    "canonicalizingTitleRegex": [{"matchRegex": "a", "rewriteRegex": "b"}],
    "redlistTitleRegex": "secret",
    "connectorType": "PUSH_API",
    "quicklinks": [
        {
            "name": "New page",
            "shortName": "New",
            "url": "https://docs.test/new",
            "iconConfig": {"iconType": "URL", "url": "https://docs.test/new.svg", "masked": True},
            "id": "1",
            "scopes": ["APP_CARD", "NEW_TAB_PAGE"],
        }
    ],
    "renderConfigPreset": "web",
    "aliases": ["doc"],
    "isOnPrem": False,
    "trustUrlRegexForViewActivity": False,
    "includeUtmSource": True,
    "stripFragmentInCanonicalUrl": False,
    "identityDatasourceName": "docs",
    "productAccessGroup": "staff",
    "isUserReferencedByEmail": True,
    "isEntityDatasource": False,
    "isTestDatasource": True,
}
GOOD = {
    "id": "a",
    "datasource": "docs",
    "objectType": "page",
    "title": "A",
    "viewURL": "https://docs.test/a",
    "body": {"mimeType": "text/plain", "textContent": "text"},
    "permissions": {"allowAnonymousAccess": True},
}


@pytest.fixture
def client(empty_glean: httpx.Client) -> httpx.Client:
    assert empty_glean.post(f"{API}/adddatasource", json=DATASOURCE).status_code == 200
    return empty_glean


def index(client: httpx.Client, *documents: Any) -> httpx.Response:
    body = {"datasource": "docs", "documents": documents}
    return client.post(f"{API}/indexdocuments", json=body)


def live_count(client: httpx.Client) -> int:
    answer = client.get("/control/documents", params={"datasource": "docs"})
    return len(answer.text.splitlines())


# Glean's page on MIME types names these.
SUPPORTED = [
    "application/vnd.apple.keynote",
    "application/epub+zip",
    "application/msword",
    "application/onenote",
    "application/pdf",
    "application/rtf",
    "application/vnd.apple.pages",
    "application/vnd.google-apps.form",
    "application/vnd.google-apps.site",
    "application/vnd.ms-excel",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/x-apple-diskimage",
    "application/x-executable",
    "application/x-shockwave-flash",
    "text/csv",
    "text/html",
    "text/markdown",
    "text/plain",
    "text/tab-separated-values",
    "text/vcard",
]
# And says that there are many others, of which these are some.
OTHERS = [
    "application/vnd.ms-powerpoint",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.oasis.opendocument.text",
    "message/rfc822",
]
UNSUPPORTED = [
    *("application/json", "application/xml", "text/css", "text/xml", "application/mp4"),
    *("video/mp4", "image/png", "image/svg+xml", "audio/mpeg", "IMAGE/PNG; q=1"),
    *("application/zip", "application/x-zip", "application/x-zip-compressed", "application/rar"),
    *("application/x-rar", "application/x-rar-compressed", "application/vnd.rar"),
    *("", "html", "text/", "/plain", "text plain", "text/pl ain"),
]


@pytest.mark.parametrize("mime_type", [*SUPPORTED, *OTHERS, *UNSUPPORTED])
def test_of_the_mime_types_glean_names_it_takes_what_a_connector_may_send(
    client: httpx.Client, mime_type: str
) -> None:
    is_taken = mime_type not in UNSUPPORTED
    body = {"mimeType": mime_type, "binaryContent": "YQ=="}

    assert (index(client, {**GOOD, "body": body}).status_code == 200) == is_taken
    content = Content(mime_type=mime_type, binary_content="YQ==")
    assert (content_fault("body", content) is None) == is_taken


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"id": "x" * 200},
        {"objectType": None},
        {"permissions": None},
        {"createdAt": 0, "updatedAt": 1_800_000_000},
        {"body": {"mimeType": "text/html; charset=utf-8", "textContent": "<p>"}},
        {"body": {"mimeType": "application/pdf", "binaryContent": "JVBERg=="}},
        {"customProperties": [{"name": "p", "value": ["x", "y"]}, {"name": "q", "value": 3}]},
        {"comments": [{"id": "1", "content": {"mimeType": "text/plain", "textContent": "x"}}]},
    ],
)
def test_a_good_document_is_indexed_as_it_was_sent(
    client: httpx.Client, fields: dict[str, Any]
) -> None:
    document = {name: value for name, value in {**GOOD, **fields}.items() if value is not None}

    assert index(client, document).status_code == 200

    answer = client.get("/control/documents", params={"datasource": "docs"})
    assert json.loads(answer.text) == {"id": document["id"], "document": document}


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"id": None}, "Document (id unspecified) has no value for required field id"),
        ({"id": ""}, "Document (id unspecified)"),
        ({"id": "x" * 201}, "more than 200 characters"),
        ({"datasource": "other"}, "expected docs, got other"),
        ({"datasource": None}, "Document a has no value for required field datasource"),
        ({"viewURL": None}, "no value for required field viewURL"),
        ({"viewURL": "https://elsewhere.test/"}, "does not match the urlRegex"),
        ({"viewURL": "x https://docs.test/a"}, "does not match the urlRegex"),
        ({"viewUrl": "x"}, 'Document a has unknown field viewUrl: "x"'),
        ({"view_url": "x"}, 'unknown field view_url: "x"'),
        ({"objectType": "Case"}, "Object definitions not found for object types: Case"),
        ({"containerObjectType": "a_b"}, "no spaces or underscores"),
        ({"createdAt": "2026-01-01T00:00:00Z"}, "createdAt"),
        ({"createdAt": 1.0}, "createdAt"),
        ({"updatedAt": 1_800_000_000_000}, "milliseconds"),
        ({"tags": "one"}, "tags"),
        ({"title": 3}, "title"),
        ({"body": {"mimeType": "text/plain"}}, "exactly one of textContent and binaryContent"),
        (
            {"body": {"mimeType": "text/plain", "textContent": "", "binaryContent": ""}},
            "exactly one of textContent and binaryContent",
        ),
        ({"body": {"textContent": "x"}}, "body.mimeType"),
        ({"body": {"mimeType": "text/plain", "text": "x"}}, "unknown field body.text"),
        ({"body": {"mimeType": "application/json", "textContent": "x"}}, "application/json"),
        ({"summary": {"mimeType": "image/png", "binaryContent": ""}}, "image/png"),
        ({"body": {"mimeType": "application/pdf", "binaryContent": "!"}}, "not base64"),
        (
            {"comments": [{"id": "1", "content": {"mimeType": "text/plain"}}]},
            "comments[0].content",
        ),
        ({"comments": [{"id": "1", "updatedAt": 10**12}]}, "comments[0].updatedAt"),
        (
            {"customProperties": [{"name": "Tags", "value": ["a", "b", 3]}]},
            "a has invalid value at index 2 for custom property Tags: expected String, got Integer",
        ),
        (
            {"customProperties": [{"name": "Done", "value": True}]},
            "custom property Done: expected String, Number, or list of strings, got Boolean",
        ),
        ({"customProperties": [{"name": "None", "value": None}]}, "got null"),
        ({"customProperties": [{"name": "Map", "value": {}}]}, "got Object"),
        ({"customProperties": [{"value": "x"}]}, "without a name"),
    ],
)
def test_one_bad_document_refuses_the_request(
    client: httpx.Client, fields: dict[str, Any], text: str
) -> None:
    bad = {
        name: value
        for name, value in {**GOOD, **fields}.items()
        if value is not None or name == "customProperties"
    }

    answer = index(client, {**GOOD, "id": "good"}, bad, {**GOOD, "id": "other"})

    assert answer.status_code == 400
    assert text in answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    assert live_count(client) == 0


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"name": "my_docs"}, "my_docs"),
        ({"name": ""}, "letters and digits"),
        ({"datasourceCategory": None}, "datasourceCategory"),
        ({"datasourceCategory": "UNCATEGORIZED"}, "datasourceCategory"),
        ({"datasourceCategory": "DOCS"}, "DOCS"),
        ({"urlRegex": None}, "urlRegex"),
        ({"urlRegex": "("}, "urlRegex"),
        ({"urlRegexp": "x"}, "Unknown field urlRegexp"),
        ({"objectDefinitions": [{"name": "a b"}]}, "no spaces or underscores"),
        ({"objectDefinitions": [{"propertyDefinitions": [{"type": "INT"}]}]}, "[0].type"),
        ({"identityDatasourceName": "people"}, "invalid identityDatasourceName people"),
        ({"isTestDatasource": "yes"}, "isTestDatasource"),
    ],
)
def test_a_bad_datasource_is_refused(
    client: httpx.Client, fields: dict[str, Any], text: str
) -> None:
    config = {name: value for name, value in {**DATASOURCE, **fields}.items() if value is not None}

    answer = client.post(f"{API}/adddatasource", json=config)

    assert answer.status_code == 400
    assert text in answer.text


@pytest.mark.parametrize("config", [DATASOURCE, WHOLE_DATASOURCE], ids=["least", "whole"])
def test_a_datasource_is_given_back_as_it_was_sent_under_glean_s_own_name(
    client: httpx.Client, config: dict[str, Any]
) -> None:
    assert client.post(f"{API}/adddatasource", json=config).status_code == 200

    answer = client.post(f"{API}/getdatasourceconfig", json={"datasource": "docs"})

    assert answer.json() == {**config, "name": "CUSTOM_DOCS"}


def test_the_whole_datasource_has_every_field_there_is() -> None:
    fields = CustomDatasourceConfig.model_fields.items()

    assert set(WHOLE_DATASOURCE) == {field.alias or name for name, field in fields}


def test_a_datasource_is_overwritten_as_a_whole(client: httpx.Client) -> None:
    client.post(f"{API}/adddatasource", json=WHOLE_DATASOURCE)

    client.post(f"{API}/adddatasource", json=DATASOURCE)

    answer = client.post(f"{API}/getdatasourceconfig", json={"datasource": "docs"})
    assert answer.json() == {**DATASOURCE, "name": "CUSTOM_DOCS"}


def test_a_definition_without_a_name_stands_for_every_object_type(client: httpx.Client) -> None:
    client.post(f"{API}/adddatasource", json={**DATASOURCE, "objectDefinitions": [{}]})

    assert index(client, {**GOOD, "objectType": "Anything"}).status_code == 200


def test_entities_need_no_url(client: httpx.Client) -> None:
    entities = {"name": "docs", "datasourceCategory": "ENTITY", "isEntityDatasource": True}
    client.post(f"{API}/adddatasource", json=entities)
    document = {"id": "a", "datasource": "docs"}

    assert index(client, document).status_code == 200


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("indexdocuments", {"datasource": "none", "documents": []}),
        ("bulkindexdocuments", {"datasource": "none", "documents": [], "uploadId": "u"}),
        ("deletedocument", {"datasource": "none", "objectType": "page", "id": "a"}),
        ("getdatasourceconfig", {"datasource": "none"}),
        ("processalldocuments", {"datasource": "none"}),
        ("debug/none/status", {}),
    ],
)
def test_an_unknown_datasource_is_refused(
    client: httpx.Client, endpoint: str, body: dict[str, Any]
) -> None:
    answer = client.post(f"{API}/{endpoint}", json=body)

    assert answer.status_code == 400
    assert "Invalid datasource none" in answer.text


@pytest.mark.parametrize("body", ["", "{", "[]", '{"datasource": "docs"}', "\ud800", "null"])
def test_a_body_that_is_no_request_is_refused(client: httpx.Client, body: str) -> None:
    content = body.encode(errors="surrogatepass")
    headers = {"content-type": "application/json"}

    answer = client.post(f"{API}/bulkindexdocuments", content=content, headers=headers)

    assert answer.status_code == 400
    assert answer.text


def test_an_upload_needs_an_id(client: httpx.Client) -> None:
    body = {"uploadId": "", "datasource": "docs", "documents": []}

    assert client.post(f"{API}/bulkindexdocuments", json=body).status_code == 400


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer other", "Basic token", "Bearer tökén"])
def test_the_token_is_needed(client: httpx.Client, token: str) -> None:
    for endpoint in ("bulkindexdocuments", "adddatasource", "debug/docs/status"):
        answer = client.post(
            f"{API}/{endpoint}", json={}, headers={b"authorization": token.encode()}
        )

        assert answer.status_code == 401
        assert answer.headers["content-type"].startswith("text/plain")


def test_other_methods_and_paths_are_refused(client: httpx.Client) -> None:
    assert client.get(f"{API}/indexdocuments").status_code == 405
    assert client.post(f"{API}/indexusers").status_code == 404


@pytest.mark.parametrize(
    "headers", [{"content-type": "text/plain"}, {"content-encoding": "gzip"}], ids=str
)
def test_a_body_in_another_form_is_refused(client: httpx.Client, headers: dict[str, str]) -> None:
    headers = {"content-type": "application/json", **headers}

    answer = client.post(f"{API}/indexdocuments", content=b"{}", headers=headers)

    assert answer.status_code == 415


def test_more_than_a_thousand_documents_are_refused(client: httpx.Client) -> None:
    documents = [{**GOOD, "id": str(number)} for number in range(1_001)]

    assert index(client, *documents).status_code == 400
    assert index(client, *documents[1:]).status_code == 200


def test_a_request_over_the_limit_is_refused(client: httpx.Client) -> None:
    def sized(size: int) -> httpx.Response:
        frame = b'{"datasource":"docs","documents":[%s]}'
        content = (frame % b"").replace(b"[]", b"[" + b" " * (size - len(frame) + 2) + b"]")
        assert len(content) == size
        headers = {"content-type": "application/json"}
        return client.post(f"{API}/indexdocuments", content=content, headers=headers)

    assert sized(BODY_BYTES_MAX).status_code == 200
    assert sized(BODY_BYTES_MAX + 1).status_code == 413


def test_a_page_of_a_thousand_documents_is_taken(client: httpx.Client) -> None:
    content = {"mimeType": "text/plain", "textContent": "some words of a document " * 150}
    documents = [{**GOOD, "id": str(number), "body": content} for number in range(1_000)]
    body = {
        "uploadId": "u",
        "datasource": "docs",
        "documents": documents,
        "isFirstPage": True,
        "isLastPage": True,
    }

    answer = client.post(f"{API}/bulkindexdocuments", json=body)

    assert answer.status_code == 200
