# ruff: noqa: E501 - rows stand as they are written
"""附件6 that comes back: unchanged it changes nothing; untidy cells are read; what cannot be is an error at its cell."""

import datetime as dt
import io

import openpyxl
import pytest

from branches.intake.workbook import read_workbook
from branches.models import Role
from grading.services.errors import RefusedError
from rectification.baseline import SHEET
from rectification.importers import apply_ledger, plan_ledger
from rectification.models import Change, Item, Progress
from rectification.returned import Fate, Way
from reporting.annexes import annex6, annex6_baseline
from reporting.annexes.facts import Stamp
from reporting.annexes.gather_annex6 import annex6_of
from reporting.tables import xlsx
from tests.factories.branches import holder
from tests.factories.ledger_world import NOW, ledger_world
from tests.factories.rectification import ChangeFactory
from tests.worlds import shared

pytestmark = pytest.mark.once
world = shared(ledger_world)


@pytest.fixture(autouse=True)
def _june(time_machine):
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def secretary(world):
    return holder(Role.SECRETARY, world.grading.school.software)


def printed(world, unit):
    """The workbook the office would hand out."""
    facts = annex6_of(world.round, unit)
    content = xlsx.render(annex6.sheets(facts, Stamp("2012年6月30日")), dress=annex6_baseline.dress(facts))
    return openpyxl.load_workbook(io.BytesIO(content))


def bare(book):
    """The same workbook as if its table had been copied into a new file."""
    del book[SHEET]
    return book


def returned(book):
    file = io.BytesIO()
    book.save(file)
    return read_workbook("附件6.xlsx", file.getvalue())


def planned(world, book):
    units = list(world.round.units.select_related("round__campaign").order_by("direct", "parent_code", "code"))
    nodes = [plan.branch_id for plan in world.plans.values()]
    return plan_ledger(round_=world.round, units=units, nodes=nodes, workbook=returned(book), now=NOW)


def place(page, problem):
    """The row of a problem, and what the columns are."""
    heads = {}
    for row in page.iter_rows(min_row=4, max_row=5):
        heads |= {str(cell.value).replace("\n", ""): cell.column_letter for cell in row if cell.value}
    number = next(cell.row for row in page.iter_rows(min_row=6) for cell in row if cell.value == problem)
    return number, heads


def write(page, problem, **cells):
    number, heads = place(page, problem)
    for head, value in cells.items():
        page[f"{heads[head]}{number}"] = value


@pytest.mark.parametrize("unit", ["root", "maths", "software", "history"])
def test_an_unchanged_workbook_changes_nothing(world, unit):
    plan = planned(world, printed(world, getattr(world.grading.school, unit)))
    assert plan.problems == ()
    assert [entry.fate for entry in plan.entries] == [Fate.SAME] * len(plan.entries)
    assert len(plan.entries) == {"root": 10, "maths": 5, "software": 3, "history": 1}[unit]
    assert not plan.ready


def test_untidy_dates_and_marks_are_read(world):
    book = printed(world, world.grading.school.software)
    page = book.active
    write(page, "没有固定的活动场所", 完成时限="2012年6月15日")
    write(page, "青年教师入党积极分子少", 完成时限="2013.12.31", **{"长期性项　目": "✓"})
    assert planned(world, book).of(Fate.CHANGED) == []
    write(page, "没有固定的活动场所", 完成时限="2012-6")
    plan = planned(world, book)
    (entry,) = plan.of(Fate.CHANGED)
    assert [(c.name, c.after, c.way) for c in entry.changes] == [("due", dt.date(2012, 6, 30), Way.REQUESTED)]
    assert [problem.reason for problem in plan.problems] == ["完成时限只写到月，按2012年6月30日读取"]


