"""File fields speak our language: the browser's own control, in the browser's language, is never shown."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit
FIELD = re.compile(r'<input\b[^>]*type="file"[^>]*>')


def test_no_template_shows_the_browsers_own_file_control():
    pages = {path: path.read_text(encoding="utf-8") for path in Path("templates").rglob("*.html")}
    fields = {str(path): FIELD.findall(text) for path, text in pages.items() if FIELD.search(text)}
    assert fields
    assert [path for path, found in fields.items() for one in found if "visually-hidden" not in one] == []


def test_pages_with_the_component_load_its_script():
    pages = {path.name: path.read_text(encoding="utf-8") for path in Path("templates").rglob("*.html")}
    users = {name for name, text in pages.items() if "components/file_pick.html" in text and "{% extends" in text}
    parts = {name for name, text in pages.items() if "components/file_pick.html" in text and "{% extends" not in text}
    users |= {name for name, text in pages.items() if "{% extends" in text and any(part in text for part in parts)}
    assert users >= {"item.html", "code.html", "campaign_open.html", "campaign_open_empty.html"}
    assert {name for name in users if "js/drop.js" not in pages[name]} == set()
