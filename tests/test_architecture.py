"""Guards over the whole product, each with a negative control that shows it can go red."""

import re
import subprocess

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.urls import get_resolver, path

from tests import guards
from tests.factories.registry import model_factories

# Every exception carries its reason.
CLOCK_ALLOWED = {
    "branches/clock.py": "the clock itself",
    "branches/services/throttle.py": "locks run in real time, as those of axes do",
    "branches/middleware.py": "sessions age by real time, also in a demo whose clock was moved",
    "reporting/doctor.py": "compares the host's own clock with the database's",
    "reporting/scratch.py": "ages of temporary files are told by the clock of their disk",
}
IMPORT_ALLOWED = {"branches/apps.py": "ready() may import models only once all apps are loaded"}


def faults_of(guard, *, tests=False, allowed=()):
    files = [path for path in guards.python_files(tests=tests) if guards.relative(path) not in allowed]
    return [fault for path in files for fault in guard(guards.relative(path), path.read_text(encoding="utf-8"))]


def tracked(*patterns):
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *patterns], cwd=guards.ROOT, capture_output=True, text=True, check=True
    )
    return [guards.ROOT / name for name in listed.stdout.split("\0") if name and (guards.ROOT / name).is_file()]


def found_in(pattern, *patterns):
    faults = []
    for file in tracked(*patterns):
        content = file.read_bytes()
        if b"\0" not in content[:4096]:
            faults += guards.matches(guards.relative(file), content.decode("utf-8", "replace"), pattern)
    return faults


# --- Size and shape of the code -------------------------------------------------------------------------------------


def test_files_are_short():
    assert faults_of(guards.long_file, tests=True) == []
    assert guards.long_file("x.py", "a = 1\n" * 501) == ["x.py: 501 lines"]


def test_functions_are_short():
    assert faults_of(guards.long_functions) == []
    bad = "def f():\n    '''Text.'''\n" + "    a = 1\n" * 40
    assert guards.long_functions("x.py", bad) == ["x.py:1 f: 41 lines"]
    assert guards.long_functions("x.py", bad.removesuffix("    a = 1\n")) == []


def test_imports_stand_at_the_head():
    assert faults_of(guards.imports_inside, allowed=IMPORT_ALLOWED) == []
    assert guards.imports_inside("x.py", "def f():\n    import os\n") == ["x.py:2 import inside f"]


def test_there_is_one_clock():
    assert faults_of(guards.other_clocks, allowed=CLOCK_ALLOWED) == []
    bad = "import datetime as dt\na = dt.datetime.now()\nb = timezone.now\nc = dt.date.today()\nd = time.time()\n"
    assert guards.other_clocks("x.py", bad) == [
        "x.py:2 datetime.now", "x.py:3 timezone.now", "x.py:4 date.today", "x.py:5 time.time",
    ]  # fmt: skip


def test_services_take_keyword_arguments():
    services = [path for path in guards.python_files() if "services" in guards.relative(path)]
    faults = [
        fault for file in services for fault in guards.positional_services(guards.relative(file), file.read_text())
    ]
    assert faults == []
    bad = "def close(branch, *, by): ...\n"
    assert guards.positional_services("x.py", bad) == ["x.py:1 close takes positional arguments"]


def test_nothing_is_left_for_later():
    assert found_in(guards.LATER, "*.py", "*.html", "*.js", ":!static/vendor", ":!tests") == []
    assert guards.matches("x.py", "a = 1  # TODO: b", guards.LATER) == ["x.py:1 a = 1  # TODO: b"]


# --- Files ----------------------------------------------------------------------------------------------------------


def test_templates_need_no_inline_style_or_script():
    assert found_in(guards.INLINE, "templates/*.html", "templates/**/*.html") == []
    bad = '<p style="x">\n<a onclick="f()">\n<script>f()</script>\n<script src="a.js"></script>\n<style>p{}</style>'
    assert [line.split()[0] for line in guards.matches("x", bad, guards.INLINE)] == ["x:1", "x:2", "x:3", "x:5"]


def test_locks_and_vendor_lists_name_no_address():
    names = ("requirements*", "*.lock", "package-lock.json", "*.npmrc", "pip.conf", "*VENDOR*")
    assert found_in(guards.ADDRESS, *names) == []
    assert guards.matches("x", "--index-url https://example.org/simple", guards.ADDRESS) != []


def test_nothing_names_a_path_of_one_machine():
    assert found_in(guards.MACHINE_PATH, ".") == []
    assert guards.matches("x", "see /" + "home/li/zhibu", guards.MACHINE_PATH) != []


@pytest.mark.parametrize("document", ["README.md", "README.zh-CN.md", "docs/contributing.md", "docs/operations.md"])
def test_commands_in_the_docs_exist(document):
    makefile = (guards.ROOT / "Makefile").read_text(encoding="utf-8")
    assert guards.unknown_make_commands((guards.ROOT / document).read_text(encoding="utf-8"), makefile) == []
    assert guards.unknown_make_commands("Say `make tea` or\nmake run DEMO=0", makefile) == ["tea"]


def test_pictures_in_the_readme_exist():
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", (guards.ROOT / "README.md").read_text(encoding="utf-8"))
    assert [name for name in pictures if not (guards.ROOT / name).is_file()] == []


# --- Django ---------------------------------------------------------------------------------------------------------


def test_every_view_declares_an_action():
    patterns = list(guards.url_patterns(get_resolver().url_patterns))
    assert guards.undeclared_views(patterns) == []
    assert guards.nameless_views(entry for entry in patterns if not entry[1].startswith("admin:")) == []
    bad = list(guards.url_patterns([path("bare/", lambda _: None)]))
    assert guards.undeclared_views(bad) == guards.nameless_views(bad) == ["bare/"]


PERMISSIONS = ("has_view_permission", "has_add_permission", "has_change_permission", "has_delete_permission")


def unguarded(model_admin):
    return [name for name in PERMISSIONS if getattr(model_admin, name) is getattr(ModelAdmin, name)]


def test_every_model_admin_asks_our_permissions():
    registered = [type(model_admin) for model_admin in admin.site._registry.values()]
    assert {model_admin.__name__: unguarded(model_admin) for model_admin in registered if unguarded(model_admin)} == {}
    assert unguarded(ModelAdmin) == list(PERMISSIONS)


def our_models():
    return [model for name in guards.PRODUCT if name != "config" for model in apps.get_app_config(name).get_models()]


def test_every_model_has_a_factory():
    assert guards.without(our_models(), model_factories()) == []
    assert guards.without(our_models(), set(model_factories()) - {our_models()[0]}) == [str(our_models()[0])]
