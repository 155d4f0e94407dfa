# ruff: noqa: E501, N817 - rows stand as they are printed
"""Facts of the annexes worked out by hand: twelve branches of one 党总支, a school of three units, one branch's forms.

The twelve ballots add up to 335 valid and 280 satisfied, 83.58 %.
"""

from dataclasses import replace
from decimal import Decimal as D
from typing import Any

from branches.partial_dates import PartialDate
from branches.wording import without_unit
from reporting.annexes import facts as f

SOURCES = (
    f.Source("self", "支部自评", "自评", D(20)),
    f.Source("appraisal", "群众评议", "群众", D(20)),
    f.Source("annual", "年度考核", "年度", D(20)),
    f.Source("superior", "党总支考评", "总支", D(40)),
)
ROUND = f.RoundFacts(
    school="清源师范学院",
    committee="清源师范学院党委",
    office="清源师范学院党委组织部",
    name="第一轮",
    grades=("先进", "较好", "一般", "后进"),
    sources=SOURCES,
    categories=("教师", "学生", "机关", "离退休", "师生联合"),
    checks=(
        "组织设置是否合理", "支部班子是否健全", "组织制度是否完善", "发展思路是否清晰", "活动开展是否正常", "作用发挥是否充分",
        "经费场所是否落实",
    ),
    ballot=("满意", "基本满意", "不满意"),
    vetoes=(
        "书记或班子严重违纪违法", "半年以上无组织生活", "书记长期空缺或班子瘫痪", "逾期不换届且无批准", "重大责任事故或群体性事件",
        "材料造假",
    ),
)  # fmt: skip
STAMP = f.Stamp("2012年3月30日", "林婷", "17000000000")
HEAD4 = f.Heading("附件4", "党支部调查摸底与分类定级表")
HEAD5 = f.Heading("附件5", "党支部分类定级汇总表")
MATHS = "数学与计算机科学学院党总支"

_ROWS: tuple[tuple[Any, ...], ...] = (
    (
        "数学系教工",
        "教师",
        "杨静娟",
        5,
        2,
        "74.5 81.43 70 69.5 72.99",
        14,
        10,
        "一般",
        "支委未配齐，分工不明确",
        "较好",
    ),
    ("计算机系教工", "教师", "潘宇芳", 18, 0, "87.5 92 85 85 86.9", 25, 23, "较好", "青年教师中发展党员较少", "先进"),
    (
        "公共数学教研室教工",
        "教师",
        "黄锋",
        9,
        0,
        "76.5 88.42 70 77 77.78",
        19,
        16,
        "较好",
        "群众意见反馈不及时",
        "先进",
    ),
    ("实验中心教工", "教师", "郭斌", 7, 1, "72 82.35 70 70 72.87", 17, 13, "一般", "会议记录漏记缺席人员", "较好"),
    ("行政教工", "教师", "黄堃", 20, 0, "73.5 82.14 70 68.5 72.53", 28, 21, "一般", "制度落实不到位", "较好"),
    (
        "2008级学生",
        "学生",
        "王雅凤",
        12,
        7,
        "84.5 89.23 85 82.5 84.75",
        26,
        22,
        "较好",
        "支委未配齐，分工不明确",
        "先进",
    ),
    ("2009级学生", "学生", "郑秋莹", 16, 7, "87 92.86 85 85.5 87.17", 28, 26, "较好", "党建与教学科研结合不紧", "先进"),
    ("2010级学生", "学生", "施少斌", 14, 6, "72 84.67 70 70 73.33", 30, 23, "一般", "活动经费使用台账不全", "较好"),
    ("2011级学生", "学生", "陈嘉龙", 22, 11, "95 94.55 95 89.5 92.71", 44, 41, "先进", "学习以念文件为主", "先进"),
    ("软件工程专业学生", "学生", "吴志斌", 22, 21, "70 82.98 70 69 72.2", 47, 36, "一般", "群众意见反馈不及时", "较好"),
    ("研究生", "学生", "邱思娟", 14, 15, "85.5 88.39 85 81.5 84.38", 31, 27, "较好", "到期未换届", "先进"),
    (
        "信息安全专业学生",
        "学生",
        "连舟",
        9,
        11,
        "84.5 89.23 85 82.5 84.75",
        26,
        22,
        "较好",
        "支委未配齐，分工不明确",
        "先进",
    ),
)


