"""What each route declares about itself, and the check of its input by that. The document of it: `openapi_document`.

    class RenameSession(Body):                      # from zgpt.core.inputs
        title: str = Field(min_length=1, max_length=200)

    class SessionOut(BaseModel):                    # the shape of the answer, for the document
        id: str
        title: str

    @blueprint.patch("/sessions/<session_id>")
    @signed_in                  # 1. who asks (401) …
    @limited("messages")        # 2. how often (429) …
    @operation(summary="Rename a session", request=RenameSession, responses={200: SessionOut})
    def rename(session_id: str, body: RenameSession) -> ResponseReturnValue:  # 3. … then what (400, 413, 422)
        return session_json(rename_session(…))

`operation` stands nearest to the function. A `request` model arrives as the argument `body`, a `query` model as
`query`. The view returns what Flask takes, or a pydantic model (then with the first declared status). Every route must
have it: `auth` says how a caller proves who they are, and a contract test walks all routes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Literal

from flask import request as current_request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from zgpt.core.inputs import read_body, read_query

Auth = Literal["bearer", "cookie", "presented", "none", "socket", "operator"]
"""bearer: access token; cookie: refresh cookie; presented: either of them, or nothing; socket: `hello`; operator:
loopback, or METRICS_TOKEN; none: open."""

View = Callable[..., Any]
_ATTRIBUTE = "__zgpt_operation__"


@dataclass(frozen=True, slots=True)
class Operation:
    """What one route takes and answers. `responses` maps a status to the model of its JSON, or None for no JSON."""

    summary: str
    auth: Auth
    description: str = ""
    request: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    responses: Mapping[int, type[BaseModel] | None] = field(default_factory=dict)
    problems: tuple[int, ...] = ()
    media_type: str = "application/json"
    listed: bool = True

    @property
    def success(self) -> int:
        """The first declared status."""
        return next(iter(self.responses), 200)


def operation(  # a declaration, all by name
    *,
    summary: str,
    auth: Auth | bool = "bearer",
    request: type[BaseModel] | None = None,
    query: type[BaseModel] | None = None,
    responses: Mapping[int, type[BaseModel] | None] | None = None,
    problems: tuple[int, ...] = (),
    media_type: str = "application/json",
    listed: bool = True,
) -> Callable[[View], View]:
    """Declare a route and check its input; see the top of this module. `auth` True means "bearer", False "none"."""

    def declare(view: View) -> View:
        spec = Operation(
            summary,
            _auth(auth),
            (view.__doc__ or "").strip(),
            request,
            query,
            responses or {200: None},
            problems,
            media_type,
            listed,
        )

        @wraps(view)
        def checked(*args: Any, **kwargs: Any) -> ResponseReturnValue:
            return _answer(view(*args, **kwargs, **_inputs(spec)), spec)

        setattr(checked, _ATTRIBUTE, spec)
        return checked

    return declare


def operation_of(view: object) -> Operation | None:
    """What a view function declared, through all decorators that keep its attributes (`functools.wraps`)."""
    found: Operation | None = getattr(view, _ATTRIBUTE, None)
    return found


def _auth(auth: Auth | bool) -> Auth:
    if isinstance(auth, bool):
        return "bearer" if auth else "none"
    return auth


def _inputs(spec: Operation) -> dict[str, BaseModel]:
    inputs: dict[str, BaseModel] = {}
    if spec.query:
        inputs["query"] = read_query(current_request, spec.query)
    if spec.request:
        inputs["body"] = read_body(current_request, spec.request)
    return inputs


def _answer(result: ResponseReturnValue | BaseModel, spec: Operation) -> ResponseReturnValue:
    if isinstance(result, BaseModel):
        return result.model_dump(mode="json"), spec.success
    return result
