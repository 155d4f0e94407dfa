"""进展情况报告表 as a table: a row of figures for each category of people, then a row for each section."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from interviews.coverage_tables import HIDDEN
from reporting.tables import PORTRAIT, Column, Pair, Sheet, Signature, Table, half_up, lay_out

REPORT = Table(
    slug="progress-report",
    title=lambda facts: f"“两访两创”进展情况报告表（{facts.values['period']}）",
    page=PORTRAIT,
    head_line=(
        Pair("填报单位（盖章）", lambda facts: facts.values["unit"]),
        Pair("填报人", lambda facts: facts.values["written_by"]),
        Pair("填报时间", lambda facts: facts.values["day"]),
    ),
    columns=(
        Column("name", "栏目", 28, label=True, row_header=True),
        Column("text", "内容", 137, align="left", blank=""),
    ),
    signatures=(Signature("单位负责人（签字）："), Signature("填报人：")),
    notes=(
        lambda facts: (
            f"1. 人数由系统统计；{HIDDEN} 为保护个人，不足 {facts.values['least']} 人的数字及能推算出它们的数字不显示。"
        ),
        "2. 一对一访谈按人计入覆盖率，座谈延伸单列。",
        lambda facts: f"3. 为保护个人，数字变动满 {facts.values['least']} 人才更新，可能比实际少几人。",
    ),
)


def _number(value: int | None) -> str:
    return HIDDEN if value is None else str(value)


def said(line: Mapping[str, Any]) -> str:
    """Say the figures of one category."""
    people, done = line["people"], line["done"]
    share = f"{half_up(Fraction(done * 100, people), 1)}%" if people and done is not None else HIDDEN
    return (
        f"名册 {_number(people)} 人，一对一已谈 {_number(done)} 人，覆盖率 {share}；"
        f"逾期未谈 {_number(line['overdue'])} 人；座谈延伸 {_number(line['extended'])} 人；"
        f"已回访 {_number(line['revisited'])} 人，待回访 {_number(line['to_revisit'])} 人。"
    )


def rows_of(figures: Mapping[str, Any], texts: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    """Return the rows of a sheet."""
    counted = [{"name": f"访谈{line['name']}", "text": said(line)} for line in figures.get("categories", ())]
    return counted + [{"name": name, "text": text} for name, text in texts]


def sheet_of(values: Mapping[str, Any], figures: Mapping[str, Any], texts: Sequence[tuple[str, str]]) -> Sheet:
    """Lay a report out; `values` say period, unit, day and who wrote it."""
    return lay_out(REPORT, rows_of(figures, texts), values={"least": figures.get("least", 5), **values})
