"""Invented definitions that use every feature of the package once; the real annexes live in reporting/annexes."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from reporting.tables import (
    Block,
    Column,
    Facts,
    Form,
    FormRow,
    Group,
    Merge,
    Pair,
    Signature,
    Subtotal,
    Table,
    Total,
    TotalCell,
    choices,
    formats,
    label,
    lay_out,
    lay_out_form,
    opinion,
    value,
    vertical_label,
)
from reporting.tables.cells import Sheet

GRADES = ("先进", "较好", "一般", "后进")


def _count(rows: Sequence[Any], grade: str) -> int:
    return sum(1 for row in rows if row["grade"] == grade)


def _mean(key: str) -> Any:
    return lambda rows: Fraction(sum((Fraction(row[key]) for row in rows), Fraction(0)), len(rows))


def _sum(key: str) -> Any:
    return lambda rows: sum(row[key] for row in rows)


def _grades(rows: Sequence[Any]) -> str:
    return "　".join(f"{grade}{_count(rows, grade)}" for grade in GRADES)


def _total_cells(first: str, word: str) -> Total:
    return Total(
        (
            TotalCell(first, lambda rows: f"{word}（{len(rows)}个支部）", through="secretary"),
            TotalCell("members", _sum("members")),
            TotalCell("full", _sum("full")),
            TotalCell("probationary", _sum("probationary")),
            TotalCell("self", _mean("self")),
            TotalCell("masses", _mean("masses")),
            TotalCell("annual", _mean("annual")),
            TotalCell("superior", _mean("superior")),
            TotalCell("total", _mean("total")),
            TotalCell("rate", _mean("rate")),
            TotalCell("self_grade", _grades, through="remarks", align="left"),
        )
    )


def _sentence(facts: Facts) -> str:
    rows = facts.rows
    counts = [(grade, _count(rows, grade)) for grade in GRADES]
    shares = {grade: formats.display(Fraction(count, len(rows)), formats.PERCENT)[1] for grade, count in counts}
    parts = [f"{grade} {count} 个（{shares[grade]}）" for grade, count in counts]
    return f"合计：支部 {len(rows)} 个，其中{'、'.join(parts)}。"


def _matrix(facts: Facts) -> list[list[Any]]:
    kinds = list(dict.fromkeys(row["category"] for row in facts.rows))
    lines: list[list[Any]] = [["类别＼等级", *GRADES, "小计"]]
    for kind in kinds:
        rows = [row for row in facts.rows if row["category"] == kind]
        lines.append([kind, *(_count(rows, grade) for grade in GRADES), len(rows)])
    lines.append(["合计", *(_count(facts.rows, grade) for grade in GRADES), len(facts.rows)])
    return lines


SCHOOL = Table(
    slug="sample-school",
    code="附件5",
    title=lambda facts: f"{facts.values['school']}党支部分类定级汇总表",
    head_line=(
        Pair("填报单位（盖章）", lambda facts: facts.values["unit"]),
        Pair("填报时间", "2012年3月30日"),
        Pair("填表人", "林　婷"),
        Pair("联系电话", "17000000000"),
    ),
    columns=(
        Column("general_branch", "党总支", 21.5),
        Column("number", "序号", 8, format=formats.INTEGER, counter=True),
        Column("name", "党支部名称", 35, align="left", row_header=True),
        Column("category", "类别", 12),
        Column("secretary", "书记\n姓名", 14, format=formats.NAME),
        Group(
            "党员数",
            (
                Column("members", "合计", 9.5, format=formats.INTEGER),
                Column("full", "正式", 9.5, format=formats.INTEGER),
                Column("probationary", "预备", 9.5, format=formats.INTEGER),
            ),
        ),
        Group(
            "得　　分",
            (
                Column("self", "自评", 11.7, format=formats.DECIMAL2),
                Column("masses", "群众\n评议", 11.7, format=formats.DECIMAL2),
                Column("annual", "年度\n考核", 11.7, format=formats.DECIMAL2),
                Column("superior", "党总支\n考评", 11.7, format=formats.DECIMAL2),
                Column("total", "综合", 11.7, format=formats.DECIMAL2),
            ),
        ),
        Column("rate", "满意率\n（%）", 12.5, format=formats.DECIMAL1),
        Group(
            "等　　级",
            (
                Column("self_grade", "支部\n自评", 10.5),
                Column("proposed", "党总支\n拟定", 11.5),
                Column("grade", "党委\n审定", 10.5),
            ),
        ),
        Column("veto", "一票\n否决", 9.5, blank="无"),
        Column("problems", "主要问题", 20.6, align="left", blank="无"),
        Column("target", "晋位\n目标", 10.5),
        Column("remarks", "备\n注", 7.5, blank=""),
    ),
    merge_by=(Merge(("general_branch",)),),
    subtotals=(Subtotal("general_branch", _total_cells("number", "小计")),),
    total=_total_cells("general_branch", "合计"),
    footer=(_sentence,),
    blocks=(Block(_matrix, (64, 26, 26, 26, 26, 26), total_rows=1),),
    signatures=(Signature("党委组织部部长（签字）："), Signature("审核人："), Signature("制表人：")),
    body_pt=9,
    header_pt=9.5,
    freeze=3,
)

_SURNAMES = (
    "傅文峰",
    "吴勇",
    "吴峰",
    "庄少伟",
    "林镕",
    "郭玉萍",
    "潘伟",
    "王锦萱",
    "赖诗颖",
    "陈喆",
    "柯堃",
    "谢犇",
    "䶮㛃",
    "林\U00020164文",
)
_PROBLEMS = ("到期未换届", "毕业生党员去向掌握不全", "活动经费使用台账不全", "青年教师中发展党员较少", None)


def branch(number: int, unit: str) -> dict[str, Any]:
    """One invented row."""
    score = Decimal(70) + Decimal(number * 7 % 29)
    return {
        "general_branch": unit,
        "name": ("数学与计算机科学教研室教工党支部", "2009级学生党支部", "研究生党支部")[number % 3],
        "category": ("教师", "学生")[number % 2],
        "secretary": _SURNAMES[number % len(_SURNAMES)],
        "members": 11 + number % 23,
        "full": 9 + number % 20,
        "probationary": 2 + number % 3,
        "self": score,
        "masses": score + Decimal("1.35"),
        "annual": Decimal(85),
        "superior": score - Decimal("0.5"),
        "total": score + Decimal("0.845"),
        "rate": Decimal("86.355") + number % 10,
        "self_grade": GRADES[number % 3],
        "proposed": GRADES[number % 3] if number % 5 else None,
        "grade": GRADES[number % 3],
        "veto": None,
        "problems": _PROBLEMS[number % 5],
        "target": GRADES[0],
        "remarks": None,
    }


def school_rows(sizes: Sequence[int]) -> list[dict[str, Any]]:
    """Rows of as many invented general branches as there are sizes."""
    names = ("文学与传播学院党总支", "政治与社会发展学院党总支", "外国语学院党总支", "直属党支部")
    rows: list[dict[str, Any]] = []
    for index, size in enumerate(sizes):
        unit = f"{names[index % 4]}{'' if index < 4 else index}"
        rows.extend(branch(len(rows) + one, unit) for one in range(size))
    return rows


def school_sheet(sizes: Sequence[int] = (9, 7, 14, 3, 8, 2)) -> Sheet:
    """The school's table over several pages."""
    return lay_out(SCHOOL, school_rows(sizes), {"school": "清源师范学院", "unit": "清源师范学院党委组织部"})


