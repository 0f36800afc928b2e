"""One HTTP request to a server of the tests, past every proxy, and nothing left open behind it."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from typing import cast
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener


@contextmanager
def fetched(request: str | Request, timeout_s: float) -> Iterator[HTTPResponse]:
    """The answer; HTTPError where the server refuses, of which the code and the headers can be read, but no body."""
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=timeout_s) as answer:
            yield cast("HTTPResponse", answer)
    except HTTPError as refusal:
        # It holds its connection until it is collected, which is in the middle of another test.
        refusal.close()
        raise
