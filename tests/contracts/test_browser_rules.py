"""What the web app never does: make markup of text anywhere but behind the sanitizer."""

import re

from tests.support.tree import texts

SINKS = re.compile(
    r"\b(innerHTML|outerHTML|insertAdjacentHTML|setHTMLUnsafe|document\.write|new Function|eval)\b(?!\.)"
)
SANITIZER = "static/pwa/render/markdown.js"


def test_only_the_sanitizers_module_makes_markup_of_text() -> None:
    scripts = texts(".js", ".mjs", under="static")

    assert scripts
    assert [(name, found[0]) for name, text in scripts if name != SANITIZER and (found := SINKS.search(text))] == []


def test_no_page_carries_inline_script_or_style() -> None:
    pages = texts(".html", under="static")
    inline = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", re.IGNORECASE)

    assert [(name, found[0]) for name, text in pages if (found := inline.search(text))] == []
