"""From the ledger of a round to the facts of 附件6."""

from dataclasses import replace

from branches import clock
from branches.models import Branch
from branches.wording import without_unit
from grading.models import Round
from rectification.ledger import Line, lines_below
from rectification.ledger import has_items as drawn_up
from rectification.models import Plan
from reporting.annexes import annex6
from reporting.annexes.facts import DIRECT, school_name
from reporting.annexes.gather import heading, round_facts, units_below

__all__ = ["annex6_of", "by_unit", "drawn_up"]


def annex6_of(round_: Round, unit: Branch) -> annex6.Annex6:
    """Gather 附件6 of a branch, of a 党总支, or of a committee with its 党总支 as a merged first column."""
    units = units_below(round_, unit)
    found = lines_below(round_=round_, units=units, unit=unit, now=clock.now())
    day = round_.frozen_on or round_.campaign.starts_on
    top = unit.pk == round_.campaign.root_id
    name = round_facts(round_).office if top else unit.name_on(day)
    school = school_name(round_.campaign.root.name_on(day))
    return annex6.Annex6(school, name, unit.code, unit.level, tuple(map(_row, found)), heading(round_, "annex6"))


def _row(line: Line) -> annex6.ItemRow:
    return annex6.ItemRow(
        branch=line.branch, group=line.group, name=line.name, short_name=_short(line),
        grade=line.grade, target=line.target, category=line.category, problem=line.problem, goal=line.goal,
        measures=line.measures, owner=line.owner, due=line.due, long_term=line.long_term,
        standing=annex6.Standing(line.standing), progress=line.progress, verified_on=line.verified_on,
        verifier=line.verifier, remark=line.remark, item=line.item,
    )  # fmt: skip


def _short(line: Line) -> str:
    """Return the name beside that of its unit; the plan of the 党总支 itself keeps its full name."""
    return line.name if line.name == line.group else without_unit(line.name, line.group)


def by_unit(round_: Round, unit: Branch) -> list[annex6.Annex6]:
    """Return one document for each 党总支 below a unit; that of the 直属党支部 is about the unit itself."""
    whole = annex6_of(round_, unit)
    groups: dict[str, list[annex6.ItemRow]] = {}
    for row in whole.rows:
        groups.setdefault(row.group, []).append(row)
    codes = dict(Plan.objects.filter(round=round_).set_up_later().values_list("under_name", "under__code"))
    codes |= {row.general_branch_name: row.parent_code for row in units_below(round_, unit) if not row.direct}
    return [
        replace(
            whole, unit=name, code=unit.code if name == DIRECT else codes.get(name, rows[0].branch), rows=tuple(rows),
            level=str(Branch.Level.GENERAL_BRANCH),
        )
        for name, rows in groups.items()
    ]  # fmt: skip
