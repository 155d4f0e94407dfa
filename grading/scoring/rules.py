"""What a round fixes, as values: rubric, scale, sources, cut-offs, gates, vetoes, caps.

Nothing here knows Django. The services build these from rows; tests and the what-if page build them by hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from grading.scoring.numbers import plain

ALGORITHM = 1
"""Version of the arithmetic itself; raised whenever the same input could give another figure."""

SATISFACTION_FIGURE = "satisfaction"
RATE_FIGURE = "satisfaction_"
"""Followed by the code of an appraisal: the 满意率 of that one; without, of the first that has one."""
SOURCE_FIGURE = "source_"
"""Followed by the code of a source: its score as a share of 100."""


class CriterionKind(StrEnum):
    """How points of one item come about."""

    POINTS = "points"
    LEVELS = "levels"
    DEDUCTION = "deduction"
    BONUS = "bonus"
    VETO = "veto"
    SYSTEM = "system"


class NotApplicable(StrEnum):
    """What happens to the points of an item marked 不适用."""

    SECTION = "section"
    TOTAL = "total"
    REFUSED = "refused"


class Exceed(StrEnum):
    """How far bonus items may carry a sheet above its maximum."""

    NONE = "none"
    SECTION = "section"
    TOTAL = "total"


class SourceKind(StrEnum):
    """What a source is made of."""

    SHEET = "sheet"
    APPRAISAL = "appraisal"
    ANNUAL = "annual"


class MissingRule(StrEnum):
    """What a missing source does to the composite."""

    BLOCK = "block"
    EXEMPT = "exempt"
    RENORMALISE = "renormalise"


class VetoEffect(StrEnum):
    """What an established veto does to the grade."""

    FORCE = "force"
    AT_MOST = "at_most"


class CapSide(StrEnum):
    """A ceiling on a grade and the better ones, or a floor under a grade and the worse ones."""

    AT_MOST = "at_most"
    AT_LEAST = "at_least"


class CapMeasure(StrEnum):
    """How the size of a cap is written."""

    SHARE = "share"
    NUMBER = "number"


class CapScope(StrEnum):
    """Whom a cap counts together: one 党总支 (direct branches pooled), or the whole round."""

    GROUP = "group"
    ROUND = "round"


class Rounding(StrEnum):
    """进一, 舍去, 四舍五入 for a share of a head count."""

    UP = "up"
    DOWN = "down"
    HALF_UP = "half_up"


class CapMode(StrEnum):
    """Whether a cap only warns or also lowers grades."""

    WARNING = "warning"
    ENFORCED = "enforced"


@dataclass(frozen=True, slots=True)
class LevelRule:
    """One option of an item; ``minimum`` (in percent) is the band of a system-filled item."""

    label: str
    points: Decimal
    minimum: Decimal | None = None


@dataclass(frozen=True, slots=True)
class CriterionRule:
    """One item of a rubric."""

    code: str
    text: str
    points: Decimal
    kind: CriterionKind = CriterionKind.POINTS
    step: Decimal = Decimal("0.5")
    levels: tuple[LevelRule, ...] = ()
    figure: str = ""

    @property
    def counted(self) -> Decimal:
        """Points that this item adds to the maximum of its section."""
        return Decimal(0) if self.kind in (CriterionKind.BONUS, CriterionKind.VETO) else self.points


@dataclass(frozen=True, slots=True)
class SectionRule:
    """One section of a rubric (项目)."""

    code: str
    name: str
    points: Decimal
    criteria: tuple[CriterionRule, ...]


@dataclass(frozen=True, slots=True)
class RubricRule:
    """A published rubric as arithmetic needs it."""

    code: str
    version: int
    sections: tuple[SectionRule, ...]
    not_applicable: NotApplicable = NotApplicable.TOTAL
    exceed: Exceed = Exceed.NONE

    @property
    def points(self) -> Decimal:
        """Full marks of the rubric."""
        return sum((section.points for section in self.sections), Decimal(0))

    @property
    def criteria(self) -> tuple[CriterionRule, ...]:
        """All items in order."""
        return tuple(criterion for section in self.sections for criterion in section.criteria)


@dataclass(frozen=True, slots=True)
class OptionRule:
    """One choice on a ballot. ``points`` None leaves it out of the score; ``satisfied`` counts into 满意率."""

    code: str
    label: str
    points: Decimal | None
    satisfied: bool = False


@dataclass(frozen=True, slots=True)
class GroupRule:
    """One group of voters of an appraisal with its weight in percent."""

    code: str
    name: str
    weight: Decimal


@dataclass(frozen=True, slots=True)
class SourceRule:
    """One source with its weight in percent. ``full`` is what recorded scores are out of; they count out of 100."""

    code: str
    name: str
    kind: SourceKind
    weight: Decimal
    options: tuple[OptionRule, ...] = ()
    minimum_ballots: int = 0
    annual_points: tuple[tuple[str, Decimal], ...] = ()
    allow_over: bool = False
    groups: tuple[GroupRule, ...] = ()
    full: Decimal = Decimal(100)


@dataclass(frozen=True, slots=True)
class GradeRule:
    """One grade; rank 1 is the best."""

    code: str
    label: str
    rank: int


@dataclass(frozen=True, slots=True)
class CutOffRule:
    """A grade is reached by a rounded composite of at least ``minimum``."""

    grade: str
    minimum: Decimal


@dataclass(frozen=True, slots=True)
class GateRule:
    """Below ``minimum`` percent of a figure the grade is at most ``best``, and promotion may be barred."""

    figure: str
    name: str
    minimum: Decimal
    best: str | None = None
    bars_promotion: bool = False


def line_text(figure: str, minimum: Decimal) -> str:
    """Return the line of a gate as people write it: points for the score of a source, percent for any other figure."""
    return f"{plain(minimum)} 分" if figure.startswith(SOURCE_FIGURE) else f"{plain(minimum)}%"


@dataclass(frozen=True, slots=True)
class VetoRule:
    """An item of the 一票否决 list."""

    code: str
    text: str
    effect: VetoEffect
    grade: str


@dataclass(frozen=True, slots=True)
class CapRule:
    """A limit on how many branches may hold a grade."""

    grade: str
    value: Decimal
    side: CapSide = CapSide.AT_MOST
    measure: CapMeasure = CapMeasure.SHARE
    scope: CapScope = CapScope.GROUP
    rounding: Rounding = Rounding.DOWN
    mode: CapMode = CapMode.WARNING
    tie_breaks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DivergenceRule:
    """When two sources on the same rubric differ so much that a reason is wanted; None switches a test off."""

    first: str
    second: str
    points: Decimal | None = None
    section_points: Decimal | None = None
    grades: int | None = None


@dataclass(frozen=True, slots=True)
class RoundRules:
    """Everything a round fixes about arithmetic."""

    version: str
    grades: tuple[GradeRule, ...]
    sources: tuple[SourceRule, ...]
    cut_offs: tuple[CutOffRule, ...]
    gates: tuple[GateRule, ...] = ()
    vetoes: tuple[VetoRule, ...] = ()
    caps: tuple[CapRule, ...] = ()
    places: int = 2
    missing: MissingRule = MissingRule.EXEMPT
    divergence: DivergenceRule | None = None

    def grade(self, code: str) -> GradeRule:
        """Return the grade with ``code``; KeyError when the scale has none."""
        for grade in self.grades:
            if grade.code == code:
                return grade
        raise KeyError(code)

    @property
    def ranked(self) -> tuple[GradeRule, ...]:
        """Grades from best to worst."""
        return tuple(sorted(self.grades, key=lambda grade: grade.rank))
