"""The API's page for people."""

import html
import re

import pytest
from flask.testing import FlaskClient

from zgpt.ops.reference import example_of, prose, type_of


@pytest.fixture
def page(client: FlaskClient) -> str:
    answer = client.get("/api/v1/docs")
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    return answer.text


def test_the_page_shows_every_operation_and_every_shape(client: FlaskClient, page: str) -> None:
    document = client.get("/api/v1/openapi.json").get_json()
    for path, methods in document["paths"].items():
        assert path in page
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in page
    for name in document["components"]["schemas"]:
        assert f'id="shape-{name}"' in page


def test_the_page_holds_nothing_that_our_policy_forbids(page: str) -> None:
    assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=|javascript:|https?://", page)


def test_every_link_of_the_page_leads_somewhere(client: FlaskClient, page: str) -> None:
    for target in set(re.findall(r'(?:href|src)="([^"]+)"', page)):
        if target.startswith("#"):
            assert f'id="{target[1:]}"' in page, target
        elif target != "/":
            assert client.get(target, buffered=True).status_code == 200, target


def test_an_example_can_be_pasted_into_a_shell(page: str) -> None:
    commands = [html.unescape(found) for found in re.findall(r"<pre><code>(.*?)</code>", page)]
    login = next(command for command in commands if command.endswith('/auth/login"'))
    assert login == (
        "curl -X POST -H 'Content-Type: application/json' "
        '-d \'{"email": "ada@example.org", "password": "..."}\' "$ZGPT/api/v1/auth/login"'
    )
    me = next(command for command in commands if command.endswith('/auth/me"') and "-X" not in command)
    assert me == 'curl -H "Authorization: Bearer $TOKEN" "$ZGPT/api/v1/auth/me"'


def test_prose_is_escaped_and_its_code_is_marked() -> None:
    assert prose("send `<id>` & wait") == "send <code>&lt;id&gt;</code> &amp; wait"


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "string", "format": "uuid"}, "string (uuid)"),
        ({"type": "string", "minLength": 1, "maxLength": 9}, "string (≥ 1 characters, ≤ 9 characters)"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "integer or null"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}, "list of Thing"),
        ({"enum": ["a", "b"]}, '"a" or "b"'),
        ({"const": "a"}, '"a"'),
        ({}, "any"),
    ],
)
def test_a_type_is_told_in_few_words(schema: dict[str, object], words: str) -> None:
    assert type_of(schema) == words


def test_an_example_fits_its_schema() -> None:
    thing = {
        "type": "object",
        "required": ["id", "n", "tags", "maybe"],
        "properties": {
            "id": {"type": "string", "format": "uuid"}, "n": {"type": "integer"}, "tags": {"type": "array"},
            "maybe": {"anyOf": [{"type": "boolean"}, {"type": "null"}]}, "left_out": {"type": "string"},
        },
    }  # fmt: skip
    example = example_of({"$ref": "#/components/schemas/Thing"}, {"Thing": thing})
    assert example == {"id": "01900000-0000-7000-8000-000000000000", "n": 1, "tags": [], "maybe": True}
