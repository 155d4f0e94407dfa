"""The round on the landing page: figures and filing progress for those above, one's own standing for a branch."""

import datetime as dt
from collections.abc import Iterator, Sequence

from django.urls import reverse

from branches import charts, wording
from branches.models import Account, Branch, Role
from branches.permissions import Action, can, roles, scope
from branches.registries import HomePanel, HomeStat, home_panels, home_stats
from grading import board
from grading.models import Result, Round, RoundUnit
from grading.services.rounds import deadline

LINES_SHOWN = 25


def _own_nodes(account: Account) -> set[int]:
    held = (grant for grant in roles(account) if grant.role != Role.INSPECTOR)
    return {grant.node_id for grant in held if grant.node.level == Branch.Level.BRANCH}


def _round(account: Account) -> Round | None:
    """Return the round to show: the newest under way, else the newest that is final."""
    reach = scope(account, Action.VIEW_GRADING)
    if not reach:
        return None
    rounds = Round.objects.within(reach).select_related("campaign", "scale").prefetch_related("sources", "steps")
    rounds = rounds.order_by("-campaign__year", "-ordinal")
    return rounds.running().first() or rounds.filter(state=Round.State.FINAL).first()


def _board(account: Account, now: dt.datetime) -> tuple[Round, board.Board] | None:
    """Return the round with its board, counted once for the figures and panels of one page (one `now`)."""
    kept: tuple[dt.datetime, tuple[Round, board.Board] | None] | None = account.__dict__.get("_zhibu_board")
    if kept is None or kept[0] != now:
        kept = (now, _counted(account, now))
        account.__dict__["_zhibu_board"] = kept
    return kept[1]


def _counted(account: Account, now: dt.datetime) -> tuple[Round, board.Board] | None:
    """Return the round with its board over the units below the account, grades as inputs stand now as on all lists.

    None for one who only has a branch.
    """
    round_ = _round(account)
    if round_ is None:
        return None
    reach = scope(account, Action.VIEW_GRADING)
    units = list(RoundUnit.objects.filter(round=round_, graded=True).within(reach))
    if not {unit.branch_id for unit in units} - _own_nodes(account):
        return None
    return round_, board.build(round_, units, now=now)


def shares_of(line: board.GroupLine, page: board.Board) -> list[charts.Share]:
    """Return the grades of a line as parts of a bar."""
    steps = len(page.grades)
    return [charts.Share(g.label, n, wording.rank_letter(g.rank, steps)) for g, n in line.shares(page.grades)]


@home_stats
def round_figures(account: Account, now: dt.datetime) -> Iterator[HomeStat]:
    """Say how far the round is, each figure with its base."""
    found = _board(account, now)
    if found is None:
        return
    round_, page = found
    total, base = page.total, f"/ {page.total.units:,}"
    units, grid = reverse("round-units", args=[round_.pk]), reverse("scoring-grid", args=[round_.pk])
    if round_.scored_by_branch:
        yield HomeStat("已自评", f"{total.filed:,}", base, units, 20)
    if round_.scored_by_superior:
        yield HomeStat("总支已评分", f"{total.scored:,}", base, grid, 21)
    if total.drawn:
        checks = reverse("spot-checks", args=[round_.pk]) if scope(account, Action.VIEW_GRADING).everything else units
        yield HomeStat("已抽查", f"{total.inspected:,}", f"/ {total.drawn:,}", checks, 21)
    yield HomeStat("已定级", f"{total.decided:,}", base, reverse("decide", args=[round_.pk]), 22)
    if page.grades and sum(total.grades.values()):
        best = page.grades[0]
        part = wording.share(total.grades[best.pk], total.units)  # of all to be graded, as on the summary form
        yield HomeStat(f"{best.label}占比", wording.pct1(part), f"{total.grades[best.pk]:,} {base}", units, 23)


def _behind_first(lines: Sequence[board.GroupLine]) -> list[board.GroupLine]:
    """Put those who still owe most in front; the order of the roster decides between equals."""
    return sorted(
        lines, key=lambda line: (line.decided / line.units, line.scored / line.units, line.filed / line.units)
    )


@home_panels
def round_progress(account: Account, now: dt.datetime) -> Iterator[HomePanel]:
    """Show filing per 党总支 and the shares of grades to those above."""
    found = _board(account, now)
    if found is None:
        return
    round_, page = found
    total = page.total
    lines = _behind_first(page.lines)
    rows = [{"line": line, "shares": shares_of(line, page)} for line in lines[:LINES_SHOWN]]
    shares = shares_of(total, page)
    context = {"round": round_, "rows": rows, "total": total, "shares": shares, "more": len(lines) - len(rows)}
    parts = [("自评", total.filed)] if round_.scored_by_branch else []
    parts += [("考评", total.scored)] if round_.scored_by_superior else []
    said = "，".join(f"{word} {number}/{total.units}" for word, number in [*parts, ("定级", total.decided)])
    title = f"{round_.dated}：各党总支进度"
    yield HomePanel("round-board", title, "grading/home_board.html", context, aside=said, position=10)
    if graded := sum(total.grades.values()):
        aside = f"{graded} 个党支部"
        yield HomePanel(
            "round-grades",
            "等级分布",
            "grading/home_grades.html",
            context,
            aside=aside,
            position=10,
            side=True,
            flush=False,
        )


@home_panels
def own_round(account: Account, now: dt.datetime) -> Iterator[HomePanel]:
    """Show a branch its own standing in the round, and where to go on."""
    del now
    nodes = _own_nodes(account)
    round_ = _round(account) if nodes else None
    if round_ is None:
        return
    mine = RoundUnit.objects.filter(round=round_, branch__in=nodes).select_related("round__campaign")
    for unit in mine.prefetch_related("extensions", "round__steps"):
        result = Result.objects.filter(unit=unit).current().select_related("decided_grade").first()
        grade = result.decided_grade if result else None
        context = {
            "unit": unit,
            "round": round_,
            "result": result,
            "grade": grade,
            "steps": round_.scale.grades.count(),
            "due_on": None if round_.campaign.backfill else deadline(unit, "self"),
            "offline": round_.is_open and bool(can(account, Action.FILL_ASSESSMENT, unit)),
        }
        yield HomePanel(
            f"own-{unit.pk}", round_.dated, "grading/home_own.html", context, aside=round_.get_state_display(),
            position=5, side=True, flush=False,
        )  # fmt: skip
