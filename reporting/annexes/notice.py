"""督办单 with its reply slip: what is overdue, what is asked for and until when; then the page that comes back."""

from dataclasses import dataclass

from reporting.annexes.facts import Stamp
from reporting.annexes.wording import SIGN_DATE
from reporting.tables import Form, FormCell, FormRow, Page, Pair, Sheet, formats, label, lay_out_form, text

PAPER = Page(top=30, right=22, bottom=26, left=26)
GRID = 24
HEAD = 4
TITLE = "党支部整改督办单"


@dataclass(frozen=True, slots=True)
class NoticeLine:
    """One overdue item; `answer` is "" until the branch has said something about it."""

    number: int
    problem: str
    leader: str
    due: str
    days: int
    answer: str = ""


@dataclass(frozen=True, slots=True)
class NoticeFacts:
    """One 督办单 to one branch; dates are said as printed. `reply` and what follows are "" until there is one."""

    school: str
    code: str
    issuer: str
    branch: str
    branch_code: str
    parent: str
    issued: str
    issued_by: str
    phone: str
    reply_due: str
    demand: str
    lines: tuple[NoticeLine, ...]
    reply: str = ""
    reply_by: str = ""
    replied: str = ""


def _opening(facts: NoticeFacts) -> str:
    return (
        f"经查，你单位整改提高方案中有 {len(facts.lines)} 项已过完成时限仍未销号（见下）。现予督办，"
        f"请逐项落实，并于{facts.reply_due}前将办理情况报{facts.issuer}。"
    )


def _items(facts: NoticeFacts) -> tuple[FormRow, ...]:
    head = FormRow((
        label("序号", 2), label("存在的主要问题", 10), label("责任人", 4), label("完成时限", 5), label("逾期天数", 3),
    ), 9, keep_with_next=True)  # fmt: skip
    rows = (
        FormRow((
            text(str(line.number), 2, align="center"), text(line.problem, 10),
            text(formats.spaced_name(line.leader) or formats.DASH, 4, align="center"),
            text(line.due, 5, align="center"), text(str(line.days), 3, align="center"),
        ), 11)
        for line in facts.lines
    )  # fmt: skip
    return head, *rows


def form(facts: NoticeFacts) -> Form:
    """Return the definition of the notice itself."""
    sign = f"{facts.issuer}（盖章）　　{facts.issued}　　"
    return Form(
        slug="supervision_notice",
        title=f"{facts.school}{TITLE}",
        page=PAPER,
        grid=GRID,
        head_line=(Pair("编号", facts.code), Pair("签发日期", facts.issued)),
        rows=(
            FormRow((label("被督办单位", HEAD), text(facts.branch, 20)), 10),
            FormRow((
                label("督办单位", HEAD), text(facts.issuer, 9), label("联系人", 4),
                text(" ".join(one for one in (formats.spaced_name(facts.issued_by), facts.phone) if one), 7),
            ), 10),
            FormRow((label("督办缘由", HEAD), text(_opening(facts), 20)), 18),
            *_items(facts),
            FormRow((label("督办要求", HEAD, 2), FormCell(
                "value", 20, text=facts.demand, align="left", valign="top", blank="", open_bottom=True)), 30,
                keep_with_next=True),
            FormRow((FormCell("sign", 20, text=sign, align="right", open_top=True),), 16),
            FormRow((label("回复期限", HEAD), text(f"{facts.reply_due}前，填写所附回执报回。", 20)), 10),
        ),
        notes=("确需延期的，先申请延期，经批准后按新的时限办理。",),
        sheet_name="督办单",
        body_pt=12,
        label_pt=12,
    )  # fmt: skip


def slip(facts: NoticeFacts) -> Form:
    """Return the reply slip: filled where the branch has replied, blank for the pen where it has not."""
    head = FormRow(
        (label("序号", 2), label("存在的主要问题", 9), label("办理情况及完成时间", 13)), 9, keep_with_next=True
    )
    rows = (
        FormRow((
            text(str(line.number), 2, align="center"), text(line.problem, 9), text(line.answer, 13),
        ), 11 if facts.reply else 20)
        for line in facts.lines
    )  # fmt: skip
    secretary = formats.spaced_name(facts.reply_by)
    signed = f"党支部书记（签字）：{secretary or '　　　　　　　'}　　　　{facts.replied or SIGN_DATE}　　"
    checked = f"（盖章）　　　　{SIGN_DATE}　　"
    return Form(
        slug="supervision_reply",
        title=f"{facts.school}{TITLE}回执",
        page=PAPER,
        grid=GRID,
        head_line=(Pair("督办单编号", facts.code), Pair("回复期限", facts.reply_due)),
        rows=(
            FormRow((label("回复单位", HEAD), text(facts.branch, 20)), 10),
            head,
            *rows,
            FormRow((label("党支部\n意　见", HEAD, 2), FormCell(
                "value", 20, text=facts.reply, align="left", valign="top", blank="", open_bottom=True)), 32,
                keep_with_next=True),
            FormRow((FormCell("sign", 20, text=signed, align="right", open_top=True),), 15),
            FormRow((label("督办单位\n核查意见", HEAD, 2), FormCell(
                "value", 20, text="", align="left", blank="", open_bottom=True)), 26, keep_with_next=True),
            FormRow((FormCell("sign", 20, text=checked, align="right", open_top=True),), 15),
        ),
        notes=(f"本回执填写后报{facts.issuer}。在系统内回复的，打印后签字盖章即可。",),
        sheet_name="回执",
        body_pt=12,
        label_pt=12,
    )  # fmt: skip


def sheets(facts: NoticeFacts, stamp: Stamp) -> list[Sheet]:
    """Lay the notice and its reply slip out; both bear the day of issue, not that of printing."""
    del stamp
    return [lay_out_form(form(facts), {}), lay_out_form(slip(facts), {})]
