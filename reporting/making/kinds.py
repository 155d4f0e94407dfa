"""What can be exported from a round: one entry per annex, with how its facts are gathered and laid out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from branches.models import Branch
from grading.models import Round, form_names
from reporting.annexes import (
    annex4,
    annex5,
    annex6,
    annex6_baseline,
    gather,
    gather_annex6,
    gather_notice,
    gather_plan,
    gather_promotion,
    notice,
    plan,
    promotion,
    scoring_sheet,
)
from reporting.annexes.facts import DIRECT, Stamp
from reporting.tables import Sheet
from reporting.tables.xlsx import Dress

Level = Branch.Level


@dataclass(frozen=True, slots=True)
class Kind:
    """One annex.

    Args:
        slug, code, title: what it is called where no round is named; `named` has the names of a round's notice.
        single: levels of unit for which one document is made; for others, and on request, a zip with one for each.
        levels: levels of unit it can be made for.
        gather: all documents' facts for a unit of a round, one element per document.
        pieces: the same when one document for each 党总支 or branch is wanted.
        lay: facts and stamp → sheets.
        name: what a document is about, for its file name.
        group: what it hangs under in a list of many, the 党总支.
        signed: whether a document shows who hands it in, beside the day.
        each: what one document is for: 党支部, 党总支.
        available: whether a round has it at all.
        lacking: what there is none of when nothing can be shown.
        dated: whether it says other things on another day though no row changed (逾期).
        one: where a unit has several, the document with a key.
        dress: what a workbook carries beside its printed sheets.
    """

    slug: str
    code: str
    title: str
    levels: tuple[str, ...]
    single: tuple[str, ...]
    gather: Callable[[Round, Branch], Sequence[Any]]
    pieces: Callable[[Round, Branch], Sequence[Any]]
    lay: Callable[[Any, Stamp], list[Sheet]]
    name: Callable[[Any], str]
    group: Callable[[Any], str]
    each: str
    signed: bool = False
    available: Callable[[Round], bool] = lambda _round: True
    lacking: str = "支部"
    dated: bool = False
    one: Callable[[Round, Branch, int], Sequence[Any]] | None = None
    dress: Callable[[Any], Dress] | None = None

    @property
    def label(self) -> str:
        """Return code and title."""
        return f"{self.code} {self.title}".strip()

    def bundled(self, unit: Branch, *, each: bool) -> bool:
        """Tell whether the export of a unit is a zip of several documents."""
        return each or unit.level not in self.single


def by_group(whole: Any) -> list[Any]:
    """Return one document for each 党总支 of a larger one (附件5, 晋位升级情况表)."""
    groups: dict[str, list[Any]] = {}
    for row in whole.rows:
        groups.setdefault(row.group, []).append(row)
    return [replace(whole, unit=name, rows=tuple(rows), merged=False) for name, rows in groups.items()]


def _promotion_by_group(round_: Round, unit: Branch) -> list[Any]:
    """Return 晋位升级 of each 党总支 that holds a branch of the round; one with nothing but gone branches has none."""
    whole = gather_promotion.promotion_of(round_, unit)
    return [one for facts in whole for one in by_group(facts) if one.rows[0].code]


KINDS: tuple[Kind, ...] = (
    Kind(
        slug="annex5",
        code="",
        title="党支部分类定级汇总表",
        levels=(Level.GENERAL_BRANCH, Level.COMMITTEE),
        single=(Level.GENERAL_BRANCH, Level.COMMITTEE),
        gather=lambda round_, unit: [gather.annex5_of(round_, unit)],
        pieces=lambda round_, unit: by_group(gather.annex5_of(round_, unit)),
        lay=annex5.sheets,
        name=lambda facts: facts.unit,
        group=lambda _facts: "",
        each="党总支",
        signed=True,
    ),
    Kind(
        slug="annex4",
        code="",
        title="党支部分类定级表",
        levels=(Level.BRANCH, Level.GENERAL_BRANCH, Level.COMMITTEE),
        single=(Level.BRANCH,),
        gather=gather.annex4_of,
        pieces=gather.annex4_of,
        lay=annex4.sheets,
        name=lambda facts: facts.result.name,
        group=lambda facts: DIRECT if facts.result.direct else facts.result.group,
        each="党支部",
    ),
    Kind(
        slug="scoring_sheet",
        code="",
        title="党支部分类定级评分表",
        levels=(Level.BRANCH, Level.GENERAL_BRANCH, Level.COMMITTEE),
        single=(Level.BRANCH,),
        gather=gather.sheets_of,
        pieces=gather.sheets_of,
        lay=scoring_sheet.sheets,
        name=lambda facts: facts.name,
        group=lambda facts: DIRECT if facts.direct else facts.parent,
        each="党支部",
    ),
    Kind(
        slug="promotion",
        code="",
        title="党支部晋位升级情况表",
        levels=(Level.GENERAL_BRANCH, Level.COMMITTEE),
        single=(Level.GENERAL_BRANCH, Level.COMMITTEE),
        gather=gather_promotion.promotion_of,
        pieces=_promotion_by_group,
        lay=promotion.sheets,
        name=lambda facts: facts.unit,
        group=lambda _facts: "",
        each="党总支",
        signed=True,
        available=gather_promotion.comparable,
    ),
    Kind(
        slug="annex6",
        code="",
        title="党支部整改汇总表",
        levels=(Level.BRANCH, Level.GENERAL_BRANCH, Level.COMMITTEE),
        single=(Level.BRANCH, Level.GENERAL_BRANCH, Level.COMMITTEE),
        gather=lambda round_, unit: [gather_annex6.annex6_of(round_, unit)],
        pieces=gather_annex6.by_unit,
        lay=annex6.sheets,
        dress=annex6_baseline.dress,
        name=lambda facts: facts.unit,
        group=lambda _facts: "",
        each="党总支",
        signed=True,
        available=gather_annex6.drawn_up,
        lacking="整改项目",
        dated=True,
    ),
    Kind(
        slug="plan",
        code="",
        title="整改提高方案",
        levels=(Level.BRANCH, Level.GENERAL_BRANCH, Level.COMMITTEE),
        single=(Level.BRANCH,),
        gather=gather_plan.of_unit,
        pieces=gather_plan.below,
        lay=plan.sheets,
        name=lambda facts: facts.name,
        group=lambda facts: facts.name if facts.own else facts.parent,
        each="方案",
        available=gather_plan.drawn_up,
        lacking="整改提高方案",
        one=gather_plan.one,
    ),
    Kind(
        slug="notice",
        code="",
        title="党支部整改督办单",
        levels=(Level.BRANCH, Level.GENERAL_BRANCH, Level.COMMITTEE),
        single=(Level.BRANCH,),
        gather=gather_notice.latest,
        pieces=gather_notice.below,
        lay=notice.sheets,
        name=lambda facts: f"{facts.branch}，{facts.code}",
        group=lambda facts: facts.parent,
        each="督办单",
        available=gather_notice.issued,
        lacking="督办单",
        one=gather_notice.one,
    ),
)
BY_SLUG = {kind.slug: kind for kind in KINDS}


def named(round_: Round) -> dict[str, Kind]:
    """Return every kind by its slug, called as the round's notice calls it: 附件5 党支部分类定级汇总表."""
    names = {kind: (name.number, name.title) for kind, name in form_names(round_).items()}
    codes = [row.rubric.form_code for row in round_.rubrics.select_related("rubric")]
    names["scoring_sheet"] = ("、".join(sorted(set(filter(None, codes)))), BY_SLUG["scoring_sheet"].title)
    return {
        slug: replace(kind, code=names[slug][0], title=names[slug][1]) if slug in names else kind
        for slug, kind in BY_SLUG.items()
    }
