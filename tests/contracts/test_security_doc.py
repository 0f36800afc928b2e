"""docs/SECURITY.md says which test shows what, and every test that it names is there."""

import re

import pytest

from tests.support.tree import ROOT

PAGE = ROOT / "docs" / "SECURITY.md"
NUMBERS = range(1, 41)
PLACE = re.compile(r"(tests/[\w/.]+\.(?:py|js))(?:::(\w+))?")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[\w-]+)?\)")


def _rows() -> dict[int, str]:
    found = re.findall(r"^\| (\d+) \| [^|]+ \| ([^|]+) \|$", PAGE.read_text(), re.MULTILINE)
    return {int(number): tests for number, tests in found}


def test_every_check_has_its_row() -> None:
    assert list(_rows()) == list(NUMBERS)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_row_names_tests_that_exist_or_says_that_it_is_open(number: int) -> None:
    row = _rows()[number]
    named = PLACE.findall(row)

    assert named or row.startswith("open: ")
    for path, function in named:
        assert (ROOT / path).is_file(), path
        assert not function or f"def {function}(" in (ROOT / path).read_text(), function


def test_every_file_of_a_check_stands_in_its_row() -> None:
    rows = _rows()
    files = {path.name: int(path.name[9:11]) for path in (ROOT / "tests" / "security").glob("test_sec_*.py")}

    assert files
    assert [name for name, number in sorted(files.items()) if f"tests/security/{name}" not in rows[number]] == []


@pytest.mark.parametrize("page", ["SECURITY.md", "docs/SECURITY.md", "docs/RUNBOOK.md"])
def test_links_lead_somewhere(page: str) -> None:
    path = ROOT / page

    assert [link for link in LINK.findall(path.read_text()) if not (path.parent / link).is_file()] == []
