"""整改提高方案 of a branch, or of a 党总支 itself: items one below the other, the 党员大会, signatures."""

from dataclasses import dataclass
from math import ceil

from reporting.annexes.facts import Stamp
from reporting.annexes.wording import SIGN_DATE
from reporting.tables import Form, FormCell, FormRow, Pair, Sheet, formats, label, lay_out_form, text

GRID = 24
HEAD = 4
NUMBER = 2
WIDE = GRID - HEAD - NUMBER
ONE_LINE, TWO_LINES = 9, 11.5
LINE = 30


@dataclass(frozen=True, slots=True)
class PlanItem:
    """One item as it is to be done; `mark` says what sets it apart from the plan as approved, "" as a rule."""

    number: int
    problem: str
    measured: str
    goal: str
    task: str
    measures: str
    leader: str
    owner: str
    due: str
    longer: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class PlanMeeting:
    """What was recorded of the 党员大会, in words; "" is blank for the pen."""

    held: str = ""
    people: str = ""
    attended: str = ""
    opinions: str = ""
    resolution: str = ""


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """One plan. `approved` says when it was approved, "" until then; `standing` is "" after that."""

    school: str
    code: str
    name: str
    parent: str
    own: bool
    round: str
    grade: str
    target: str
    goal: str
    submitted: str
    approved: str
    standing: str
    items: tuple[PlanItem, ...]
    meeting: PlanMeeting


def _height(content: str) -> float:
    """Return the least height of a row with air above and below its lines; thirty characters make a line."""
    lines = sum(max(1, ceil(len(part) / LINE)) for part in content.splitlines() or [""])
    return ONE_LINE if lines == 1 else lines * 4.6 + 3


def _wide(head: str, content: str, *, height: float = ONE_LINE, number: FormCell | None = None) -> FormRow:
    cells = (label(head, HEAD), text(content, WIDE))
    return FormRow((number, *cells) if number else cells, max(height, _height(content)))


def _item(item: PlanItem) -> list[FormRow]:
    """Return the rows of an item; they stay on one page where they fit on one."""
    lines = [("存在的\n主要问题", item.problem), ("对照和类别", item.measured), ("整改目标", item.goal)]
    lines += [("整改任务", item.task)] if item.task else []
    lines += [("整改措施", item.measures)]
    after = [("期限说明", item.longer)] if item.longer else []
    after += [("备　　注", item.mark)] if item.mark else []
    count = len(lines) + 1 + len(after)
    number = text(str(item.number), NUMBER, count, align="center")
    rows = [
        _wide(head, said, height=ONE_LINE if index else TWO_LINES, number=None if index else number)
        for index, (head, said) in enumerate(lines)
    ]
    who = FormRow((
        label("责任领导", HEAD), text(formats.spaced_name(item.leader) or formats.DASH, 4, align="center"),
        label("责任人", 3), text(formats.spaced_name(item.owner) or formats.DASH, 3, align="center"),
        label("完成时限", 3), text(item.due, 5, align="center"),
    ), 9)  # fmt: skip
    return [*rows, who, *(_wide(head, said) for head, said in after)]


def _meeting(meeting: PlanMeeting) -> list[FormRow]:
    lines = (
        ("时间地点", meeting.held, 9), ("主持记录", meeting.people, 9), ("到会情况", meeting.attended, 9),
        ("讨论意见", meeting.opinions, 18), ("决　　议", meeting.resolution, 10),
    )  # fmt: skip
    side = FormCell("label", NUMBER, len(lines), text="党员大会", vertical=True)
    return [
        _wide(head, said, height=height, number=side if index == 0 else None)
        for index, (head, said, height) in enumerate(lines)
    ]


def _signed(facts: PlanFacts) -> tuple[FormRow, ...]:
    who = "党总支书记" if facts.own else "党支部书记"
    own = f"{who}（签字）：　　　　　　　　　　{facts.submitted or SIGN_DATE}　　"
    return (
        FormRow((label("报　　送", HEAD), FormCell("sign", GRID - HEAD, text=own, align="right")), 14),
        FormRow((label("上级党组织\n审批意见", HEAD, 2), FormCell(
            "value", GRID - HEAD, text=facts.approved, align="left", valign="top", blank="", open_bottom=True)), 12,
            keep_with_next=True),
        FormRow((FormCell("sign", GRID - HEAD, text=f"（盖章）　　　　{SIGN_DATE}　　", align="right",
                          open_top=True),), 14),
    )  # fmt: skip


def form(facts: PlanFacts, stamp: Stamp) -> Form:
    """Return the definition of the plan."""
    kind = "党总支" if facts.own else "党支部"
    items = [row for item in facts.items for row in _item(item)]
    return Form(
        slug="rectification_plan",
        title=f"{facts.school}{kind}整改提高方案",
        grid=GRID,
        head_line=(Pair("填报单位（盖章）", facts.name), Pair("填报时间", facts.submitted or stamp.on)),
        rows=(
            FormRow((label("党 组 织", HEAD), text(facts.name, 11), label("轮　次", 3),
                     text(facts.round, 6, align="center")), 10),
            FormRow((label("所属党组织", HEAD), text(facts.parent or formats.DASH, 9),
                     label("现等级", 3), text(facts.grade or formats.DASH, 2, align="center"),
                     label("晋位目标", 4), text(facts.target or formats.DASH, 2, align="center")), 10),
            FormRow((label("总体目标", HEAD), text(facts.goal or formats.DASH, GRID - HEAD)), 10),
            *(items or [FormRow((label("整改项目", HEAD), text("还没有列出整改项目。", GRID - HEAD)), 12)]),
            *_meeting(facts.meeting),
            *_signed(facts),
        ),
        notes=(facts.standing,) if facts.standing else (),
        sheet_name="整改提高方案",
        body_pt=10.5,
        label_pt=10.5,
    )  # fmt: skip


def sheets(facts: PlanFacts, stamp: Stamp) -> list[Sheet]:
    """Lay the plan out."""
    return [lay_out_form(form(facts, stamp), {})]
