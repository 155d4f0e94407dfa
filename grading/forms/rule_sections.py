"""The parts of a round's rules as the office fills them in, in the words of a notice."""

from collections.abc import Mapping
from dataclasses import dataclass

from grading.forms.rules import Choices, Column, Table
from grading.models import Cap, Round, RoundStep, Source, VetoItem

BALLOT_STARTER = (
    {"label": "满意", "points": "100", "satisfied": "on"},
    {"label": "基本满意", "points": "80", "satisfied": "on"},
    {"label": "不满意", "points": "40"},
)

SHEETS = f"{Source.SELF},{Source.SUPERIOR},{Source.SPOT_CHECK}"
OPTIONS = Table(
    "options",
    "评议选项",
    (
        Column("code", "代码", "hidden", required=False),
        Column("label", "选项", longest=20),
        Column("points", "得分", "number", required=False),
        Column("satisfied", "计入满意率", "check", required=False),
    ),
    add="添加选项",
    hint="不填得分的选项（如“不了解”）仍是有效票，只是不计入平均分。",
    when=("giver", "appraisal"),
    coded="code",
    starter=BALLOT_STARTER,
)
GROUPS = Table(
    "groups",
    "评议人员分类",
    (
        Column("code", "代码", "hidden", required=False),
        Column("name", "评议人员", longest=40),
        Column("weight", "权重（%）", "number"),
    ),
    add="添加一类评议人员",
    hint="党员、群众代表等分开计票、各有权重时填写；不分就不填。某一类有效票不足上面那个数的，与本支部其他类合在一起计，"
    "权重相加；合起来还不足，整个支部不计。",
    when=("giver", "appraisal"),
    coded="code",
)
ANNUAL = Table(
    "annual_points",
    "等次折算",
    (
        Column("label", "等次", longest=20),
        Column("points", "折算分", "number"),
        Column("low", "对应分数从", "number", required=False),
        Column("high", "到", "number", required=False),
        Column("synonyms", "也写作", "words", required=False, longest=20),
    ),
    add="添加等次",
    hint="考核结果写的是等次时按这里折成分数（百分制）；只录分数的可以不填。"
    "“对应分数”按录入的分数写，用来核对等次和分数是否一致。",
    when=("giver", "annual"),
)
SOURCES = Table(
    "sources",
    "评分来源",
    (
        Column("code", "代码", "hidden", required=False),
        Column("name", "来源", longest=40),
        Column("short_name", "简称", required=False, longest=10),
        Column("weight", "权重（%）", "number"),
        Column("giver", "怎么得来", "choice", choices="givers", default=Source.SELF, wide=True),
        Column("entry", "打分方式", "choice", choices="entries", default=Source.Entry.ITEMS, when=("giver", SHEETS)),
        Column(
            "minimum_ballots",
            "有效票至少",
            "whole",
            required=False,
            default="5",
            when=("giver", "appraisal"),
            hint="少于这个数的不公布、不计分，免得看出谁投了什么。通知没有写的保留 5。",
        ),
        Column(
            "rate_name",
            "比例叫什么",
            required=False,
            longest=10,
            when=("giver", "appraisal"),
            hint="计入满意率的票占有效票的比例，表上和门槛里叫什么；不填就叫满意率。",
        ),
        Column("names_tellers", "写明计票人和监票人", "check", required=False, when=("giver", "appraisal")),
        Column("double_entry", "纸质票由两人分别录入", "check", required=False, when=("giver", "appraisal")),
        Column(
            "full_marks",
            "录入的分数满分",
            "number",
            required=False,
            default="100",
            when=("giver", "annual"),
            hint="通知写满分 50 分的填 50，分数照原样录入，按得分÷满分×100 计。",
        ),
        Column("allow_over", "允许超过满分", "check", required=False, when=("giver", "annual")),
    ),
    (OPTIONS, GROUPS, ANNUAL),
    add="添加来源",
    hint="每个来源先折成百分制，再按权重相加：评分标准满分 120 分、得 108 分的，按 90 分计。"
    "通知写“自评 30 分、评议 20 分、考评 50 分，相加为总分”的，权重就填 30、20、50。"
    "只有总分、没有逐条分数的来源，选“录入的等次或分数”，可以整表导入。"
    "学校考核组给每个支部都按评分标准打分的，成员各自登录打分就选“学校抽查”，开始后按 100% 抽取，再分派给他们；"
    "由活动办公室在网上代录或整表导入、本轮又没有党总支考评的，选“党总支考评”，来源写考核组的名称（各党总支也能评自己的支部，请事先说好）。",
    cards=True,
)
GRADES = Table(
    "grades",
    "等级",
    (
        Column("code", "代码", "hidden", required=False),
        Column("label", "等级", longest=20),
        Column("minimum", "综合得分达到（≥）", "number", required=False),
    ),
    add="添加等级",
    hint="从最好的写起。最后一个等级不填分数线：达不到上面任何一条的都归入它。",
    coded="code",
)
GATES = Table(
    "gates",
    "门槛",
    (
        Column("figure", "看哪个数", "choice", choices="figures"),
        Column("minimum", "低于（% 或分）", "number"),
        Column("best", "最高评为", "choice", required=False, choices="maybe_grades"),
        Column("bars_promotion", "不得晋位升级", "check", required=False),
    ),
    add="添加门槛",
    hint="看满意率等比例的填百分数，看某项得分的填分数（百分制）。按准确的数比较，不先四舍五入：89.99% 就是低于 90%。"
    "满意率按全部有效票合计，评议人员分了类的也不按类别权重加权。",
)
VETOES = Table(
    "vetoes",
    "一票否决",
    (
        Column("code", "代码", "hidden", required=False),
        Column("text", "情形", longest=120),
        Column("effect", "后果", "choice", choices="effects", default=VetoItem.Effect.FORCE),
        Column("grade", "等级", "choice", choices="grades"),
        Column("months", "只看近几个月", "whole", required=False),
    ),
    add="添加情形",
    coded="code",
)
CAPS = Table(
    "caps",
    "名额",
    (
        Column("grade", "等级", "choice", choices="grades"),
        Column("side", "限制", "choice", choices="sides", default=Cap.Side.AT_MOST, wide=True),
        Column("value", "数值", "number"),
        Column("measure", "单位", "choice", choices="measures", default=Cap.Measure.SHARE),
        Column("extent", "范围", "choice", choices="extents"),
        Column("rounding", "取整", "choice", choices="roundings", default=Cap.Rounding.DOWN),
        Column("mode", "不合名额时怎么办", "choice", choices="modes", wide=True),
        Column("tie", "同分先比", "choice", required=False, choices="maybe_sources"),
        Column("tie_then", "再比", "choice", required=False, choices="maybe_sources"),
    ),
    add="添加名额限制",
    hint="百分比按参加定级的支部数算：范围是“每个党总支”的，按该党总支的支部数，是“全校”的，按全校的支部数；本轮不定级的不算。"
    "“最多”连同更好的等级一起数，“至少”连同更差的等级一起数。比不出先后的留给人定，系统不抽签。",
    cards=True,
)
STEPS = Table(
    "steps",
    "步骤",
    (
        Column("code", "步骤", "choice", choices="steps"),
        Column("name", "本校另有叫法的", required=False, longest=40),
        Column("due_on", "截止日期", "day", required=False),
    ),
    add="添加步骤",
    hint="按先后写；叫法不填的用左边的名称，评分来源里加了来源，它的步骤会自动列上。没有列出的步骤本轮就不办：没有“公示”就不公示，没有“学校确认”就不必确认。"
    "“审定”由定级的一方定下每个支部的等级；“学校确认”是等级定下以后，学校再开会认可一次。"
    "等级由党总支定、学校还要把关的，两步都写；等级由党委定的，有“审定”就够了，通知另要确认的才加“学校确认”。",
)
CHECKS = Table(
    "checks",
    "摸底内容",
    (Column("code", "代码", "hidden", required=False), Column("text", "检查内容", longest=60)),
    add="添加一项",
    coded="code",
)
PROBLEMS = Table(
    "problems",
    "评议问题",
    (Column("code", "代码", "hidden", required=False), Column("text", "问题", longest=60)),
    add="添加一项",
    hint="评议票上不写字，只能勾选这里列出的问题；够公布下限的才公布票数。",
    coded="code",
)
BASICS = (
    Column("name", "轮次名称", longest=60),
    Column("rule_name", "办法名称", required=False, longest=100, hint="印在每张表上，如“党支部分类定级办法”。"),
    Column("deciding_level", "等级由谁定", "choice", choices="levels"),
    Column("opens_on", "开始日期", "day", required=False),
    Column("ends_on", "结束日期", "day", required=False),
    Column("places", "综合得分保留几位小数", "whole", default="2", hint="四舍五入后再对照分数线。"),
    Column("missing", "缺一个来源时", "choice", choices="missing", wide=True),
    Column("exempt_months", "成立不满几个月的不定级", "whole", required=False,
           hint="如一年填 12；不填就都定。按支部名单日期算：一般是开始自评那天，本轮开始日期已过的是开始日期。"
           "这些支部仍可自评，名单上写“不定级”。"),
)  # fmt: skip
COMPARED = (
    Column("first", "拿", "choice", required=False, choices="maybe_sheets"),
    Column("second", "和", "choice", required=False, choices="maybe_sheets", hint="比，达到下面任何一项的要写理由。"),
    Column("points", "合计相差（分）", "number", required=False),
    Column("section_points", "某一部分相差（分）", "number", required=False),
    Column("grades", "相差几个等级", "whole", required=False),
)


