"""Who sent the current request: their address, and their user once the token was checked. Checking is `zgpt.auth`'s."""

from ipaddress import IPv6Address, ip_address, ip_network

from flask import g, has_request_context, request

IPV6_SITE_BITS = 64


def remember_user(user_id: str) -> None:
    """Note whose request this is, for limits, logs and audit. Called by `signed_in` when the token is good."""
    g.user_id = user_id


def user_id() -> str | None:
    """The user of this request, or None when nobody signed in (yet) or outside of a request."""
    found: str | None = g.get("user_id") if has_request_context() else None
    return found


def address() -> str | None:
    """The address the request came from, or None outside of a request; proxies count only when trusted."""
    return request.remote_addr if has_request_context() else None


def counted_network() -> str:
    """The network that a limit may count this request for; "" for this machine itself and for a socket file.

    Behind either stands an operator, or a proxy that TRUSTED_PROXIES does not name: then nobody can tell who asks.
    """
    found = network(address())
    return "" if found in {"unknown", "::/64"} or found.startswith("127.") else found


def network(text: str | None) -> str:
    """What one subscriber holds: the IPv4 address, or the /64 of an IPv6 one, for nobody pays for 2^64 addresses."""
    try:
        parsed = ip_address((text or "").split("%")[0])
    except ValueError:
        return "unknown"
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ip_network((parsed, IPV6_SITE_BITS), strict=False))
