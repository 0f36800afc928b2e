"""The passwords that leaked most often, as the package zxcvbn carries them. What counts as common: `common_passwords`.

Only its file of words is read: the package itself builds tables of all languages that nobody here asks for.
"""

from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

_MIN_CHARS = 8
"""Shorter ones are refused for their length."""


@cache
def listed_passwords() -> frozenset[str]:
    """About 12,000 lower-cased passwords, read when somebody chooses one for the first time (55 ms, 2 MB)."""
    package = find_spec("zxcvbn")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("the package zxcvbn is not installed", name="zxcvbn")
    place = Path(package.origin).with_name("frequency_lists.py")
    spec = spec_from_file_location("zgpt_frequency_lists", place)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"{place} is not there", name="zxcvbn")
    lists = module_from_spec(spec)
    spec.loader.exec_module(lists)
    return frozenset(word for word in lists.FREQUENCY_LISTS["passwords"] if len(word) >= _MIN_CHARS)
