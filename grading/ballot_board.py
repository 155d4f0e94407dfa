"""Boxes of a round as its pages show them: one line a branch, only 发出 and 收回, in a handful of queries."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from grading.models import AppraisalCount, BallotBox, BallotCode, RoundUnit, SealedBallot, Source

S = BallotBox.State
SHAPES = {
    S.DRAFT: "todo", S.OPEN: "info", S.CLOSING: "info", S.COUNTED: "info", S.CLOSED: "ok", S.VOID: "bad",
}  # fmt: skip


@dataclass(slots=True)
class Line:
    """One branch: its box, if it has one, what of it may be told, and whether paper counts are in."""

    unit: RoundUnit
    box: BallotBox | None = None
    issued: int = 0
    returned: int = 0
    printed: int = 0
    on_paper: bool = False

    @property
    def state(self) -> str:
        """The state of the box as a shape and a word."""
        if self.box:
            return SHAPES[S(self.box.state)]
        return "ok" if self.on_paper else "todo"

    @property
    def word(self) -> str:
        """The state in a word."""
        if self.box and self.box.state == S.DRAFT:
            return f"已印 {self.printed} 张" if self.printed else "未印评议码"
        if self.box:
            return str(self.box.get_state_display())
        return "已录纸质票" if self.on_paper else "未设箱"


@dataclass(slots=True)
class Group:
    """One 党总支, or all 直属党支部."""

    key: str
    name: str
    lines: list[Line] = field(default_factory=list)

    def _boxes(self, *states: str) -> int:
        return sum(line.box is not None and line.box.state in states for line in self.lines)

    @property
    def without(self) -> int:
        """Branches that have no box and no paper counts."""
        return sum(line.box is None and not line.on_paper for line in self.lines)

    @property
    def draft(self) -> int:
        """Boxes in preparation."""
        return self._boxes(S.DRAFT)

    @property
    def open(self) -> int:
        """Boxes in use."""
        return self._boxes(S.OPEN)

    @property
    def done(self) -> int:
        """Boxes closed, whether the worker is through or not."""
        return self._boxes(S.CLOSING, S.COUNTED, S.CLOSED)

    @property
    def issued(self) -> int:
        """Codes given out."""
        return sum(line.issued for line in self.lines)

    @property
    def returned(self) -> int:
        """Ballots in the boxes."""
        return sum(line.returned for line in self.lines)


def with_turnout(boxes: "QuerySet[BallotBox]") -> "QuerySet[BallotBox]":
    """Annotate boxes with `out` and `back`, also while they are open."""

    def number(rows: "QuerySet[BallotCode] | QuerySet[SealedBallot]") -> Coalesce:
        per_box = rows.filter(box=OuterRef("pk")).order_by().values("box").annotate(number=Count("pk"))
        return Coalesce(Subquery(per_box.values("number"), output_field=IntegerField()), Value(0))

    codes = BallotCode.objects.exclude(state=BallotCode.State.SPOILED)
    return boxes.annotate(
        out=Coalesce("issued", number(codes)),
        back=Coalesce("returned", number(SealedBallot.objects.all())),
    )


def appraisals(sources: Iterable[Source]) -> list[Source]:
    """Return the sources people vote for."""
    return [source for source in sources if source.kind == Source.Kind.APPRAISAL]


def lines(units: Sequence[RoundUnit], source: Source) -> list[Line]:
    """Return a line for each unit in their order; a voided box counts as none."""
    boxes = BallotBox.objects.filter(source=source, unit__in=units).exclude(state=S.VOID).order_by("pk")
    newest = {box.unit_id: box for box in with_turnout(boxes)}
    counts = AppraisalCount.objects.filter(source=source, unit__in=units)
    counted = set(counts.values_list("unit_id", flat=True))
    found = []
    for unit in units:
        box = newest.get(unit.pk)
        line = Line(unit, box, on_paper=box is None and unit.pk in counted)
        if box is not None and box.state == S.DRAFT:
            line.printed = box.out  # type: ignore[attr-defined]
        if box is not None and box.state != S.DRAFT:  # before it opens codes are printed, not given out
            line.issued, line.returned = box.out, box.back  # type: ignore[attr-defined]
        found.append(line)
    return found


def groups(found: Iterable[Line]) -> list[Group]:
    """Return the lines by 党总支, in the order they came."""
    by_key: dict[str, Group] = {}
    for line in found:
        by_key.setdefault(line.unit.group, Group(line.unit.group, line.unit.general_branch_name)).lines.append(line)
    return list(by_key.values())


def unused_codes(box: BallotBox) -> dict[int, int]:
    """Return how many codes of each voter group (its place on the paper) are still unused."""
    unused = box.codes.filter(state=BallotCode.State.UNUSED)
    return dict(unused.order_by().values_list("group").annotate(number=Count("pk")))
