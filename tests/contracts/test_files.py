"""What holds for every file of the repository, in any language."""

import re

import pytest

from tests.support.tree import is_generated, texts

MAX_LINES = 300
# Written in two halves, so that this file keeps its own rule.
REGISTRIES = [f"{host}.{top}" for host, top in [
    ("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"), ("yarnpkg", "com"), ("ghcr", "io"),
    ("docker", "io"), ("golang", "org"),
]]  # fmt: skip
MACHINE_PATH = re.compile(r"(?<![\w.}/-])/(?:home|root|Users|work)/\w")


@pytest.mark.parametrize(
    ("name", "text"), [pytest.param(*one, id=one[0]) for one in texts() if not is_generated(one[0])]
)
def test_a_file_is_short_enough_to_be_read_in_one_go(name: str, text: str) -> None:
    assert len(text.splitlines()) <= MAX_LINES


def test_no_file_names_a_package_registry() -> None:
    named = [(name, host) for name, text in texts() for host in REGISTRIES if host in text]

    assert named == []


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    named = [(name, found[0]) for name, text in texts() if (found := MACHINE_PATH.search(text))]

    assert named == []
