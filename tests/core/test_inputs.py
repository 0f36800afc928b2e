"""What enters over HTTP becomes a model, or a problem in words."""

from typing import Annotated, Any

import pytest
from flask import Flask, request
from pydantic import Field

from zgpt.core.errors import Problem
from zgpt.core.inputs import ERRORS_MOST, FIELD_CHARS, Body, Query, read_body, read_query


class Inner(Body):
    words: tuple[str, ...] = ()


class Note(Body):
    title: Annotated[str, Field(max_length=5)]
    count: int = 0
    inner: Inner = Inner()


class Page(Query):
    limit: Annotated[int, Field(ge=1)] = 50
    before: str | None = None


def body(data: bytes, content_type: str = "application/json") -> Note:
    with Flask("x").test_request_context("/", method="POST", data=data, content_type=content_type):
        return read_body(request, Note)


def query(text: str) -> Page:
    with Flask("x").test_request_context("/?" + text):
        return read_query(request, Page)


def refused(data: bytes, content_type: str = "application/json") -> Problem:
    with pytest.raises(Problem) as caught:
        body(data, content_type)
    return caught.value


def test_a_good_body_becomes_its_model() -> None:
    assert body(b'{"title": "\\u00e4\\ud83d\\ude42", "count": 2}') == Note(title="ä🙂", count=2)


def test_json_with_a_charset_is_json() -> None:
    assert body(b'{"title":"a"}', "application/json; charset=utf-8").title == "a"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_another_content_type_is_415(content_type: str) -> None:
    assert (refused(b'{"title":"a"}', content_type).code, refused(b"", content_type).status) == (
        "unsupported_media_type",
        415,
    )


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"{'title':1}", b'{"title":"\xff"}', b'{"title":"\\ud800"}', b"[" * 99_999, b'{"n":01}'],
    ids=["nothing", "unclosed", "quotes", "not utf-8", "lone surrogate", "bomb", "leading zero"],
)  # fmt: skip
def test_what_is_not_json_is_400(data: bytes) -> None:
    assert (refused(data).code, refused(data).status) == ("bad_json", 400)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (b"{}", "title"),
        (b'{"title": 1}', "title"),
        (b'{"title": null}', "title"),
        (b'{"title": "123456"}', "title"),
        (b'{"title": "a", "count": "1"}', "count"),
        (b'{"title": "a", "count": 1.5}', "count"),
        (b'{"title": "a", "role": "admin"}', "role"),
        (b'{"title": "a", "inner": {"words": ["b", 3]}}', "inner.words.1"),
        (b'{"title": "a\\u0000"}', "title"),
        (b'{"title": "a", "inner": {"words": ["\\u0000"]}}', "inner.words"),
        (b"[]", ""),
        (b"null", ""),
    ],
)
def test_a_wrong_value_is_422_and_names_its_field(data: bytes, field: str) -> None:
    problem = refused(data)
    assert (problem.status, problem.code) == (422, "invalid")
    assert [error["field"] for error in problem.errors] == [field]
    assert problem.errors[0]["message"]


def test_all_wrong_fields_are_told_at_once() -> None:
    assert {error["field"] for error in refused(b'{"count": "x", "extra": 1}').errors} == {"title", "count", "extra"}


def test_of_very_many_wrong_fields_the_first_are_told() -> None:
    many = b",".join(b'"%d%s": 1' % (at, b"x" * 500) for at in range(1_000))
    errors = refused(b'{"title": "a", ' + many + b"}").errors
    assert len(errors) == ERRORS_MOST
    assert max(len(error["field"]) for error in errors) == FIELD_CHARS


def test_what_was_sent_is_not_repeated() -> None:
    problem = refused(b'{"title": "hunter2hunter2"}')
    assert "hunter2" not in str(problem.errors)
    assert problem.__cause__ is None


def test_a_number_of_five_thousand_digits_is_refused() -> None:
    assert refused(b'{"title": "a", "count": ' + b"9" * 5_000 + b"}").status in {400, 422}


def test_a_query_is_read_into_its_types() -> None:
    assert query("limit=3&before=x") == Page(limit=3, before="x")
    assert query("") == Page()


@pytest.mark.parametrize("text", ["limit=0", "limit=x", "limit=", "unknown=1", "before=%00", "limit=1&limit=2"])
def test_a_wrong_query_is_422(text: str) -> None:
    with pytest.raises(Problem) as caught:
        query(text)
    assert (caught.value.status, caught.value.code) == (422, "invalid")
    assert caught.value.errors


def test_models_of_inputs_cannot_be_changed() -> None:
    value: Any = body(b'{"title":"a"}')
    with pytest.raises(ValueError, match="frozen"):
        value.title = "b"