def _branch(number: int, row: tuple[Any, ...]) -> f.BranchResult:
    name, category, secretary, full, probationary, scores, valid, satisfied, grade, problem, target = row
    *each, composite = (D(text) for text in scores.split())
    full_name = f"数学与计算机科学学院{name}党支部"
    return f.BranchResult(
        code=f"SJ{number:02d}", group=MATHS, name=full_name, short_name=without_unit(full_name, MATHS),
        category=category, secretary=secretary, members=full + probationary, full_members=full, probationary=probationary,
        scores=tuple(each), composite=composite, valid=valid, satisfied=satisfied, self_grade=grade, proposed_grade=grade,
        decided_grade="", veto_known=True, problem=problem, target=target,
    )  # fmt: skip


TWELVE = tuple(_branch(number, row) for number, row in enumerate(_ROWS, 1))
GENERAL_BRANCH = f.Annex5(ROUND, MATHS, TWELVE, heading=HEAD5)
DIRECT = replace(
    TWELVE[0],
    code="ZS01", group=f.DIRECT, name="图书馆直属党支部", short_name="图书馆直属党支部", direct=True, proposed_grade="较好",
    decided_grade="较好", category="机关",
)  # fmt: skip
LETTERS = tuple(replace(row, group="文学院党总支", code=f"WX{row.code[2:]}") for row in TWELVE[:3])
SCHOOL = f.Annex5(ROUND, ROUND.office, (*TWELVE, *LETTERS, DIRECT), merged=True, heading=HEAD5)

FORM = f.Annex4(
    round=ROUND,
    heading=HEAD4,
    result=replace(TWELVE[6], name="外国语学院英语本科低年级学生党支部", valid=41, satisfied=38),
    parent="外国语学院党总支",
    founded=PartialDate(2006, 9),
    last_election=PartialDate(2011, 10),
    term_ends=PartialDate(2013, 10),
    secretary=f.Secretary(
        "柯虹", "女", PartialDate(1984, 7), "研究生", "辅导员/讲师", PartialDate(2011, 10), "17000000705"
    ),
    committee="3人。书记：柯虹；组织委员：洪景宁（2009级英语1班）；宣传委员：谢宏珊（2010级英语2班）。",
    counts=(32, 21, 11, 22, 32, 1, 31, 1, 46, 12),
    findings=(
        f.Finding("好", "按年级设置，便于开展活动"),
        f.Finding("一般", "纪检委员由组织委员兼任，拟于5月增补"),
        f.Finding("好", "“三会一课”等5项制度齐全"),
        f.Finding("好", "有年度计划，围绕学风建设"),
        f.Finding("一般", "每学期主题活动2次，其中1次无总结"),
        f.Finding("好", "党员联系宿舍32间"),
        f.Finding("差", "与学生会共用办公室，无固定场所"),
    ),
    annual="良好",
    ballots=f.Ballots(42, 41, 41, (34, 4, 3)),
    problems="1．支委会未单设纪检委员，班子分工不够明确。\n2．主题活动特色不明显。\n3．无相对固定的活动场所。",
    goal="目标：第二次评定达到先进等级。\n措施：1．5月底前召开党员大会增补纪检委员（责任人：支部书记）。",
    self_submitted=True,
)


def scoring_sheet() -> f.Sheet:
    """A rubric of two sections, one item 不适用 for the branch, both sides handed in."""
    first = f.Section("领导班子好", D(5), D("4.5"), D("4.0"))
    second = f.Section("党员队伍好", D(6), D("3.0"), D("5.5"))
    items = (
        f.Item(first, "A1", "支委配备齐全，按期换届，每名委员有明确分工", D(2), D("1.5"), D("1.5")),
        f.Item(
            first, "A2", "支委带头学理论，年内集体学习有计划、有记录", D(3), D("3.0"), D("2.5"), remark="缺1次会议记录"
        ),
        f.Item(second, "B1", "党员身份意识强，主动为师生服务", D(3), D("3.0"), D("3.0")),
        f.Item(second, "B2", '=HYPERLINK("http://x")参学率不低于90%', D(3), None, D("2.5"), own_excluded=True),
    )
    return f.Sheet(
        round=ROUND, form_code="附件2", title="教师党支部分类定级评分表", name="数学与计算机科学学院计算机系教工党支部",
        parent=MATHS, items=items, total=f.Section("合计", D(11), D("7.5"), D("9.5")), own_filed=True,
        superior_filed=True, veto_reviewed=True, comment="自评与考评相差不足10分。", code="SJ02",
    )  # fmt: skip