_CHECKS = (
    "组织设置是否合理",
    "支部班子是否健全",
    "组织制度是否完善",
    "发展思路是否清晰",
    "活动开展是否正常",
    "作用发挥是否充分",
    "经费场所是否落实",
)

SURVEY = Form(
    slug="sample-survey",
    code="附件4",
    title="清源师范学院党支部调查摸底与分类定级表",
    head_line=(Pair("填报单位（盖章）", lambda facts: facts.values["name"]), Pair("填报时间", "2012年3月28日")),
    rows=(
        FormRow((label("党支部名称", 4), value("name", 10), label("所属党总支", 4), value("parent", 6))),
        FormRow((label("支部类别", 4), choices("category", ("教师", "学生", "机关", "离退休", "师生联合"), 20))),
        FormRow(
            (
                label("成立时间", 4),
                value("founded", 4, format=formats.DATE_ZH),
                label("最近换届", 4),
                value("elected", 4),
                label("届满时间", 4),
                value("due", 4),
            )
        ),
        FormRow(
            (
                label("支部书记", 4, 2),
                label("姓名", 2),
                value("secretary", 4, format=formats.NAME),
                label("性别", 2),
                value("gender", 2),
                label("出生年月", 3),
                value("birth", 3),
                label("学历", 2),
                value("education", 2),
            )
        ),
        FormRow(
            (
                label("职务/职称", 3),
                value("post", 4),
                label("任职时间", 3),
                value("since", 3),
                label("联系电话", 3),
                value("phone", 4),
            )
        ),
        FormRow((label("支委人数\n及 分 工", 4), value("committee", 20, align="left"))),
        FormRow((vertical_label("调查摸底", 2, 8), label("检查内容", 6), label("情况", 6), label("说明", 10))),
        *(
            FormRow(
                (
                    label(text, 6),
                    choices(f"check{index}", ("好", "一般", "差"), 6),
                    value(f"note{index}", 10, align="left"),
                )
            )
            for index, text in enumerate(_CHECKS)
        ),
        FormRow(
            (
                label("得　　分", 4, 2),
                label("支部自评\n（20%）", 5),
                label("群众评议\n（20%）", 5),
                label("党总支考评\n（40%）", 5),
                label("综合得分", 5),
            )
        ),
        FormRow(
            (
                value("self", 5, format=formats.DECIMAL2),
                value("masses", 5, format=formats.DECIMAL2),
                value("superior", 5, format=formats.DECIMAL2),
                value("total", 5, format=formats.DECIMAL2),
            )
        ),
        FormRow((label("存在的\n主要问题", 4), value("problems", 20, align="left")), min_height_mm=34),
        FormRow(
            (label("晋位升级\n目标与\n主要措施", 4), value("measures", 20, align="left")),
            min_height_mm=44,
            page_break_before=True,
        ),
        *opinion(
            "支部自评\n意　　见",
            "self_opinion",
            signature="支部书记（签字）：　　　　　　　　　　　　年　　月　　日　",
            heading_span=4,
            span=20,
        ),
        *opinion(
            "党委审定\n意　　见",
            "committee_opinion",
            signature="（盖章）　　　　年　　月　　日　",
            heading_span=4,
            span=20,
            text_mm=26,
        ),
    ),
    notes=(
        "1. 支部类别、情况在□内打“√”；等级填写先进、较好、一般、后进。",
        "2. 人数截至填报日；流动党员已含在党员总数内。",
    ),
)


