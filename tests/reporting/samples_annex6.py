# ruff: noqa: E501 - rows stand as they are printed
"""附件6 worked out by hand: six branches with fourteen problems, five of them put right, and a school of three units."""

import datetime as dt
from dataclasses import replace

from reporting.annexes.annex6 import Annex6, ItemRow, Standing
from reporting.annexes.facts import Heading
from tests.reporting.samples import MATHS, STAMP, TWELVE

__all__ = ["BRANCH", "GENERAL_BRANCH", "ROWS", "SCHOOL", "STAMP"]

S = Standing
_TEXTS: tuple[tuple[int, str, str, str, str, str, dt.date, Standing, str, str, str], ...] = (
    (1, "抓书记强班子", "支委未配齐，分工不明确", "班子健全、分工到人", "召开党员大会增补组织委员，分工张榜公布", "杨静娟",
     dt.date(2012, 5, 25), S.VERIFIED, "已增补，5月22日公布", "2012.5.28", ""),
    (1, "抓覆盖建组织", "青年教师入党积极分子少", "两年内发展青年教师党员2名", "每名支委联系1名青年骨干教师，每季度谈话1次", "洪宁",
     dt.date(2013, 12, 31), S.LONG_TERM, "已确定培养对象2名", "", ""),
    (2, "抓规范建制度", "党员缺席组织生活没有补课", "缺席人员一周内补学", "统一使用记录本，组织委员每月检查1次，缺席人员一周内补学", "潘宇芳",
     dt.date(2012, 6, 30), S.VERIFIED, "5、6月检查合格", "2012.6.29", ""),
    (3, "抓规范建制度", "群众意见反馈不及时", "办理反馈率100%", "设意见登记簿，10个工作日内答复，每月公布办理情况", "黄锋",
     dt.date(2012, 9, 30), S.OPEN, "登记11条，已答复8条", "", ""),
    (3, "抓阵地建场所", "没有固定的活动场所", "落实活动室1间", "与学院协商，调剂教学楼B座房间1间，配齐桌椅书柜", "黄锋",
     dt.date(2012, 6, 15), S.OVERDUE, "房间已落实，桌椅未到位", "", "逾期"),
    (3, "抓发展明思路", "党建与教学结合不紧", "形成1项品牌活动", "每名党员教师上1次示范课，学期末评选", "林远",
     dt.date(2012, 12, 15), S.OPEN, "已示范9人次", "", ""),
    (4, "抓规范建制度", "会议记录漏记缺席人员", "记录完整、可查", "规范记录格式，党总支每季度抽查1次", "郭斌",
     dt.date(2012, 6, 30), S.VERIFIED, "二季度抽查合格", "2012.6.28", ""),
    (4, "抓保障增投入", "活动经费不足", "每年不少于2000元", "报学院列入年度预算，专款专用", "郭斌",
     dt.date(2012, 11, 30), S.OPEN, "已列入学院预算草案", "", ""),
    (6, "抓书记强班子", "支委中学生党员流动快", "支委按期补选", "毕业离校前一个月完成补选，新委员培训8学时", "王雅凤",
     dt.date(2012, 6, 20), S.VERIFIED, "6月12日补选2名", "2012.6.21", ""),
    (6, "抓覆盖建组织", "低年级班级没有党员", "大二班级党员全覆盖", "每班确定2名培养联系人，按季度考察", "欧阳文静",
     dt.date(2013, 6, 30), S.LONG_TERM, "11个班已覆盖7个", "", ""),
    (6, "抓阵地建场所", "宿舍区没有学习场所", "宿舍区设党员活动角2处", "与后勤处协商，利用楼栋值班室开辟活动角", "王雅凤",
     dt.date(2012, 10, 31), S.OPEN, "", "", ""),
    (8, "抓规范建制度", "组织生活次数不足", "每月不少于1次", "学期初排定计划，考勤公示，党总支每月检查", "施少斌",
     dt.date(2012, 6, 10), S.OVERDUE, "5月起每月1次", "", "逾期"),
    (8, "抓保障增投入", "活动经费使用台账不全", "台账齐全、账实相符", "补齐上年台账，指定专人登记，每学期公示1次", "施少斌",
     dt.date(2012, 5, 31), S.VERIFIED, "已补齐并公示", "2012.6.1", ""),
    (8, "抓发展明思路", "学习以念文件为主", "每学期不少于2次专题研讨", "年初列出研讨题目，党员轮流主讲，网上留存材料", "许可",
     dt.date(2012, 12, 20), S.OPEN, "已开展1次", "", ""),
)  # fmt: skip


def _row(
    place: int, category: str, problem: str, goal: str, measures: str, owner: str, due: dt.date, standing: Standing,
    progress: str, verified: str, remark: str,
) -> ItemRow:  # fmt: skip
    branch = TWELVE[place - 1]
    on = dt.date(*map(int, verified.split("."))) if verified else None
    return ItemRow(
        branch=branch.code, group=MATHS, name=branch.name, short_name=branch.short_name, grade=branch.grade,
        target=branch.target, category=category, problem=problem, goal=goal, measures=measures, owner=owner, due=due,
        long_term=standing == S.LONG_TERM, standing=standing, progress=progress, verified_on=on,
        verifier="潘秋彬" if on else "", remark=remark,
    )  # fmt: skip


HEAD = Heading("附件6", "党支部整改汇总表")
ROWS = tuple(_row(*texts) for texts in _TEXTS)
GENERAL_BRANCH = Annex6("清源师范学院", MATHS, "SJ", "general_branch", ROWS, HEAD)
BRANCH = Annex6("清源师范学院", ROWS[3].name, ROWS[3].branch, "branch", ROWS[3:6], HEAD)
_LETTERS = tuple(
    replace(row, branch=f"L{row.branch}", group="文学院党总支", name=f"文学院{row.short_name}")
    for row in ROWS[:6]
)  # fmt: skip
_LIBRARY = replace(
    ROWS[7], branch="TSG", group="直属党支部", name="图书馆直属党支部", short_name="图书馆直属党支部", grade="后进", target="一般",
    standing=S.CONDITIONS, remark="暂不具备条件",
)  # fmt: skip
SCHOOL = Annex6("清源师范学院", "清源师范学院党委组织部", "DW", "committee", (*ROWS, *_LETTERS, _LIBRARY), HEAD)
