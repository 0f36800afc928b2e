"""Which requests become WebSockets, and what the others are told (RFC 6455 §4.2.1)."""

from typing import Any

import pytest

from zgpt.core.errors import BadRequest, Forbidden
from zgpt.realtime import handshake

PROPER = {
    "SERVER_PROTOCOL": "HTTP/1.1",
    "HTTP_HOST": "chat.example:8080",
    "HTTP_UPGRADE": "websocket",
    "HTTP_CONNECTION": "keep-alive, Upgrade",
    "HTTP_SEC_WEBSOCKET_VERSION": "13",
    "HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ==",
}
ALLOWED = ("https://site.example",)


def with_(**changes: str | None) -> dict[str, Any]:
    return {name: value for name, value in {**PROPER, **changes}.items() if value is not None}


def test_a_proper_request_passes() -> None:
    handshake.check_request(PROPER)


def test_the_accept_of_the_rfc_is_computed() -> None:
    head = handshake.encode_accept("dGhlIHNhbXBsZSBub25jZQ==")
    assert head.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in head
    assert head.endswith(b"\r\n\r\n")
    assert b"Extensions" not in head


@pytest.mark.parametrize(
    "changes",
    [
        {"HTTP_UPGRADE": None},
        {"HTTP_UPGRADE": "h2c"},
        {"HTTP_CONNECTION": "keep-alive"},
        {"HTTP_SEC_WEBSOCKET_VERSION": None},
        {"HTTP_SEC_WEBSOCKET_VERSION": "8"},
    ],
)
def test_what_is_no_handshake_of_version_13_is_told_to_upgrade(changes: dict[str, str | None]) -> None:
    with pytest.raises(handshake.UpgradeRequired) as caught:
        handshake.check_request(with_(**changes))
    assert caught.value.status == 426


@pytest.mark.parametrize(
    "changes",
    [
        {"SERVER_PROTOCOL": "HTTP/1.0"},
        {"CONTENT_LENGTH": "5"},
        {"HTTP_TRANSFER_ENCODING": "chunked"},
        {"HTTP_SEC_WEBSOCKET_KEY": None},
        {"HTTP_SEC_WEBSOCKET_KEY": "c2hvcnQ="},
        {"HTTP_SEC_WEBSOCKET_KEY": "not base64 at all!!!!!!!"},
        {"HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ==,dGhlIHNhbXBsZSBub25jZQ=="},
        {"HTTP_SEC_WEBSOCKET_KEY": "é" * 24},
    ],
)
def test_a_broken_handshake_is_a_bad_request(changes: dict[str, str | None]) -> None:
    with pytest.raises(BadRequest):
        handshake.check_request(with_(**changes))


def test_an_empty_body_is_no_body() -> None:
    handshake.check_request(with_(CONTENT_LENGTH="0"))


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "https://site.example",
        "http://chat.example:8080",
        "https://chat.example:8080",
        "https://CHAT.example:8080",
    ],
)
def test_our_own_pages_the_allowed_ones_and_programs_may_connect(origin: str | None) -> None:
    handshake.check_origin(with_(HTTP_ORIGIN=origin), ALLOWED)


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://site.example",
        "https://chat.example",
        "null",
        "https://chat.example:8080.evil.example",
    ],
)
def test_other_pages_may_not_connect(origin: str) -> None:
    with pytest.raises(Forbidden) as caught:
        handshake.check_origin(with_(HTTP_ORIGIN=origin), ALLOWED)
    assert caught.value.code == "bad_origin"


def test_without_a_host_no_page_is_our_own() -> None:
    with pytest.raises(Forbidden):
        handshake.check_origin(with_(HTTP_HOST=None, HTTP_ORIGIN="http://"), ())


def test_sec_01_a_cookie_without_an_origin_is_no_program() -> None:
    with pytest.raises(Forbidden) as caught:
        handshake.check_origin(with_(HTTP_ORIGIN=None, HTTP_COOKIE="zgpt_refresh=x"), ALLOWED)
    assert caught.value.code == "bad_origin"


def test_sec_01_where_we_are_reached_by_https_a_page_without_it_is_not_our_own() -> None:
    handshake.check_origin(with_(HTTP_ORIGIN="https://chat.example:8080"), (), secure=True)
    with pytest.raises(Forbidden):
        handshake.check_origin(with_(HTTP_ORIGIN="http://chat.example:8080"), (), secure=True)
