"""The rules of docs/contributing.md as functions: each takes text or objects and returns faults, one line each.

tests/test_architecture.py runs every guard on the product and, as a negative control, on a small bad sample.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.urls import URLPattern, URLResolver

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = ("config", "branches", "grading", "rectification", "interviews", "reporting")
MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 40
Functions = ast.FunctionDef | ast.AsyncFunctionDef

CLOCK_CALLS = {
    ("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"), ("timezone", "now"),
    ("timezone", "localdate"), ("time", "time"), ("time", "localtime"),
}  # fmt: skip
# The machine path is spelled with brackets so that this line is none itself.
MACHINE_PATH = re.compile(r"(^|[^A-Za-z0-9_./])/(h[o]me|r[o]ot|w[o]rk|f[a]rm|U[s]ers)/[A-Za-z.]")
ADDRESS = re.compile(r"https?://", re.IGNORECASE)
INLINE = re.compile(r"""\sstyle\s*=|\son[a-z]+\s*=\s*["']|<style(?![^>]*nonce)|<script(?![^>]*(src=|nonce|json))""")
LATER = re.compile(r"\b(TODO|FIXME|XXX)\b|raise NotImplementedError")
MAKE_COMMAND = re.compile(r"`(?:[A-Z_]+=\S+ )*make ([a-z-]+)|^(?:[A-Z_]+=\S+ )*make ([a-z-]+)", re.MULTILINE)
MAKE_TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)


def python_files(*, tests: bool = False) -> list[Path]:
    """Return the product's Python files, migrations left out; with `tests`, those of tests/ and bench/ too."""
    names = (*PRODUCT, "bench", "tests") if tests else PRODUCT
    found = (path for name in names for path in (ROOT / name).rglob("*.py"))
    return sorted(path for path in found if "migrations" not in path.parts)


def relative(path: Path) -> str:
    """Return the path as it is written in messages and allow lists."""
    return path.relative_to(ROOT).as_posix()


def _functions(tree: ast.AST) -> Iterator[Functions]:
    return (node for node in ast.walk(tree) if isinstance(node, Functions))


def _lines(node: Functions) -> int:
    """Count the lines of a function without decorators and docstring: neither is what makes one hard to read."""
    total = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        total -= (first.end_lineno or first.lineno) - first.lineno + 1
    return total


def long_file(name: str, text: str) -> list[str]:
    """A file has at most 500 lines."""
    lines = len(text.splitlines())
    return [f"{name}: {lines} lines"] if lines > MAX_FILE_LINES else []


def long_functions(name: str, text: str) -> list[str]:
    """A function has at most 40 lines."""
    return [
        f"{name}:{node.lineno} {node.name}: {_lines(node)} lines"
        for node in _functions(ast.parse(text))
        if _lines(node) > MAX_FUNCTION_LINES
    ]


def imports_inside(name: str, text: str) -> list[str]:
    """Imports stand at the head of a file."""
    return [
        f"{name}:{inner.lineno} import inside {node.name}"
        for node in _functions(ast.parse(text))
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]


def other_clocks(name: str, text: str) -> list[str]:
    """Only branches.clock asks what time it is."""
    faults = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute):
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            if (owner, node.attr) in CLOCK_CALLS:
                faults.append(f"{name}:{node.lineno} {owner}.{node.attr}")
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.timezone":
            faults += [f"{name}:{node.lineno} from timezone import now" for alias in node.names if alias.name == "now"]
    return sorted(faults)


def positional_services(name: str, text: str) -> list[str]:
    """A service function that acts for somebody (`by`) takes keyword-only arguments."""
    return [
        f"{name}:{node.lineno} {node.name} takes positional arguments"
        for node in ast.parse(text).body
        if isinstance(node, Functions)
        and not node.name.startswith("_")
        and "by" in {argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)}
        and (node.args.args or node.args.posonlyargs or node.args.vararg)
    ]


def matches(name: str, text: str, pattern: re.Pattern[str]) -> list[str]:
    """Return each line in which `pattern` is found."""
    lines = enumerate(text.splitlines(), start=1)
    return [f"{name}:{number} {line.strip()[:100]}" for number, line in lines if pattern.search(line)]


def unknown_make_commands(text: str, makefile: str) -> list[str]:
    """Return the `make` commands a text names that the Makefile does not have."""
    named = {first or second for first, second in MAKE_COMMAND.findall(text)}
    return sorted(named - set(MAKE_TARGET.findall(makefile)))


def url_patterns(
    entries: Iterable[URLPattern | URLResolver], prefix: str = "", spaces: str = ""
) -> Iterator[tuple[str, str, URLPattern]]:
    """Yield (route, qualified name, pattern) of every pattern below `entries`."""
    for entry in entries:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            inner = f"{spaces}{entry.namespace}:" if entry.namespace else spaces
            yield from url_patterns(entry.url_patterns, route, inner)
        else:
            yield route, f"{spaces}{entry.name or ''}", entry


def undeclared_views(patterns: Iterable[tuple[str, str, URLPattern]]) -> list[str]:
    """Every view declares its action, or that it is public, or stands behind ZhibuAdminSite.admin_view.

    The admin site's own sign-in is the exception: it only redirects.
    """
    marks = ("zhibu_action", "admin_site", "model_admin")
    return [
        route
        for route, name, pattern in patterns
        if name != "admin:login" and not any(hasattr(pattern.callback, mark) for mark in marks)
    ]


def nameless_views(patterns: Iterable[tuple[str, str, URLPattern]]) -> list[str]:
    """Every pattern outside the admin site has a name, so that the matrix can have a row for it."""
    return [route for route, name, _ in patterns if not name]


def without(needed: Iterable[object], had: Iterable[object]) -> list[str]:
    """Return what is needed and not had, as sorted text."""
    return sorted(str(thing) for thing in set(needed) - set(had))
