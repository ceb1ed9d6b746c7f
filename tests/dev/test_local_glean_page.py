"""The page of the local Glean: a search over what is indexed, safe from what is indexed."""

import re
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest


API = "/api/index/v1"
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&"


@pytest.fixture
def client(empty_glean: httpx.Client) -> httpx.Client:
    for name in ("docs", "other"):
        config = {"name": name, "datasourceCategory": "PUBLISHED_CONTENT", "urlRegex": ".*"}
        definitions = [{"name": "page"}, {"name": HOSTILE.replace(" ", "")}]
        answer = empty_glean.post(
            f"{API}/adddatasource", json={**config, "objectDefinitions": definitions}
        )
        assert answer.status_code == 200
    return empty_glean


def index(client: httpx.Client, identifier: str, text: str, **fields: Any) -> None:
    document = {
        "id": identifier,
        "datasource": "docs",
        "objectType": "page",
        "title": f"Title of {identifier}",
        "viewURL": f"https://docs.test/{identifier}",
        "body": {"mimeType": "text/plain", "textContent": text},
        **fields,
    }
    body = {"datasource": document["datasource"], "documents": [document]}
    answer = client.post(f"{API}/indexdocuments", json=body)
    assert answer.status_code == 200, answer.text


def page(client: httpx.Client, query: str = "", **parameters: str) -> str:
    answer = client.get("/", params={"q": query, **parameters})
    assert answer.status_code == 200
    return answer.text


class Tags(HTMLParser):
    """The tags of a page, with what makes them dangerous."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes += attrs


def found(html: str) -> list[str]:
    return re.findall(r"Title of (\w+)", html)


def test_a_search_finds_words_and_marks_them(client: httpx.Client) -> None:
    index(client, "json", "Parses a JSON text, and nothing else.")
    index(client, "csv", "Reads comma-separated text.")

    html = page(client, "json text")

    assert found(html) == ["json"]
    assert "a <mark>JSON</mark> <mark>text</mark>" in html
    assert '<a href="https://docs.test/json"' in html


def test_the_last_word_may_be_a_beginning(client: httpx.Client) -> None:
    index(client, "json", "a decoder")

    assert found(page(client, "deco")) == ["json"]
    assert found(page(client, "deco a")) == []


def test_a_title_weighs_more_than_a_text(client: httpx.Client) -> None:
    index(client, "one", "other decoder decoder decoder")
    index(client, "two", "words", title="Title of two: decoder")

    assert found(page(client, "decoder")) == ["two", "one"]


def test_a_search_can_be_limited_to_a_datasource(client: httpx.Client) -> None:
    index(client, "one", "word")
    index(client, "two", "word", datasource="other")

    assert sorted(found(page(client, "word"))) == ["one", "two"]
    assert found(page(client, "word", datasource="other")) == ["two"]


def test_the_text_of_html_is_found_and_not_its_tags(client: httpx.Client) -> None:
    html = "<p class='secret'>Caf&eacute; <b>au lait</b></p><script>hidden()</script>"
    index(client, "menu", "", body={"mimeType": "text/html", "textContent": html})

    assert found(page(client, "café lait")) == ["menu"]
    assert found(page(client, "secret")) == found(page(client, "hidden")) == []


def test_a_changed_document_is_found_by_its_new_text_only(client: httpx.Client) -> None:
    index(client, "one", "before")
    index(client, "one", "after")
    index(client, "two", "before")
    body = {"datasource": "docs", "objectType": "page", "id": "two"}
    client.post(f"{API}/deletedocument", json=body)

    assert found(page(client, "before")) == []
    assert found(page(client, "after")) == ["one"]


@pytest.mark.parametrize(
    "query", ['"', "*", "a AND", "NEAR(a b)", "title:x", "^a", "-a", "(", "'", "\0", "\x02", "%"]
)
def test_nothing_in_a_query_is_an_operator(client: httpx.Client, query: str) -> None:
    index(client, "one", "a b title x")

    page(client, query)


def test_what_is_indexed_cannot_act_on_the_page(client: httpx.Client) -> None:
    upload = {
        "uploadId": HOSTILE,
        "datasource": "docs",
        "isFirstPage": True,
        "isLastPage": True,
        "documents": [
            {
                "id": HOSTILE,
                "datasource": "docs",
                "objectType": HOSTILE.replace(" ", ""),
                "title": HOSTILE,
                "viewURL": f"https://docs.test/{HOSTILE}",
                "body": {"mimeType": "text/plain", "textContent": f"word {HOSTILE} \x02\x03"},
            }
        ],
    }
    assert client.post(f"{API}/bulkindexdocuments", json=upload).status_code == 200
    index(client, "two", "word", viewURL="javascript:alert(1)")

    html = page(client, "word", datasource=HOSTILE) + page(client, "word") + page(client, HOSTILE)

    tags = Tags(html)
    assert not tags.names & {"script", "img"}
    assert not [name for name, _ in tags.attributes if name.startswith("on")]
    assert not [value for _, value in tags.attributes if (value or "").startswith("javascript")]
    assert "&lt;script&gt;" in html


def test_the_page_needs_nothing_from_elsewhere(client: httpx.Client) -> None:
    answer = client.get("/")

    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert not Tags(answer.text).names & {"script", "link", "img", "iframe"}


def test_the_page_tells_what_is_there(client: httpx.Client) -> None:
    index(client, "one", "word", permissions={"allowedUsers": []})
    upload = {"uploadId": "run-1", "datasource": "docs", "documents": [], "isFirstPage": True}
    client.post(f"{API}/bulkindexdocuments", json=upload)

    html = page(client)

    assert "Documents: 1 (1 page)" in html
    assert "1 without permissions" in html
    assert "run-1" in html
    assert "UPLOAD STARTED" in html


def test_the_page_counts_identities_and_people_where_there_are_any(client: httpx.Client) -> None:
    html = page(client)
    assert "Identities" not in html
    assert "People" not in html

    emails = ("a@docs.test", "b@docs.test")
    requests: list[tuple[str, dict[str, Any]]] = [
        *(("indexuser", {"user": {"email": email, "name": HOSTILE}}) for email in emails),
        ("indexgroup", {"group": {"name": "staff"}}),
        ("indexteam", {"team": {"id": HOSTILE, "name": HOSTILE, "members": []}}),
    ]
    for endpoint, body in requests:
        datasource = {} if endpoint == "indexteam" else {"datasource": "docs"}
        answer = client.post(f"{API}/{endpoint}", json={**datasource, **body})
        assert answer.status_code == 200, answer.text

    html = page(client)
    assert html.count("Identities: 2 users, 1 groups, 0 memberships.") == 1
    assert "0 employees, 1 teams." in html
