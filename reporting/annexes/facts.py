"""What the annexes show, as frozen values. Definitions read only these; gather.py makes them from rows.

Figures stay exact (Decimal, Fraction) until a cell shows them; None is "not known", never zero.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

Exact = Decimal | Fraction | None
DIRECT = "直属党支部"
#: What stands for the grade of a branch that the round scores and gives none.
NOT_GRADED = "不定级"


@dataclass(frozen=True, slots=True)
class Source:
    """One source of the composite: its code, full and short name, and weight in percent."""

    code: str
    name: str
    label: str
    weight: Decimal


@dataclass(frozen=True, slots=True)
class Heading:
    """What the notice calls a form: the number above it, "" for none, and its title without the school's name.

    A form whose title is left open has its plain one.
    """

    number: str = ""
    title: str = ""

    def over(self, school: str, plain: str) -> str:
        """Return the whole title: the school's name and the form's."""
        return f"{school}{self.title or plain}"


UNNAMED = Heading()


@dataclass(frozen=True, slots=True)
class RoundFacts:
    """What a round fixes for its forms. `grades` from best to worst; `ballot` the choices on the appraisal ballots.

    `places` are the decimals of the composite; `proposes` tells whether a 党总支 names a grade at all; `rate` is
    what the share of satisfied ballots is called, `ballot_name` the source they are of; `recorded` tells whether the
    round has a recorded result such as the yearly assessment.
    """

    school: str
    committee: str
    office: str
    name: str
    grades: tuple[str, ...]
    sources: tuple[Source, ...]
    categories: tuple[str, ...]
    checks: tuple[str, ...] = ()
    ballot: tuple[str, ...] = ()
    vetoes: tuple[str, ...] = ()
    places: int = 2
    proposes: bool = True
    rate: str = "满意率"
    ballot_name: str = "群众评议"
    recorded: bool = True


@dataclass(frozen=True, slots=True)
class Stamp:
    """Who hands a form in and when; not part of what the form says, so not part of its digest."""

    on: str
    by: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class BranchResult:
    """One branch in 附件5: everything one row shows. `scores` runs along RoundFacts.sources.

    `decided_grade` is NOT_GRADED for a branch the round gives no grade. `composite` is rounded as the round says,
    `exact` is what averages are taken of.
    """

    code: str
    group: str
    name: str
    short_name: str
    category: str
    secretary: str
    members: int | None
    full_members: int | None
    probationary: int | None
    scores: tuple[Exact, ...]
    composite: Exact
    valid: int | None
    satisfied: int | None
    self_grade: str
    proposed_grade: str
    decided_grade: str
    vetoed: bool = False
    veto_known: bool = False
    problem: str = ""
    target: str = ""
    remark: str = ""
    direct: bool = False
    exact: Exact = None

    @property
    def unrounded(self) -> Exact:
        """Return the exact composite, for averages."""
        return self.composite if self.exact is None else self.exact

    @property
    def satisfaction(self) -> Fraction | None:
        """Return the exact 满意率 in percent."""
        if not self.valid or self.satisfied is None:
            return None
        return Fraction(self.satisfied * 100, self.valid)

    @property
    def grade(self) -> str:
        """Return the grade that counts in statistics: decided, else proposed; "" while there is none."""
        return self.decided_grade or self.proposed_grade


@dataclass(frozen=True, slots=True)
class Annex5:
    """附件5 of one unit: a 党总支 (`merged` False) or several with a merged first column."""

    round: RoundFacts
    unit: str
    rows: tuple[BranchResult, ...]
    merged: bool = False
    heading: Heading = UNNAMED


@dataclass(frozen=True, slots=True)
class Secretary:
    """The secretary's particulars as 附件4 prints them."""

    name: str = ""
    gender: str = ""
    birth: Any = None
    education: str = ""
    title: str = ""
    since: Any = None
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One check of the 调查摸底: 好, 一般 or 差 ("" while open) and what was found."""

    level: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Ballots:
    """Counts of the 群众评议; `options` runs along RoundFacts.ballot."""

    issued: int | None = None
    returned: int | None = None
    valid: int | None = None
    options: tuple[int | None, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Annex4:
    """附件4 of one branch."""

    round: RoundFacts
    result: BranchResult
    parent: str
    founded: Any
    last_election: Any
    term_ends: Any
    secretary: Secretary
    committee: str
    #: 党员总数, 正式, 预备, 女, 35岁以下, 教工, 学生, 流动, 积极分子, 当年发展.
    counts: tuple[int | None, ...]
    findings: tuple[Finding, ...]
    annual: str
    ballots: Ballots
    problems: str
    goal: str
    self_submitted: bool = False
    decision: str = ""
    committee_decision: str = ""
    proposed_by_hand: bool = False
    #: What the round calls its recorded result, "" where that is the usual 年度考核结果.
    annual_name: str = ""
    heading: Heading = UNNAMED


@dataclass(frozen=True, slots=True)
class Section:
    """One section of a scoring sheet with the points it earned by 自评 and by 考评; None while open."""

    name: str
    points: Decimal
    own: Decimal | None = None
    superior: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One criterion with the points it earned by each side; `own_excluded`, `superior_excluded` mark 不适用.

    A bonus has no `points`: they would not add up to those of its section.
    """

    section: Section
    code: str
    text: str
    points: Decimal | None
    own: Decimal | None = None
    superior: Decimal | None = None
    own_excluded: bool = False
    superior_excluded: bool = False
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """附件2/3 filled in for one branch."""

    round: RoundFacts
    form_code: str
    title: str
    name: str
    parent: str
    items: tuple[Item, ...]
    total: Section
    direct: bool = False
    own_filed: bool = False
    superior_filed: bool = False
    vetoed: tuple[str, ...] = ()
    veto_reviewed: bool = False
    comment: str = ""
    code: str = ""


def digest(facts: Iterable[Any]) -> str:
    """Return the SHA-256 of facts: equal for equal facts, whoever asks and whenever."""
    text = json.dumps(list(facts), ensure_ascii=False, sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


#: Fields later than the first printed forms: left out while empty, so that forms printed before keep their digest.
_LATER = {"annual_name"}


def _plain(value: Any) -> dict[str, Any] | str:
    if is_dataclass(value):
        found = {field.name: getattr(value, field.name) for field in fields(value)}
        return {name: one for name, one in found.items() if one or name not in _LATER}
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def school_name(committee: str) -> str:
    """Return the school's name from its committee's: 中共清源师范学院委员会, 清源师范学院党委 → 清源师范学院."""
    name = committee.removeprefix("中国共产党").removeprefix("中共")
    for tail in ("党委", "委员会"):
        name = name.removesuffix(tail)
    return name or committee
