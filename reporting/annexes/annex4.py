"""附件4 党支部调查摸底与分类定级表: one branch on a grid of 24 equal columns, two pages."""

from collections.abc import Sequence
from typing import Any

from reporting.annexes import wording
from reporting.annexes.facts import DIRECT, NOT_GRADED, Annex4, RoundFacts, Stamp
from reporting.tables import (
    Form,
    FormCell,
    FormRow,
    Pair,
    Sheet,
    choices,
    formats,
    label,
    lay_out_form,
    opinion,
    text,
    value,
)

TITLE, SHEET = "党支部分类定级表", "定级表"
LEVELS = ("好", "一般", "差")
COUNT_LABELS = (
    "党员\n总数", "正式", "预备", "女", "35岁\n以下", "教工", "学生", "流动", "积极\n分子", "当年\n发展",
)  # fmt: skip
GRID = 24
PAGES = 2
USUAL_BALLOT = 7
HEAD = 4
OWN = "self"
OUT_OF = "（满分"
SIGN_SELF = f"支部书记（签字）：　　　　　　　　　　　　{wording.SIGN_DATE}　　"
SIGN_GROUP = f"党总支书记（签字）：　　　　　　　（盖章）　　　　{wording.SIGN_DATE}　　"
SIGN_DIRECT = f"考评组组长（签字）：　　　　　　　　　　　{wording.SIGN_DATE}　　"
SIGN_COMMITTEE = f"（盖章）　　　　{wording.SIGN_DATE}　　"


def spread(columns: int, parts: int) -> list[int]:
    """Divide columns among parts as evenly as whole columns allow, the wider ones first."""
    each, rest = divmod(columns, parts)
    return [each + (1 if index < rest else 0) for index in range(parts)]


def _identity_rows(categories: Sequence[str]) -> tuple[FormRow, ...]:
    small = 9.5
    return (
        FormRow((label("党支部名称", HEAD), value("name", 10), label("所属党总支", 4), value("parent", 6)), 9.5),
        FormRow((label("支部类别", HEAD), choices("category", categories, 20)), 8.5),
        FormRow((
            label("成立时间", HEAD), value("founded", 4), label("最近换届", 4), value("last_election", 4),
            label("届满时间", 4), value("term_ends", 4),
        ), 8.5),
        FormRow((
            label("支部书记", HEAD, 2), label("姓名", 2), value("secretary", 4, format=formats.NAME),
            label("性别", 2), value("gender", 2), label("出生年月", 3), value("birth", 3), label("学历", 2),
            value("education", 2, size=small),
        ), 8.5),
        FormRow((
            label("职务/职称", 3), value("post", 4), label("任职时间", 3), value("since", 3), label("联系电话", 3),
            value("phone", 4),
        ), 8.5),
        FormRow((label("支委人数\n及 分 工", HEAD), value("committee", 20, align="left")), 13),
        FormRow((
            label("党员情况\n（人）", HEAD, 2), *(label(text, 2, size=small) for text in COUNT_LABELS),
        ), 11),
        FormRow(tuple(value(f"count_{i}", 2, format=formats.INTEGER) for i in range(len(COUNT_LABELS))), 8),
    )  # fmt: skip


def _survey_rows(rounds: RoundFacts) -> tuple[FormRow, ...]:
    """Return 调查摸底; a round that looks at nothing there has no such rows."""
    if not rounds.checks:
        return ()
    head = FormRow((
        FormCell("label", 2, len(rounds.checks) + 1, text="调查摸底", vertical=True, size=12),
        label("检查内容", 6), label("情况", 6), label("说明", 10),
    ), 8)  # fmt: skip
    lines = (
        FormRow((
            text(check, 6, align="center"), choices(f"check_{i}", LEVELS, 6),
            value(f"note_{i}", 10, align="left", size=10),
        ), 8.5)
        for i, check in enumerate(rounds.checks)
    )  # fmt: skip
    return (head, *lines)


def _broken(text: str) -> str:
    """Break a ballot choice of four characters in the middle, as its column is two narrow ones wide."""
    return f"{text[:2]}\n{text[2:]}" if len(text) == 4 else text


def _halved(name: str) -> str:
    """Break a name too long for its label in the middle."""
    half = (len(name) + 1) // 2
    return name if len(name) <= HEAD else f"{name[:half]}\n{name[half:]}"