def survey_values() -> Mapping[str, Any]:
    """Values of one invented branch."""
    values: dict[str, Any] = {
        "name": "外国语学院英语本科低年级学生党支部",
        "parent": "外国语学院党总支",
        "category": "学生",
        "founded": None,
        "elected": "2011年10月",
        "due": "2013年10月",
        "secretary": "柯虹",
        "gender": "女",
        "birth": "1984.07",
        "education": "研究生",
        "post": "辅导员/讲师",
        "since": "2011.10",
        "phone": "17000000705",
        "committee": "3人。书记：谢宏珊；组织委员：洪景宁（2009级英语1班）；宣传委员：柯　虹（2010级英语2班）。",
        "self": Decimal("89.5"),
        "masses": Decimal("93.655"),
        "superior": Decimal(87),
        "total": Decimal("88.43"),
        "problems": "1. 支委会未单设纪检委员，班子分工不够明确。\n2. 主题活动特色不明显，个别活动开展后未及时总结。",
        "measures": "目标：第二次评定达到先进等级。\n措施：1. 5月底前召开党员大会增补纪检委员（责任人：支部书记）。",
        "self_opinion": "经支部党员大会讨论，自评得分 89.50 分，自评等级：较好。",
        "committee_opinion": None,
    }
    for index in range(len(_CHECKS)):
        values[f"check{index}"] = ("好", "一般", "差")[index % 3]
        values[f"note{index}"] = "与学生会共用办公室，无固定场所" if index % 2 else None
    return values


def survey_sheet() -> Sheet:
    """The form of one branch over two pages."""
    return lay_out_form(SURVEY, survey_values())
