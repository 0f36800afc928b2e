"""Base URLs, and the proxies that the environment names."""

import pytest

from zgpt.llm.endpoint import Endpoint, Proxy, find_proxy, parse_base_url


@pytest.mark.parametrize(
    ("url", "endpoint", "host_header"),
    [
        ("https://api.openai.com/v1", Endpoint("https", "api.openai.com", 443, "/v1"), "api.openai.com"),
        ("https://api.openai.com", Endpoint("https", "api.openai.com", 443, "/v1"), "api.openai.com"),
        ("http://Ollama.LAN:11434/v1/", Endpoint("http", "ollama.lan", 11434, "/v1"), "ollama.lan:11434"),
        ("http://[::1]:80/x/v2", Endpoint("http", "::1", 80, "/x/v2"), "[::1]"),
        ("http://h/v1/chat/completions", Endpoint("http", "h", 80, "/v1"), "h"),
        ("http://bücher.example/v1", Endpoint("http", "xn--bcher-kva.example", 80, "/v1"), "xn--bcher-kva.example"),
    ],
)
def test_a_base_url_is_taken_apart(url: str, endpoint: Endpoint, host_header: str) -> None:
    assert parse_base_url(url) == endpoint
    assert endpoint.host_header == host_header


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("api.openai.com/v1", "names no host"),
        ("ftp://h/v1", "http:// or https://"),
        ("http://", "names no host"),
        ("http://h:port/v1", "not a valid URL"),
        ("http://h:99999/v1", "not a valid URL"),
        ("http://[::1/v1", "not a valid URL"),
        ("http://me:key@h/v1", "LLM_API_KEY"),
        ("http://h/v1?x=1", "query"),
        ("http://h/v 1", "spaces"),
        ("http://" + "ü" * 70 + ".de/v1", "not a valid host name"),
    ],
)
def test_a_base_url_that_cannot_be_used_is_refused_in_words(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_base_url(url)


HTTPS = parse_base_url("https://api.example.com/v1")
HTTP = parse_base_url("http://10.1.2.3:8000/v1")


@pytest.mark.parametrize(
    ("environ", "proxy"),
    [
        ({}, None),
        ({"HTTP_PROXY": "http://p:1"}, None),
        ({"HTTPS_PROXY": "http://p:3128"}, Proxy("p", 3128)),
        ({"HTTPS_PROXY": "http://upper:1", "https_proxy": "http://lower:2"}, Proxy("lower", 2)),
        ({"ALL_PROXY": "p"}, Proxy("p", 80)),
        ({"https_proxy": "http://u%40x:p%3A@p:1"}, Proxy("p", 1, "Basic dUB4OnA6")),
        ({"https_proxy": "http://p:1", "NO_PROXY": "*"}, None),
        ({"https_proxy": "http://p:1", "NO_PROXY": "other, example.com"}, None),
        ({"https_proxy": "http://p:1", "NO_PROXY": ".example.com"}, None),
        ({"https_proxy": "http://p:1", "NO_PROXY": "*.example.com:443"}, None),
        ({"https_proxy": "http://p:1", "NO_PROXY": "example.com:8443"}, Proxy("p", 1)),
        ({"https_proxy": "http://p:1", "NO_PROXY": "ple.com"}, Proxy("p", 1)),
    ],
)
def test_the_environment_names_the_proxy(environ: dict[str, str], proxy: Proxy | None) -> None:
    assert find_proxy(HTTPS, environ) == proxy


@pytest.mark.parametrize("exclusion", ["10.1.2.3", "10.1.2.3:8000", "10.0.0.0/8"])
def test_an_address_is_excluded_by_itself_or_by_its_network(exclusion: str) -> None:
    assert find_proxy(HTTP, {"http_proxy": "http://p:1"}) == Proxy("p", 1)
    assert find_proxy(HTTP, {"http_proxy": "http://p:1", "no_proxy": exclusion}) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "[::1]", "localhost", "x.localhost"])
def test_this_machine_is_never_reached_through_a_proxy(host: str) -> None:
    assert find_proxy(parse_base_url(f"http://{host}:1/v1"), {"http_proxy": "http://p:1"}) is None


def test_a_proxy_of_another_kind_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="only http:// proxies"):
        find_proxy(HTTPS, {"https_proxy": "socks5://p:1"})