def test_a_draft_is_changed_and_grows_field_by_field(world):
    book = printed(world, world.grading.school.history)
    page = book.active
    write(
        page,
        "组织生活次数不足",
        整改目标="每月1次",
        责任人="周　全",
        完成时限=dt.datetime(2012, 9, 30),
        问题类别="抓发展明思路",
    )
    for merge in [one for one in page.merged_cells.ranges if one.min_row > 6]:
        page.unmerge_cells(str(merge))
    page.insert_rows(7)
    for column, value in zip(
        "BDEFGHI",
        ("2010级历史学党支部", "抓保障增投入", "没有活动经费", "列入预算", "9月前报学院", "周全", "2012.9.30"),
        strict=True,
    ):
        page[f"{column}7"] = value
    plan = planned(world, book)
    assert plan.errors == ()
    (changed,), (new,) = plan.of(Fate.CHANGED), plan.of(Fate.NEW)
    assert [(c.label, *c.shown, c.way.zh) for c in changed.changes] == [
        ("问题类别", "抓规范建制度", "抓发展明思路", "直接修改"),
        ("整改目标", "会议记录完整", "每月1次", "直接修改"),
        ("责任人", "李小红", "周全", "直接修改"),
        ("完成时限", "2012年10月31日", "2012年9月30日", "直接修改"),
    ]
    done = apply_ledger(by=world.verifier, plan=plan, now=NOW)
    assert (done.new, done.changed, done.same, done.requests) == (1, 1, 0, 0)
    rows = world.plans["history"].items.values_list("problem", "goal", "owner_name", "due_on", "category__name")
    assert list(rows) == [
        ("组织生活次数不足", "每月1次", "周全", dt.date(2012, 9, 30), "抓发展明思路"),
        ("没有活动经费", "列入预算", "周全", dt.date(2012, 9, 30), "抓保障增投入"),
    ]
    assert new.row.row == 7
    assert not planned(world, printed(world, world.grading.school.history)).touched


def test_an_approved_item_takes_progress_records_an_owner_and_asks_for_the_rest(world, secretary):
    book = printed(world, world.grading.school.software)
    write(
        book.active,
        "没有固定的活动场所",
        整改目标="落实活动室2间",
        责任人="周全",
        完成时限="2012.8.31",
        **{"进展/完成情况": "桌椅已到位"},
    )
    plan = planned(world, book)
    (entry,) = plan.of(Fate.CHANGED)
    assert [(c.name, c.way) for c in entry.changes] == [
        ("goal", Way.REQUESTED), ("owner", Way.RECORDED), ("due", Way.REQUESTED), ("progress", Way.PROGRESS),
    ]  # fmt: skip
    done = apply_ledger(by=secretary, plan=plan, now=NOW)
    assert (done.changed, done.same, done.requests) == (1, 2, 2)
    item = Item.objects.get(pk=world.items["overdue"].pk)
    assert (item.owner_name, item.goal, item.due_on) == ("周全", "会议记录完整", dt.date(2012, 6, 15))
    assert Progress.objects.filter(item=item).first().text == "桌椅已到位"
    asked = item.changes.filter(state=Change.State.PROPOSED).values_list("kind", flat=True)
    assert sorted(asked) == ["deadline", "goal"]