def _annual_label(facts: Annex4) -> str:
    return _halved(facts.annual_name) or "年度考核\n结　　果"


def _annual_cells(facts: Annex4, side: int) -> tuple[FormCell, FormCell]:
    """Return the name of the recorded result and its cell; points out of other full marks than 100 take two lines."""
    said = _annual_label(facts)
    if OUT_OF not in facts.annual:
        return label(said, HEAD, 2), value("annual", side, 2)
    return label(said, HEAD - 1, 2, size=10), value("annual", side + 1, 2, size=10)


def _on_two_lines(annual: str) -> str:
    """Return 84.00分⏎满分120分 for 84.00分（满分120分）."""
    return annual.replace(OUT_OF, f"\n{OUT_OF[1:]}").replace("分）", "分")


def _ballot_rows(facts: Annex4) -> tuple[FormRow, ...]:
    """Return the recorded result beside the ballots, or what there is of the two in the round."""
    rounds = facts.round
    if not rounds.ballot:
        only = (label(_annual_label(facts), HEAD), value("annual", GRID - HEAD))
        return (FormRow(only, 10.5),) if rounds.recorded else ()
    labels = ("发出", "收回", "有效", *(_broken(option) for option in rounds.ballot), wording.broken(rounds.rate))
    name = rounds.ballot_name
    side = HEAD if not rounds.recorded else 3 if len(labels) <= USUAL_BALLOT else 2
    heading = _halved(name) if side > 2 else f"{name[:2]}\n{name[2:]}"
    spans = spread(GRID - (HEAD + 2 * side if rounds.recorded else side), len(labels))
    names = ("issued", "returned", "valid", *(f"option_{i}" for i in range(len(rounds.ballot))))
    heads = (label(text, span, size=9.5) for text, span in zip(labels, spans, strict=True))
    figures = (value(name, span, format=formats.INTEGER) for name, span in zip(names, spans, strict=False))
    annual = _annual_cells(facts, side) if rounds.recorded else ()
    return (
        FormRow((*annual, label(heading, side, 2), *heads), 10.5),
        FormRow((*figures, value("satisfaction", spans[-1], format=formats.PERCENT2, size=9)), 8),
    )


def _score_rows(rounds: RoundFacts) -> tuple[FormRow, ...]:
    spans = spread(GRID - HEAD, len(rounds.sources) + 1)
    heads: list[FormCell] = [
        label(f"{source.name}\n（{wording.weight(source)}）", span, size=10)
        for source, span in zip(rounds.sources, spans, strict=False)
    ]
    figures = [
        value(f"score_{source.code}", span, format=formats.DECIMAL2)
        for source, span in zip(rounds.sources, spans, strict=False)
    ]
    return (
        FormRow((label("得　　分", HEAD, 2), *heads, label("综合得分", spans[-1], size=10)), 11.5),
        FormRow((*figures, value("composite", spans[-1], format=formats.decimal(rounds.places))), 8),
    )


def _text_rows(*, direct: bool, own_page: bool) -> tuple[FormRow, ...]:
    superior = ("考 评 组\n意　　见", SIGN_DIRECT) if direct else ("党 总 支\n意　　见", SIGN_GROUP)
    box: dict[str, Any] = {"span": GRID - HEAD, "heading_span": HEAD}
    return (
        FormRow((label("存在的\n主要问题", HEAD), value("problems", 20, align="left")), 30),
        FormRow(
            (label("晋位升级\n目标与\n主要措施", HEAD), value("goal", 20, align="left", blank="")),
            46,
            page_break_before=own_page,
        ),
        *opinion("支部自评\n意　　见", "self_opinion", signature=SIGN_SELF, text_mm=20, sign_mm=12, **box),
        *opinion(superior[0], "superior_opinion", signature=superior[1], text_mm=26, sign_mm=16, **box),
        *opinion("党委审定\n意　　见", "committee_opinion", signature=SIGN_COMMITTEE, text_mm=26, sign_mm=16, **box),
    )


