"""JSON for Flask by msgspec: fast, strict and UTF-8. Frames of the WebSocket are in `zgpt.realtime.protocol`."""

from typing import Any

import msgspec
from flask import Response
from flask.json.provider import JSONProvider


class WireJson(JSONProvider):
    """What `jsonify`, `Response.json` and `app.json` use."""

    def dumps(self, obj: Any, **_kwargs: Any) -> str:
        """The JSON text."""
        return msgspec.json.encode(obj).decode()

    def loads(self, s: str | bytes, **_kwargs: Any) -> Any:
        """The value of a JSON text."""
        return msgspec.json.decode(s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        """The answer with this JSON."""
        body = msgspec.json.encode(self._prepare_response_obj(args, kwargs))
        return Response(body, mimetype="application/json")
