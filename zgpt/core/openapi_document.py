"""The OpenAPI 3.1 document, made of what the routes declare (`openapi`) and of their pydantic models."""

import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from flask import Flask
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema
from werkzeug.routing import Rule

from zgpt.core.openapi import Auth, Operation, operation_of

Json = dict[str, Any]
Schemas = Mapping[Any, Json]

REF = "#/components/schemas/{model}"
PROBLEM_TYPE = "application/problem+json"
PROBLEM = {"$ref": "#/components/schemas/ProblemOut"}
SECURITY: dict[Auth, list[Json]] = {
    "none": [],
    "bearer": [{"bearer": []}],
    "cookie": [{"cookie": []}],
    "presented": [{"cookie": []}, {"bearer": []}, {}],
    "operator": [{"operator": []}, {}],
    "socket": [],
}
SECURITY_SCHEMES: Json = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The access token of a sign-in, or an API key with the scope that the route needs: `read` to "
        "look, `chat` to change. Routes of accounts take no key (403).",
    },
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "zgpt_refresh",
        "description": "Set by signing in; only browsers need it.",
    },
    "operator": {"type": "http", "scheme": "bearer", "description": "METRICS_TOKEN; not needed on the server itself."},
}
ABOUT = (
    "Times are RFC 3339 in UTC, ids are UUIDs. Every fault is a problem document (RFC 9457) whose `code` is stable; "
    "`retryable` says whether the same request may succeed later. Another user's things answer 404. "
    "Answers stream over the WebSocket at `/ws`."
)
_BARE: Json = {"application/json": {"schema": {"type": "object"}}, "text/event-stream": {"schema": {}}}
"""An answer without a model. OpenAPI 3.1 has no words for the events of a stream; docs/protocol.md has."""
_VARIABLE = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")


class FieldErrorOut(BaseModel):
    """One wrong field of an input."""

    field: str
    message: str


class ProblemOut(BaseModel):
    """A fault in words (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    retryable: bool
    retry_after_ms: int | None = None
    errors: list[FieldErrorOut] | None = None


def build_document(app: Flask, version: str) -> Json:
    """The document of every listed route of the app."""
    routes = sorted(_routes(app), key=lambda route: route[0].rule)
    schemas, definitions = _schemas([spec for _, spec in routes])
    paths: Json = {}
    for rule, spec in routes:
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            paths.setdefault(_VARIABLE.sub(r"{\1}", rule.rule), {})[method.lower()] = _operation(rule, spec, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Z-GPT",
            "version": version,
            "description": ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": paths,
        "components": {"schemas": definitions, "securitySchemes": SECURITY_SCHEMES},
    }


def _routes(app: Flask) -> Iterator[tuple[Rule, Operation]]:
    for rule in app.url_map.iter_rules():
        spec = operation_of(app.view_functions[rule.endpoint])
        if spec and spec.listed:
            yield rule, spec


def _schemas(specs: list[Operation]) -> tuple[Schemas, Json]:
    """The schema of each model by use, and all named definitions."""
    wanted: set[tuple[type[BaseModel], JsonSchemaMode]] = {(ProblemOut, "serialization")}
    for spec in specs:
        wanted |= {(spec.request, "validation")} if spec.request else set()
        wanted |= {(model, "serialization") for model in spec.responses.values() if model}
    in_order = sorted(wanted, key=lambda use: (use[0].__name__, use[0].__module__, use[1]))
    schemas, top = models_json_schema(in_order, ref_template=REF)
    return schemas, top["$defs"]


def _operation(rule: Rule, spec: Operation, schemas: Schemas) -> Json:
    found: Json = {
        "operationId": rule.endpoint.replace(".", "_"),
        "tags": [rule.endpoint.split(".")[0]],
        "summary": spec.summary,
        "description": spec.description,
        "security": SECURITY[spec.auth],
        "parameters": [*_path_parameters(rule), *_query_parameters(spec)],
        "responses": _responses(rule, spec, schemas),
    }
    if spec.request:
        content = {"application/json": {"schema": schemas[spec.request, "validation"]}}
        found["requestBody"] = {"required": True, "content": content}
    return found


def _path_parameters(rule: Rule) -> list[Json]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", **({"format": "uuid"} if name.endswith("_id") else {})},
        }
        for name in sorted(rule.arguments)
    ]


def _query_parameters(spec: Operation) -> list[Json]:
    if spec.query is None:
        return []
    schema = spec.query.model_json_schema(ref_template=REF)
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _not_null(field)}
        for name, field in schema["properties"].items()
    ]


def _not_null(field: Json) -> Json:
    """A query string cannot say null: what may be absent is absent."""
    choices = [choice for choice in field.get("anyOf", []) if choice != {"type": "null"}]
    if len(choices) != 1:
        return field
    rest = {
        name: value
        for name, value in field.items()
        if name not in {"anyOf", "default"} or (value is not None and name == "default")
    }
    return {**rest, **choices[0]}


def _responses(rule: Rule, spec: Operation, schemas: Schemas) -> Json:
    answers = {str(status): _answer(status, model, spec, schemas) for status, model in spec.responses.items()}
    for status in sorted(_problem_statuses(rule, spec)):
        answers.setdefault(str(status), {"description": HTTPStatus(status).phrase, "content": _fault_content(rule)})
    if spec.query:
        # It never reaches the app: the server refuses a line above `limit_request_line` (gunicorn.conf.py) by itself.
        answers["414"] = {"description": "URI Too Long", "content": {"text/plain": {"schema": {"type": "string"}}}}
    answers["default"] = {"description": "Any other fault", "content": _fault_content(rule)}
    return answers


def _fault_content(rule: Rule) -> Json:
    """A problem document; outside of the API a page for who asks for HTML."""
    page = {} if rule.rule.startswith("/api/") else {"text/html": {"schema": {"type": "string"}}}
    return {PROBLEM_TYPE: {"schema": PROBLEM}, **page}


def _answer(status: int, model: type[BaseModel] | None, spec: Operation, schemas: Schemas) -> Json:
    answer: Json = {"description": HTTPStatus(status).phrase}
    if model:
        answer["content"] = {spec.media_type: {"schema": schemas[model, "serialization"]}}
    elif status != HTTPStatus.NO_CONTENT:
        answer["content"] = {spec.media_type: _BARE.get(spec.media_type, {"schema": {"type": "string"}})}
    return answer


def _problem_statuses(rule: Rule, spec: Operation) -> set[int]:
    """What can go wrong before the view runs, and what it declares itself."""
    statuses = set(spec.problems)
    if spec.auth in {"bearer", "cookie"}:
        statuses.add(401)
    if spec.request:
        statuses |= {400, 413, 415, 422}
    if spec.query:
        statuses.add(422)
    if rule.arguments or spec.auth == "operator":
        statuses.add(404)
    return statuses
