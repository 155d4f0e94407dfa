"""Registries through which lower apps reach upper ones without importing them.

Each app may have gates.py (blockers of a transition), lists.py (lists and annexes to export), home.py (what waits for
me), figures.py (values of system-filled criteria) and succession.py (what must follow when the tree changes, and what
lies open with a node before it does).
`autodiscover` imports them once, when all apps are loaded.
"""

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.db import models
from django.utils.module_loading import autodiscover_modules

from branches.models import Account, Branch

Gate = Callable[[Any, dt.datetime], Iterable[str]]
_gates: dict[tuple[type[models.Model], str], list[Gate]] = {}
_home: list[Callable[[Account, dt.datetime], "Iterable[HomeItem]"]] = []
_stats: list[Callable[[Account, dt.datetime], "Iterable[HomeStat]"]] = []
_panels: list[Callable[[Account, dt.datetime], "Iterable[HomePanel]"]] = []
_asides: dict[type[models.Model], list[Callable[[Any, Account, dt.datetime], "Iterable[HomePanel]"]]] = {}
_nav: list["NavItem"] = []
_lists: dict[str, Any] = {}
_figures: dict[str, Callable[..., Any]] = {}
_figure_texts: dict[str, "FigureText"] = {}
_confided: set[str] = set()
_tree_changes: list[Callable[["TreeChange"], None]] = []
_open_business: list[Callable[[Account, Collection[int], dt.datetime], "Iterable[OpenBusiness]"]] = []


@dataclass(frozen=True, slots=True)
class HomeItem:
    """One thing that waits for somebody: what, a fact or two, where to do it, until when; `first` before all others."""

    title: str
    detail: str
    verb: str
    url: str
    due: dt.date | None = None
    first: bool = False


@dataclass(frozen=True, slots=True)
class HomeStat:
    """One figure of the landing page with its base: 已自评 84 / 90. Low positions come first; seven are shown."""

    label: str
    value: str
    base: str = ""
    url: str = ""
    position: int = 50


@dataclass(frozen=True, slots=True)
class HomePanel:
    """A panel of the landing page: `template` gets `context` as `data`. `side` puts it into the narrow column."""

    slug: str
    title: str
    template: str
    context: dict[str, Any] = field(default_factory=dict)
    aside: str = ""
    foot: str = ""
    position: int = 50
    side: bool = False
    flush: bool = True


@dataclass(frozen=True, slots=True)
class FigureText:
    """A figure in words: what it is called and how it is defined."""

    code: str
    name: str
    definition: str


@dataclass(frozen=True, slots=True)
class TreeChange:
    """A node ended, with those that follow it (the first goes on with its open business), or got another superior."""

    ENDED: ClassVar[str] = "ended"
    MOVED: ClassVar[str] = "moved"

    by: Account | None
    branch: Branch
    on: dt.date
    kind: str
    followers: tuple[Branch, ...] = ()
    parent: Branch | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class OpenBusiness:
    """What lies open with a node (`thing` 整改项目, `what` 3 项整改没有办结), what becomes of it; without a full stop.

    `handed_on`: somebody follows the node; `ended`: nobody does; `moved`: it gets another superior ("" where that
    changes nothing). `url` leads to it, "" for accounts that do not see it.
    """

    branch: int
    thing: str
    what: str
    handed_on: str
    ended: str
    moved: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class NavItem:
    """An entry of the main navigation, shown to accounts whose role carries `action`."""

    label: str
    url_name: str
    action: str
    prefix: str
    position: int
    also: tuple[str, ...] = ()  # further paths that belong to it


def gate(model: type[models.Model], to: str) -> Callable[[Gate], Gate]:
    """Register a function that yields blockers (sentences a person can act on) for moving `model` to state `to`."""

    def register(function: Gate) -> Gate:
        _gates.setdefault((model, to), []).append(function)
        return function

    return register


def blockers(thing: models.Model, to: str, now: dt.datetime) -> list[str]:
    """Return what stands in the way of moving `thing` to `to`."""
    return [text for check in _gates.get((type(thing), to), []) for text in check(thing, now)]


def home(function: Callable[[Account, dt.datetime], "Iterable[HomeItem]"]) -> Any:
    """Register a source of things that wait for an account."""
    _home.append(function)
    return function


