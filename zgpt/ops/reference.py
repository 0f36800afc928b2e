"""`/api/v1/openapi.json`, and the same for people at `/api/v1/docs`: a page without scripts, made here."""

import json
import re
from typing import Any

from flask import Blueprint, current_app, render_template
from flask.typing import ResponseReturnValue
from markupsafe import Markup, escape

import zgpt
from zgpt.core.openapi import operation
from zgpt.core.openapi_document import Json, build_document

PREFIX = "#/components/schemas/"
TAGS_FIRST = ("auth", "chat", "runs")
METHODS = ("get", "post", "put", "patch", "delete")
_DOCUMENT = "zgpt_openapi"
_CODE = re.compile(r"`([^`]+)`")

blueprint = Blueprint("reference", __name__, url_prefix="/api/v1", template_folder="templates")


@blueprint.get("/openapi.json")
@operation(summary="This API as an OpenAPI 3.1 document", auth="none")
def document() -> ResponseReturnValue:
    """Made of the models that check the requests."""
    return _document()


@blueprint.get("/docs")
@operation(summary="This API as a page", auth="none", media_type="text/html")
def page() -> ResponseReturnValue:
    """For people; it holds no script."""
    found = _document()
    return render_template(
        "reference.html", document=found, tags=operations_by_tag(found), type_of=type_of, curl=curl, prose=prose
    )


def operations_by_tag(found: Json) -> dict[str, list[Json]]:
    """The operations of each tag with their method and path, in the order of the paths; main tags first."""
    tags: dict[str, list[Json]] = {tag: [] for tag in TAGS_FIRST}
    for path, methods in found["paths"].items():
        for method in METHODS:
            if method in methods:
                entry = {"method": method.upper(), "path": path, **methods[method]}
                tags.setdefault(entry["tags"][0], []).append(entry)
    return tags


def prose(text: str) -> Markup:
    """The text as HTML, with what stands between backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 # nosec B704 # escaped just there


def type_of(schema: Json) -> str:
    """A schema in few words: `string (uuid)`, `list of Session`, `integer or null`."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(PREFIX)
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(type_of(choice) for choice in schema["anyOf"]))
    if "const" in schema or "enum" in schema:
        return " or ".join(json.dumps(value) for value in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {type_of(schema.get('items', {}))}"
    return _with_bounds(schema)


def curl(entry: Json) -> str:
    """A command line that tries the operation."""
    parts = ["curl"] if entry["method"] == "GET" else [f"curl -X {entry['method']}"]
    if {"bearer": []} in entry["security"]:
        parts.append('-H "Authorization: Bearer $TOKEN"')
    body = entry.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if body:
        parts.append(f"-H 'Content-Type: application/json' -d '{json.dumps(example_of(body, _definitions()))}'")
    return " ".join([*parts, f'"$ZGPT{entry["path"]}"'])


def example_of(schema: Json, definitions: Json) -> Any:
    """A value that fits the schema, as far as its types go: what is not required is left out."""
    schema = definitions.get(str(schema.get("$ref", "")).removeprefix(PREFIX), schema)
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], definitions)
    if schema.get("type") == "object":
        required = {name: schema["properties"][name] for name in schema.get("required", [])}
        return {name: example_of(field, definitions) for name, field in required.items()}
    formats = {"uuid": "01900000-0000-7000-8000-000000000000", "email": "ada@example.org"}
    plain = {"integer": 1, "number": 1, "boolean": True, "array": []}
    return plain.get(schema.get("type", ""), formats.get(schema.get("format", ""), "..."))


def _with_bounds(schema: Json) -> str:
    names = {"minLength": "≥ {} characters", "maxLength": "≤ {} characters", "minimum": "≥ {}", "maximum": "≤ {}"}
    bounds = [words.format(schema[name]) for name, words in names.items() if name in schema]
    notes = ", ".join([*([schema["format"]] if "format" in schema else []), *bounds])
    return f"{schema.get('type', 'any')} ({notes})" if notes else str(schema.get("type", "any"))


def _document() -> Json:
    found: Json | None = current_app.extensions.get(_DOCUMENT)
    if found is None:
        found = current_app.extensions[_DOCUMENT] = build_document(current_app, zgpt.__version__)
    return found


def _definitions() -> Json:
    definitions: Json = _document()["components"]["schemas"]
    return definitions