@dataclass(frozen=True, slots=True)
class Part:
    """One page of the editor."""

    code: str
    title: str
    text: str
    columns: tuple[Column, ...] = ()
    tables: tuple[Table, ...] = ()


PUBLICITY = (Column("publicity_days", "公示几个工作日", "whole", required=False),)
PARTS = (
    Part("basics", "基本情况", "名称、由谁定级、缺项怎么办、哪些支部不定级。", BASICS),
    Part("grades", "等级和分数线", "等级叫什么、有几个，综合得分达到多少进哪一级。", tables=(GRADES,)),
    Part("sources", "评分来源", "综合得分由哪几项组成、各占多少；权重合计要等于 100%。", tables=(SOURCES,)),
    Part("gates", "门槛", "另看一个数（如满意率），低于多少最高只能评为哪一级。", tables=(GATES,)),
    Part("vetoes", "一票否决", "发生了哪些情形，直接定为或最高评为哪一级。", tables=(VETOES,)),
    Part("caps", "名额", "某个等级最多或至少多少，按党总支算还是按全校算。", tables=(CAPS,)),
    Part("compare", "差异说明", "自评和考评相差太大时，请评分的人写明理由。", COMPARED),
    Part("steps", "步骤与期限", "本轮走哪几步，各到哪一天。", PUBLICITY, (STEPS,)),
    Part("checks", "摸底内容", "走访摸底时逐项看什么，印在每个支部的定级表上。", tables=(CHECKS,)),
    Part("problems", "评议问题", "评议票上可以勾选哪些问题；不设就没有。", tables=(PROBLEMS,)),
    Part("rubrics", "评分标准", "每一类党支部用哪一份已发布的评分标准。"),
)  # fmt: skip
BY_CODE: Mapping[str, Part] = {part.code: part for part in PARTS}

