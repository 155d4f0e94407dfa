"""From rows to the facts of 晋位升级情况表."""

from branches.models import Branch
from grading.models import Round
from grading.promotion import Move, Movement
from grading.services.promotion import Compared, candidates, compare_rounds
from reporting.annexes import promotion as p
from reporting.annexes.gather import heading, round_facts, units_below

WORDS = {
    Move.RISEN: p.RISEN,
    Move.LEVEL: p.LEVEL,
    Move.FALLEN: p.FALLEN,
    Move.NEW: p.NEW,
    Move.GONE: p.GONE,
    Move.OUTSIDE: p.OUTSIDE,
}


def comparable(round_: Round) -> bool:
    """Tell whether there is an earlier round to compare with."""
    return bool(candidates(round_))


def promotion_of(round_: Round, unit: Branch) -> list[p.PromotionFacts]:
    """Gather 晋位升级 of a 党总支 or of a committee; nothing while there is no earlier round."""
    whole = compare_rounds(round_)
    if whole is None:
        return []
    earlier = whole.terms.earlier
    below = {row.branch_id for one in (round_, earlier) for row in units_below(one, unit)}
    found = whole.only(below)
    told = round_facts(round_)
    top = unit.pk == round_.campaign.root_id
    name = told.office if top else unit.name_on(round_.frozen_on or round_.campaign.starts_on)
    matched = [grade.label for grade in found.earlier_grades if grade.code in found.terms.matches]
    return [
        p.PromotionFacts(
            school=told.school,
            unit=name,
            earlier_name=_short(earlier, round_),
            later_name=round_.name,
            earlier_grades=tuple(matched),
            later_grades=tuple(grade.label for grade in found.later_grades),
            rows=_rows(found),
            merged=unit.level == Branch.Level.COMMITTEE,
            heading=heading(round_, "promotion"),
        )
    ]


def _short(earlier: Round, later: Round) -> str:
    """Return the earlier round's name, with its year when another campaign held it."""
    same = earlier.campaign_id == later.campaign_id
    return earlier.name if same else f"{earlier.campaign.year}年{earlier.name}"


def _rows(found: Compared) -> tuple[p.PromotionRow, ...]:
    """Return the branches 党总支 by 党总支, in the order of the annexes; those that are gone behind the others."""
    labels = {grade.code: grade.label for grade in (*found.later_grades, *found.earlier_grades)}
    old = {grade.code: grade.label for grade in found.earlier_grades}
    groups: dict[str, list[p.PromotionRow]] = {}
    for movement in found.promotion.movements:
        unit = found.units.get(movement.branch)
        row = p.PromotionRow(
            code=unit.code if unit else "",
            group=movement.group,
            name=movement.name,
            category=movement.category,
            earlier=old.get(movement.earlier or "", ""),
            later=labels.get(movement.later or "", ""),
            move=WORDS[movement.move],
            note=_note(movement, found),
        )
        groups.setdefault(movement.group, []).append(row)
    return tuple(row for rows in groups.values() for row in rows)


def _note(movement: Movement, found: Compared) -> str:
    parts = [movement.history] if movement.history else []
    if movement.move is Move.FALLEN and (reason := found.reasons.get(movement.branch)):
        parts.append(reason)
    return "；".join(parts)
