"""Which secrets an attacker would try first: placeholders out of examples, and texts with little in them. Pure."""

from urllib.parse import unquote, urlsplit

MIN_DIFFERENT_CHARS = 10
MIN_TOKEN_CHARS = 16
PLACEHOLDERS = (
    *("changeme", "change-me", "change_me", "changethis", "change-this", "placeholder", "example", "default"),
    *("your-secret", "your_secret", "yoursecret", "secret-key", "secretkey", "mysecret", "my-secret", "supersecret"),
    *("super-secret", "insecure", "notsecret", "replace-me", "replaceme", "todo", "password", "qwerty", "123456"),
)
COMMON_PASSWORDS = frozenset(
    (
        "",
        "postgres",
        "password",
        "passw0rd",
        "secret",
        "admin",
        "root",
        "redis",
        "changeme",
        "example",
        "123456",
        "test",
    )
)


def fault_of_secret(secret: str, min_chars: int) -> str | None:
    """Why this must not guard anything, or None."""
    if len(secret) < min_chars:
        return f"needs at least {min_chars} characters"
    # Text from a generator is long enough to hold any short word by chance, but not as its greater part.
    lower = secret.lower()
    found = sum(len(word) * lower.count(word) for word in PLACEHOLDERS)
    if len(secret) - found < min_chars / 2 or lower.startswith(PLACEHOLDERS):
        return "is a placeholder out of an example; make one: openssl rand -base64 48"
    if len(set(secret)) < MIN_DIFFERENT_CHARS:
        return "repeats itself; make one: openssl rand -base64 48"
    return None


def has_common_password(url: str) -> bool:
    """Whether the URL of a database or of Redis carries a password that everybody knows."""
    parts = urlsplit(url)
    if parts.username is None or parts.password is None:
        return False
    password = unquote(parts.password)
    return password.lower() in COMMON_PASSWORDS or password == unquote(parts.username)