GIVERS: Choices = (
    (Source.SELF, "党支部自评，按评分标准打分"),
    (Source.SUPERIOR, "党总支考评，按评分标准打分"),
    (Source.SPOT_CHECK, "学校抽查，按评分标准打分"),
    (Source.Kind.APPRAISAL, "群众评议，按票数折算"),
    (Source.Kind.ANNUAL, "录入的等次或分数，如年度考核"),
)
FIXED: Mapping[str, Choices] = {
    "givers": GIVERS,
    "entries": ((Source.Entry.ITEMS, "逐条打分"), (Source.Entry.SECTIONS, "按部分打分")),
    "effects": tuple(VetoItem.Effect.choices),
    "sides": ((Cap.Side.AT_MOST, "最多（含更好的等级）"), (Cap.Side.AT_LEAST, "至少（含更差的等级）")),
    "measures": ((Cap.Measure.SHARE, "%"), (Cap.Measure.NUMBER, "个")),
    "extents": tuple(Cap.Extent.choices),
    "roundings": (
        (Cap.Rounding.UP, "进一"),
        (Cap.Rounding.DOWN, "舍去小数"),
        (Cap.Rounding.HALF_UP, "四舍五入"),
    ),
    "modes": ((Cap.Mode.WARNING, "只提示，由人处理"), (Cap.Mode.ENFORCED, "系统按名次降一级")),
    "levels": tuple(Round.DecidingLevel.choices),
    "missing": tuple(Round.Missing.choices),
    "steps": tuple(RoundStep.Code.choices),
}