def home_items(account: Account, now: dt.datetime) -> list[HomeItem]:
    """Return everything that waits for `account`, by deadline, undated last."""
    items: Iterator[HomeItem] = (item for source in _home for item in source(account, now))
    return sorted(items, key=lambda item: (not item.first, item.due is None, item.due or dt.date.max))


def home_stats(function: Callable[[Account, dt.datetime], "Iterable[HomeStat]"]) -> Any:
    """Register a source of figures for the landing page."""
    _stats.append(function)
    return function


def home_panels(function: Callable[[Account, dt.datetime], "Iterable[HomePanel]"]) -> Any:
    """Register a source of panels for the landing page."""
    _panels.append(function)
    return function


def stats_for(account: Account, now: dt.datetime) -> list[HomeStat]:
    """Return the figures of an account's landing page in order, seven at most."""
    return sorted((stat for source in _stats for stat in source(account, now)), key=lambda stat: stat.position)[:7]


def panels_for(account: Account, now: dt.datetime) -> list[HomePanel]:
    """Return the panels of an account's landing page in order."""
    return sorted((panel for source in _panels for panel in source(account, now)), key=lambda panel: panel.position)


def aside(model: type[models.Model]) -> Callable[..., Any]:
    """Register a source of panels for pages where a row of `model` is judged: what upper apps know about it."""

    def register(function: Callable[[Any, Account, dt.datetime], "Iterable[HomePanel]"]) -> Any:
        _asides.setdefault(model, []).append(function)
        return function

    return register


def asides_for(thing: models.Model, account: Account, now: dt.datetime) -> list[HomePanel]:
    """Return the panels upper apps have about a row, in order; whoever sees the row may see them."""
    found = (panel for source in _asides.get(type(thing), ()) for panel in source(thing, account, now))
    return sorted(found, key=lambda panel: panel.position)


def nav(item: NavItem) -> None:
    """Register an entry of the main navigation (in an app's home.py)."""
    _nav.append(item)


def nav_items() -> list[NavItem]:
    """Return the navigation in order."""
    return sorted(_nav, key=lambda item: item.position)


def list_page(page: Any) -> Any:
    """Register a list or annex by its slug, so that it can be exported and every definition is tested."""
    if page.slug in _lists:
        message = f"two lists are called {page.slug}"
        raise ValueError(message)
    _lists[page.slug] = page
    return page


def lists() -> dict[str, Any]:
    """Return all registered lists and annexes by slug."""
    return dict(_lists)


def figure(code: str, *, name: str = "", definition: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the function that computes a system-filled criterion (满意率, 培训率 …) with its name and definition."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        _figures[code] = function
        if name:
            _figure_texts[code] = FigureText(code, name, definition)
        return function

    return register


def figure_texts() -> dict[str, FigureText]:
    """Return all figures in words by code."""
    return dict(_figure_texts)


def figures() -> dict[str, Callable[..., Any]]:
    """Return the registered figures by code."""
    return dict(_figures)


def confide(*models_: type[models.Model]) -> None:
    """Let entries of the audit trail about these models be read by auditors only: who did it when tells too much."""
    _confided.update(model._meta.label_lower for model in models_)


def confided() -> frozenset[str]:
    """Return the models that are confided, by their labels."""
    return frozenset(_confided)


def tree_change(function: Callable[[TreeChange], None]) -> Callable[[TreeChange], None]:
    """Register what must follow when a node ends or moves; it runs in the transaction of the change."""
    _tree_changes.append(function)
    return function


def tell_tree_change(change: TreeChange) -> None:
    """Let every app hand on what lies open with a node that ended or moved."""
    for function in _tree_changes:
        function(change)


def open_business(function: Callable[[Account, Collection[int], dt.datetime], "Iterable[OpenBusiness]"]) -> Any:
    """Register a source of what lies open with nodes (by their ids), told before one of them ends or moves."""
    _open_business.append(function)
    return function


def business_of(account: Account, branches: Collection[int], now: dt.datetime) -> dict[int, list[OpenBusiness]]:
    """Return what lies open with nodes, by node; those with nothing open are left out."""
    found: dict[int, list[OpenBusiness]] = {}
    for source in _open_business:
        for one in source(account, branches, now):
            found.setdefault(one.branch, []).append(one)
    return found


def autodiscover() -> None:
    """Import gates.py, lists.py, home.py, figures.py and succession.py of every app."""
    autodiscover_modules("gates", "lists", "home", "figures", "succession")
