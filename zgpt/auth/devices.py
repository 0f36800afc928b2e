"""What a login is shown as: a device in words, and a network too wide to say where somebody lives. Pure."""

from ipaddress import ip_address, ip_network

_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
    ("curl/", "curl"),
    ("python", "a Python program"),
)
"""In this order: Edge calls itself Chrome too, and Chrome calls itself Safari."""
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
_SHOWN_BITS = {4: 24, 6: 48}


def device_name(user_agent: str) -> str:
    """Like `Firefox on Linux`, or as much of it as the header tells."""
    browser, system = _first(_BROWSERS, user_agent), _first(_SYSTEMS, user_agent)
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or "Unknown device"


def wide_network(address: str | None) -> str | None:
    """The network around an address: /24 of IPv4, /48 of IPv6. None without an address."""
    try:
        parsed = ip_address((address or "").split("%")[0])
    except ValueError:
        return None
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    return str(ip_network((parsed, _SHOWN_BITS[parsed.version]), strict=False))


def _first(names: tuple[tuple[str, str], ...], text: str) -> str:
    return next((name for sign, name in names if sign in text), "")
