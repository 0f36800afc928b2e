"""The models of what enters over HTTP, and how a request becomes one. What a route declares is in `openapi`."""

from typing import Any, TypeVar

from flask import Request
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from zgpt.core.errors import BadRequest, FieldError, Invalid, Problem, UnsupportedMedia

ERRORS_MOST = 20
"""Wrong fields that one answer names: a person mends no more at once, and a body of nothing else must not be echoed."""
FIELD_CHARS = 100


def _refuse_nul(value: Any) -> None:
    """PostgreSQL cannot keep U+0000 in a text, so no input may hold it."""
    if isinstance(value, str) and "\0" in value:
        raise ValueError("must not contain the character U+0000")
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list | tuple):
        for item in value:
            _refuse_nul(item)


class Body(BaseModel):
    """Base of every JSON body: strict types, unknown fields refused, no U+0000 anywhere."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)

    @field_validator("*")
    @classmethod
    def _check_text(cls, value: Any) -> Any:
        _refuse_nul(value)
        return value


class Query(BaseModel):
    """Base of every query string: unknown and repeated fields are refused; text becomes the declared type."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @field_validator("*")
    @classmethod
    def _check_text(cls, value: Any) -> Any:
        _refuse_nul(value)
        return value


BodyT = TypeVar("BodyT", bound=BaseModel)


def read_body(request: Request, model: type[BodyT]) -> BodyT:
    """The JSON body as a `model`. Raises UnsupportedMedia, BadRequest for broken JSON, Invalid for wrong fields."""
    if not request.is_json:
        raise UnsupportedMedia
    try:
        return model.model_validate_json(request.get_data())
    except ValidationError as error:
        raise _problem(error) from None


def read_query(request: Request, model: type[BodyT]) -> BodyT:
    """The query string as a `model`. Raises `Invalid`."""
    repeated = [name for name, values in request.args.lists() if len(values) > 1]
    if repeated:
        raise Invalid(
            errors=[
                {"field": name[:FIELD_CHARS], "message": "was given more than once"} for name in repeated[:ERRORS_MOST]
            ]
        )
    try:
        return model.model_validate(request.args.to_dict())
    except ValidationError as error:
        raise _problem(error) from None


def field_errors(error: ValidationError) -> list[FieldError]:
    """What is wrong with each field, or with the first of many, in words, never repeating the input."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return [
        {
            "field": ".".join(str(step) for step in item["loc"])[:FIELD_CHARS],
            "message": item["msg"].removeprefix("Value error, "),
        }
        for item in found[:ERRORS_MOST]
    ]


def _problem(error: ValidationError) -> Problem:
    errors = field_errors(error)
    if any(item["type"] == "json_invalid" for item in error.errors(include_url=False, include_input=False)):
        return BadRequest(f"The body is not JSON: {errors[0]['message']}.", code="bad_json")
    return Invalid(errors=errors)
