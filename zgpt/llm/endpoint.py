"""Where a model server is and which way leads there: base URLs, and proxies from the environment. Pure, no I/O."""

from __future__ import annotations

import ipaddress
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An `http` or `https` base URL, taken apart. `path` begins with `/` and does not end with one."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """`host:port` as CONNECT wants it; an IPv6 address stands in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def host_header(self) -> str:
        """The `Host` header: without the port where the scheme implies it."""
        return self.authority if self.port != _PORTS[self.scheme] else self.authority.rpartition(":")[0]


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy; `authorization` is its `Proxy-Authorization` header, or empty."""

    host: str
    port: int
    authorization: str = ""


def parse_base_url(url: str) -> Endpoint:
    """Take `LLM_BASE_URL` apart; raises ValueError in words. Without a path, `/v1` is meant."""
    parts = _split(url, "LLM_BASE_URL")
    if parts.scheme not in _PORTS:
        raise ValueError("LLM_BASE_URL must begin with http:// or https://, for example https://api.openai.com/v1")
    if parts.username is not None:
        raise ValueError("LLM_BASE_URL must not carry a user name or key; put the key into LLM_API_KEY")
    if parts.query or parts.fragment:
        raise ValueError("LLM_BASE_URL must not have a query or a fragment")
    path = parts.path.rstrip("/").removesuffix("/chat/completions")
    return Endpoint(parts.scheme, _ascii_host(parts), parts.port or _PORTS[parts.scheme], path or "/v1")


def find_proxy(endpoint: Endpoint, environ: Mapping[str, str]) -> Proxy | None:
    """The proxy that HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY name for this endpoint; raises ValueError.

    The lower-case name wins over the upper-case one. Loopback addresses are never reached through a proxy.
    """
    url = _variable(environ, f"{endpoint.scheme}_proxy") or _variable(environ, "all_proxy")
    if not url or _is_loopback(endpoint.host) or _is_excluded(endpoint, _variable(environ, "no_proxy")):
        return None
    parts = _split(url if "://" in url else f"http://{url}", "the proxy's URL")
    if parts.scheme != "http":
        raise ValueError(f"only http:// proxies can be used, not {parts.scheme}://")
    return Proxy(_ascii_host(parts), parts.port or 80, _basic(parts))


def _split(url: str, what: str) -> SplitResult:
    try:
        parts = urlsplit(url.strip())
        parts.port  # noqa: B018 -- raises for a port that is no number
    except ValueError:
        raise ValueError(f"{what} is not a valid URL") from None
    if not parts.hostname:
        raise ValueError(f"{what} names no host")
    if any(ord(letter) <= 32 or ord(letter) == 127 for letter in url.strip()):
        raise ValueError(f"{what} has spaces or control characters in it")
    return parts


def _ascii_host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        raise ValueError(f"“{host}” is not a valid host name") from None


def _basic(parts: SplitResult) -> str:
    if parts.username is None:
        return ""
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return f"Basic {b64encode(pair.encode()).decode()}"


def _variable(environ: Mapping[str, str], name: str) -> str:
    return (environ.get(name) or environ.get(name.upper()) or "").strip()


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_excluded(endpoint: Endpoint, no_proxy: str) -> bool:
    return any(_matches(endpoint, entry.strip().lower()) for entry in no_proxy.split(",") if entry.strip())


def _matches(endpoint: Endpoint, entry: str) -> bool:
    """Whether one entry of NO_PROXY means this host: `*`, a name or a suffix, with or without a port, or a network."""
    if entry == "*" or entry in (endpoint.host, endpoint.authority):
        return True
    try:
        return ipaddress.ip_address(endpoint.host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        pass
    name, _, port = entry.partition(":")
    if port and port != str(endpoint.port):
        return False
    return endpoint.host == name.lstrip(".") or endpoint.host.endswith("." + name.lstrip("*").lstrip("."))
