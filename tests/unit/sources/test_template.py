from typing import Any

import pytest
from msgspec import Raw

from durable.errors import ConfigurationError
from durable.sources.paging.protocol import Ask
from durable.sources.splice import encode_list, select_fields, set_field
from durable.sources.template import Template, UnfilledError


URL = "https://wiki.example"
SPACE = Raw(b'{"id": "a b/c", "n": 7, "owner": {"id": "o"}, "@odata.id": "x", "none": null}')
RECORD = Raw(b'{"id": "r", "ID": 1, "links": {"self": "/items/r"}}')
SCOPE = {"space": SPACE, "": RECORD}


def filled(url: str, **parts: Any) -> Ask:
    return Template(Ask(url=url, **parts), frozenset(SCOPE)).fill_request(SCOPE)


@pytest.mark.parametrize(
    ("placeholder", "value"),
    [
        ("${space/id}", "a%20b%2Fc"),
        ("${space/n}", "7"),
        ("${space/owner/id}", "o"),
        ("${space/@odata.id}", "x"),
        ("${id}", "r"),
        ("${record/ID}", "1"),
        ("${links/self}", "%2Fitems%2Fr"),
        ("${id}-${space/n}", "r-7"),
    ],
)
def test_a_placeholder_in_a_path_takes_a_field_encoded(placeholder: str, value: str) -> None:
    assert filled(f"{URL}/{placeholder}/pages?x={placeholder}").url == (
        f"{URL}/{value}/pages?x={value}"
    )


def test_a_parameter_takes_a_field_as_it_is_and_keeps_other_braces() -> None:
    ask = filled(URL, params={"cql": "space=${space/id}", "filter": '{"id": "${id}"}'})

    assert ask.params == {"cql": "space=a b/c", "filter": '{"id": "r"}'}


def test_a_text_of_the_body_that_is_a_placeholder_takes_the_value_and_its_type() -> None:
    body = {
        "query": "query { space { id } }",
        "variables": {"n": "${space/n}", "list": ["${id}", 1]},
    }

    ask = filled(URL, body=body)

    assert ask.body == {**body, "variables": {"n": 7, "list": ["r", 1]}}


def test_without_a_scope_a_request_stays_as_it_is() -> None:
    ask = Ask(url=f"{URL}/${{id}}", params={"a": "${b/c}"})

    assert Template(ask, frozenset()).fill_request({}) is ask


def test_in_a_list_of_children_a_placeholder_of_a_parameter_may_be_something_else() -> None:
    ask = Ask(url=f"{URL}/${{space/n}}", params={"query": "{viewer{id}}"})

    assert Template(ask, frozenset({"space"})).fill_request(SCOPE).params == {
        "query": "{viewer{id}}"
    }


@pytest.mark.parametrize(
    ("placeholder", "named"),
    [
        ("${space/slug}", "the source's space .* has no slug, which ${space/slug}"),
        ("${space/none}", "has no none"),
        ("${space/owner/name}", "has no owner/name"),
        ("${slug}", "the source's record .*id.* has no slug"),
        ("${space/owner}", "cannot be put into a request: Expected `int | str.*owner"),
    ],
)
def test_a_field_that_is_missing_or_of_another_kind_is_named(placeholder: str, named: str) -> None:
    with pytest.raises(UnfilledError, match=named.replace("${", r"\$\{")) as error:
        filled(f"{URL}/{placeholder}")

    assert not error.value.is_transient


@pytest.mark.parametrize("content", [b'{"id": ""}', b'{"id": 1.5}', b'{"id": true}', b"7", b"[]"])
def test_what_names_nothing_is_not_put_into_a_request(content: bytes) -> None:
    template = Template(Ask(url=f"{URL}/${{space/id}}/x"), frozenset({"space"}))

    with pytest.raises(UnfilledError):
        template.fill_request({"space": Raw(content)})


@pytest.mark.parametrize("name", [".", ".."])
def test_a_field_leads_to_no_other_folder(name: str) -> None:
    template = Template(Ask(url=f"{URL}/spaces/${{space/id}}/x"), frozenset({"space"}))

    with pytest.raises(UnfilledError):
        template.fill_request({"space": Raw(b'{"id": "%s"}' % name.encode())})


def test_a_scope_may_be_a_text() -> None:
    template = Template(Ask(url=f"{URL}/${{space}}/x"), frozenset({"space"}))

    assert template.fill_request({"space": Raw(b'"a?b"')}).url == f"{URL}/a%3Fb/x"


@pytest.mark.parametrize(
    "url", ["https://${space/id}/x", "https://wiki.${space/id}", "${space/id}", "${space/id}/x"]
)
def test_the_server_is_not_a_records_choice(url: str) -> None:
    with pytest.raises(ConfigurationError, match="would choose the server"):
        Template(Ask(url=url), frozenset({"space"}))


def test_a_placeholder_alone_is_a_link_where_links_are_followed() -> None:
    template = Template(Ask(url="${links/self}"), frozenset({""}), lambda link: URL + link)

    assert template.fill_request(SCOPE).url == f"{URL}/items/r"


# Splicing


@pytest.mark.parametrize(
    ("record", "whole"),
    [
        (b'{"id": 1}', b'{"id": 1,"space":{"a": 2}}'),
        (b"{}", b'{"space":{"a": 2}}'),
        (b"{ \n}", b'{"space":{"a": 2}}'),
        (b"7", None),
        (b'["a"]', None),
    ],
)
def test_a_value_is_put_into_an_object(record: bytes, whole: bytes | None) -> None:
    made = set_field(Raw(record), "space", Raw(b'{"a": 2}'))

    assert (made if made is None else bytes(made)) == whole


def test_a_list_and_some_fields_are_made_of_bytes() -> None:
    assert encode_list([Raw(b"1"), Raw(b'{"a": 1}')]) == b'[1,{"a": 1}]'
    assert encode_list([]) == b"[]"
    assert bytes(select_fields(Raw(b'{"a": {"b":  1}, "c": 2}'), ("a", "z"))) == b'{"a":{"b":  1}}'
    assert bytes(select_fields(Raw(b'"text"'), ("a",))) == b'"text"'