@pytest.mark.parametrize(
    ("unit", "problem", "cells", "cell", "reason"),
    [
        ("software", "支委未配齐，分工不明确", {"整改目标": "别的"}, "F6", "这一项已销号，不能再改，请改回原样"),
        ("software", "没有固定的活动场所", {"日期": "2012.6.29"}, "L8", "销号由上级在系统里核实登记，不从表格导入，请改回原样"),
        ("software", "没有固定的活动场所", {"问题类别": "抓发展明思路"}, "D8", "方案已经批准，问题和类别不能再改，请改回原样"),
        ("software", "没有固定的活动场所", {"问题类别": "其他"}, "D8", "问题类别“其他”不在问题类别之内（抓书记强班子、抓发展明思路、抓覆盖建组织、抓规范建制度、抓阵地建场所、抓保障增投入）"),
        ("software", "没有固定的活动场所", {"完成时限": "六月底"}, "I8", "完成时限“六月底”不是日期，请写成 2011.10 或 2011年10月"),
        ("software", "没有固定的活动场所", {"长期性项　目": "也许"}, "J8", "长期性项目“也许”看不出是不是长期性项目，请打√或留空"),
        ("software", "没有固定的活动场所", {"存在的主要问题": ""}, "E8", "存在的主要问题为空"),
        ("history", "组织生活次数不足", {"进展/完成情况": "已补2次"}, "K6", "项目还没有批准，不登记进展，请清空这一格"),
        ("history", "组织生活次数不足", {"党支部名称": "2011级历史学党支部"}, "B6", "没有“2011级历史学党支部”这个党组织，或不在您的办理范围内。"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_an_error_at_its_cell_and_nothing_is_written(world, unit, problem, cells, cell, reason):
    book = printed(world, getattr(world.grading.school, unit))
    write(book.active, problem, **cells)
    plan = planned(world, book)
    assert (cell, reason) in [(error.cell, error.reason) for error in plan.errors]
    assert not plan.ready
    with pytest.raises(RefusedError):
        apply_ledger(by=world.verifier, plan=plan, now=NOW)


def test_what_a_service_refuses_takes_everything_back(world, secretary):
    """The deadline lies in the past: the request is refused, so the progress of the other row is not written either."""
    book = printed(world, world.grading.school.software)
    write(book.active, "没有固定的活动场所", 完成时限="2012.6.1")
    write(book.active, "青年教师入党积极分子少", **{"进展/完成情况": "确定3名"})
    plan = planned(world, book)
    assert plan.ready
    with pytest.raises(RefusedError) as refused:
        apply_ledger(by=secretary, plan=plan, now=NOW)
    assert refused.value.sentences == ["工作表“附件6”第8行（软件工程教研室党支部）：新的完成时限已经过了。"]


def test_an_item_left_out_stays_and_is_named(world):
    book = printed(world, world.grading.school.maths)
    number, _ = place(book.active, "群众意见反馈不及时")
    for merge in list(book.active.merged_cells.ranges):
        if merge.min_row <= number <= merge.max_row and merge.min_col == 2:
            book.active.unmerge_cells(str(merge))
    for cell in book.active[number]:
        cell.value = None
    book.active[f"B{number + 1}"] = "2010级数学党支部"
    plan = planned(world, book)
    assert [line.problem for line in plan.missing] == ["群众意见反馈不及时"]
    assert plan.touched == []


def test_a_file_printed_before_the_system_went_on_undoes_nothing(world):
    item = world.items["overdue"]
    book = bare(printed(world, world.grading.school.maths))
    ChangeFactory(
        item=item, kind="details", state="recorded", old={"measures": item.measures}, new={"measures": "新的做法"}
    )
    Item.objects.filter(pk=item.pk).update(measures="新的做法")
    done = {"state": "verified", "verified_on": NOW.date(), "verified_by": world.verifier, "result": "均已反馈"}
    Item.objects.filter(pk=world.items["in_hand"].pk).update(**done, requested_at=NOW, percent=100)
    plan = planned(world, book)
    assert plan.errors == ()
    assert plan.touched == []
    assert {(problem.code, problem.level.value) for problem in plan.problems} == {("older", "warning")}
    write(book.active, item.problem, 整改措施="另一种做法")
    (entry,) = planned(world, book).touched
    assert [(change.name, change.way) for change in entry.changes] == [("measures", Way.RECORDED)]


def went_on(world):
    """After the print an item is verified and the measures of another change."""
    verified = {"state": "verified", "verified_on": NOW.date(), "verified_by": world.verifier, "result": "均已反馈"}
    Item.objects.filter(pk=world.items["in_hand"].pk).update(**verified, requested_at=NOW, percent=100)
    Item.objects.filter(pk=world.items["overdue"].pk).update(measures="系统里的新做法")


def test_an_untouched_older_export_is_no_fault_and_writes_nothing_back(world):
    book = printed(world, world.grading.school.maths)
    went_on(world)
    plan = planned(world, book)
    assert (plan.problems, plan.touched, plan.known) == ((), [], True)
    assert plan.notes == ("这份表下载以后系统里又改过 4 格，表里没有动，按系统里的保留。",)


def test_only_what_was_typed_is_taken_from_an_older_export(world):
    book = printed(world, world.grading.school.maths)
    went_on(world)
    write(book.active, "没有固定的活动场所", 责任人="周全")
    (entry,) = planned(world, book).touched
    assert [(c.name, *c.shown, c.conflict) for c in entry.changes] == [("owner", "李小红", "周全", False)]
    write(book.active, "群众意见反馈不及时", 整改目标="别的")
    plan = planned(world, book)
    number, heads = place(book.active, "群众意见反馈不及时")
    assert [(error.cell, error.reason) for error in plan.errors] == [
        (f"{heads['整改目标']}{number}", "这一项已销号，不能再改，请改回原样")
    ]


def test_what_both_changed_is_written_only_where_it_is_ticked(world, secretary):
    item = world.items["overdue"]
    book = printed(world, world.grading.school.software)
    went_on(world)
    write(book.active, item.problem, 整改措施="表里的做法")
    plan = planned(world, book)
    ((change,),) = [entry.changes for entry in plan.touched]
    assert (plan.conflicts, change.key, change.shown) == (1, f"{item.pk}-measures", ("系统里的新做法", "表里的做法"))
    with pytest.raises(RefusedError) as refused:
        apply_ledger(by=secretary, plan=plan, now=NOW)
    assert refused.value.sentences == ["没有勾选要用表里内容的格子，什么也没有写入；按系统里的保留就放弃这份文件。"]
    assert Item.objects.get(pk=item.pk).measures == "系统里的新做法"
    done = apply_ledger(by=secretary, plan=plan, now=NOW, taken=[change.key])
    assert (done.changed, done.same) == (1, 2)
    assert Item.objects.get(pk=item.pk).measures == "表里的做法"


def test_a_draft_reworded_in_the_system_is_found_by_how_it_was_given_out(world):
    item = world.items["draft"]
    book = printed(world, world.grading.school.history)
    Item.objects.filter(pk=item.pk).update(problem="台账缺失")
    write(book.active, "组织生活次数不足", 整改目标="每月1次")
    plan = planned(world, book)
    ((change,),) = [entry.changes for entry in plan.touched]
    assert (plan.touched[0].line.item, change.name, change.way, change.conflict) == (item.pk, "goal", Way.SAVED, False)
    Item.objects.filter(pk=item.pk).update(state=Item.State.CLOSED)
    plan = planned(world, book)
    assert plan.touched == []
    assert [(one.cell, one.code, one.level.value) for one in plan.problems] == [("E6", "gone", "warning")]


def test_a_file_without_its_hidden_sheet_warns_and_skips_what_is_verified(world):
    book = bare(printed(world, world.grading.school.maths))
    went_on(world)
    write(book.active, "群众意见反馈不及时", 整改目标="别的")
    plan = planned(world, book)
    assert (plan.errors, plan.known) == ((), False)
    assert "这一项已于2012年6月30日销号，这一格与系统里的不同，已跳过，按系统里的保留" in [
        problem.reason for problem in plan.problems
    ]
    ((change,),) = [
        entry.changes for entry in plan.touched
    ]  # nobody recorded what the measures were: shown, and warned of
    assert (change.name, change.before) == ("measures", "系统里的新做法")


def test_a_forged_hidden_sheet_counts_for_nothing(world):
    book = printed(world, world.grading.school.maths)
    book[SHEET]["A2"] = book[SHEET]["A2"].value.replace('"SJ001"', '"SJ002"')
    assert not planned(world, book).known