def form(facts: Annex4, stamp: Stamp, *, own_page: bool = True) -> Form:
    """Return the definition of 附件4 for these facts; `own_page` begins page 2 with 晋位升级目标."""
    rounds = facts.round
    categories = wording.category_names(rounds, facts.result.category)
    return Form(
        slug="annex4",
        code=facts.heading.number,
        title=facts.heading.over(rounds.school, TITLE),
        grid=GRID,
        head_line=(Pair("填报单位（盖章）", facts.result.name), Pair("填报时间", stamp.on)),
        rows=(
            *_identity_rows(categories),
            *_survey_rows(rounds),
            *_ballot_rows(facts),
            *_score_rows(rounds),
            *_text_rows(direct=facts.result.direct, own_page=own_page),
        ),
        notes=(
            f"1．支部类别、情况在☐内打“√”；等级填写{'、'.join(rounds.grades)}。",
            "2．人数截至填报日；流动党员已含在党员总数内。",
            "3．本表一式三份，党支部、党总支、党委组织部各存一份。",
        ),
        sheet_name=facts.heading.number or SHEET,
    )


def self_opinion(facts: Annex4) -> str:
    """Return the branch's opinion; blank for the pen until the self-assessment is filed."""
    scores = zip(facts.round.sources, facts.result.scores, strict=True)
    own = next((score for source, score in scores if source.code == OWN), None)
    if not facts.self_submitted or own is None:
        return ""
    given = f"自评得分 {wording.two_places(own)} 分"
    if wording.left_out(facts.result, facts.round.grades):
        return f"{given}，本轮{NOT_GRADED}。"
    return f"{given}，自评等级：{facts.result.self_grade}。"


def superior_opinion(facts: Annex4) -> str:
    """Return the opinion of the level above; blank for the pen until it has proposed a grade."""
    result = facts.result
    grade = result.proposed_grade or (result.decided_grade if result.direct else "")
    if not grade or wording.left_out(result, facts.round.grades):
        return ""
    parts = [f"综合得分 {wording.with_places(result.composite, facts.round.places)} 分"]
    if result.satisfaction is not None:
        parts.append(f"{wording.of_the_public(facts.round.rate)} {wording.two_places(result.satisfaction)}%")
    if result.vetoed:
        parts.append("有一票否决情形")
    elif result.veto_known:
        parts.append("无一票否决情形")
    parts.append(f"拟定等级：{grade}{'（人工调整）' if facts.proposed_by_hand else ''}。")
    return "，".join(parts) + facts.decision


def values(facts: Annex4) -> dict[str, Any]:
    """Return what every cell of the form shows."""
    rounds, result, ballots, who = facts.round, facts.result, facts.ballots, facts.secretary
    shown: dict[str, Any] = {
        "name": result.name, "parent": DIRECT if result.direct else facts.parent,
        "category": wording.short_category(result.category),
        "founded": _zh(facts.founded), "last_election": _zh(facts.last_election), "term_ends": _zh(facts.term_ends),
        "secretary": who.name, "gender": who.gender, "birth": _dotted(who.birth), "education": who.education,
        "post": who.title, "since": _dotted(who.since), "phone": who.phone, "committee": facts.committee,
        "annual": _on_two_lines(facts.annual), "issued": ballots.issued,
        "returned": ballots.returned, "valid": ballots.valid,
        "satisfaction": None if result.satisfaction is None else result.satisfaction / 100,
        "composite": result.composite, "problems": facts.problems, "goal": facts.goal,
        "self_opinion": self_opinion(facts), "superior_opinion": superior_opinion(facts),
        "committee_opinion": facts.committee_decision,
    }  # fmt: skip
    shown |= {f"count_{i}": count for i, count in enumerate(facts.counts)}
    shown |= {
        f"option_{i}": ballots.options[i] if i < len(ballots.options) else None for i in range(len(rounds.ballot))
    }
    shown |= {f"score_{s.code}": score for s, score in zip(rounds.sources, result.scores, strict=True)}
    for i in range(len(rounds.checks)):
        shown[f"check_{i}"] = facts.findings[i].level if i < len(facts.findings) else ""
        shown[f"note_{i}"] = facts.findings[i].note if i < len(facts.findings) else ""
    return shown


def _zh(date: Any) -> str:
    return date.zh() if date else ""


def _dotted(date: Any) -> str:
    return date.dotted() if date else ""


def sheets(facts: Annex4, stamp: Stamp) -> list[Sheet]:
    """Lay 附件4 out on two pages: where long texts fill the first, 存在的主要问题 moves over too."""
    shown = values(facts)
    laid = lay_out_form(form(facts, stamp, own_page=bool(facts.round.checks)), shown)  # without them page 1 has room
    if len(laid.pages) > PAGES:
        laid = lay_out_form(form(facts, stamp, own_page=False), shown)
    return [laid]
