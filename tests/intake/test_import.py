"""From the office's file into the tree: everything or nothing, and twice is once."""

import datetime as dt
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from branches import clock
from branches.importers import ImportRefused, RosterPlan, Step, apply_roster, plan_roster, site_vocabulary
from branches.importers.roster_tree import load_tree
from branches.intake.roster import read_roster
from branches.intake.workbook import read_workbook
from branches.models import Appointment, AuditEntry, Branch, BranchProfile, Category, HeaderWord, Person, Placement
from branches.partial_dates import PartialDate
from branches.services import founding, tree
from tests.factories.branches import BranchFactory, Level
from tests.intake.files import DATA, HEADER, made, row

pytestmark = pytest.mark.db
TODAY = dt.date(2012, 4, 1)


@pytest.fixture
def root() -> Branch:
    return BranchFactory(code="DW", level=Level.COMMITTEE, name="中共清源师范学院委员会")


def plan(root: Branch, data: bytes, name: str = "花名册.xlsx", **decisions: str) -> RosterPlan:
    words = site_vocabulary()
    known = load_tree(root, TODAY).unit_names()
    reading = read_roster(read_workbook(name, data), words, known_units=known, decisions=decisions)
    return plan_roster(reading, root=root, today=TODAY, vocabulary=words, decisions=decisions)


def apply(root: Branch, data: bytes, **decisions: str) -> RosterPlan:
    planned = plan(root, data, **decisions)
    apply_roster(planned, by=None, now=clock.now(), vocabulary=site_vocabulary())
    return planned


def counted() -> tuple[int, ...]:
    models = (Branch, Placement, BranchProfile, Person, Appointment, Category, AuditEntry)
    return tuple(model.objects.count() for model in models)


def test_the_whole_school_comes_in_and_twice_changes_nothing(root: Branch) -> None:
    data = (DATA / "roster-sample.xlsx").read_bytes()
    first = plan(root, data)
    assert (len(first.new_units), len(first.new), len(first.changed), len(first.absent)) == (20, 168, 0, 0)
    outcome = apply_roster(first, by=None, now=clock.now(), vocabulary=site_vocabulary())
    assert (outcome.new_units, outcome.new, outcome.changed, outcome.unchanged) == (20, 168, 0, 0)

    placed = Branch.objects.as_of(dt.date(2012, 3, 20))
    assert placed.branches_only().count() == 168
    assert placed.filter(level=Level.GENERAL_BRANCH).count() == 20
    assert {branch.name for branch in placed.branches_only() if branch.parent_id == root.pk} == {
        "校医院直属党支部",
        "附属中学直属党支部",
    }
    by_category = {name: placed.filter(category_name=name).count() for name in ("教师", "学生", "机关", "离退休")}
    assert by_category == {"教师": 63, "学生": 78, "机关": 21, "离退休": 6}
    profiles = BranchProfile.objects.values_list("full_members", "probationary_members", "mobile_members")
    assert [sum(values) for values in zip(*profiles, strict=True)] == [2473, 1334, 172]

    fifth = Branch.objects.get(code="QY005")
    secretary = Appointment.objects.get(branch=fifth)
    assert (secretary.person.name, secretary.person.gender, secretary.person.phone) == ("林镕", "female", "17000001812")
    assert secretary.starts == PartialDate(2011, 5)
    assert Person.objects.filter(name__in=["李䶮", "苏㛃", "庄𠅤"]).count() == 3

    before = counted()
    again = plan(root, data)
    assert again.ok
    assert again.changes_nothing
    assert again.summary() == "没有变化：168个党支部都与系统一致。"
    outcome = apply_roster(again, by=None, now=clock.now(), vocabulary=site_vocabulary())
    assert (outcome.new, outcome.changed, outcome.unchanged) == (0, 0, 168)
    assert counted() == before


def test_a_file_with_errors_writes_nothing(root: Branch) -> None:
    before = counted()
    planned = plan(root, (DATA / "roster-errors.xlsx").read_bytes())
    assert not planned.ok
    with pytest.raises(ImportRefused, match="一行也没有写入"):
        apply_roster(planned, by=None, now=clock.now(), vocabulary=site_vocabulary())
    assert counted() == before


def test_the_code_decides_whatever_the_name(root: Branch) -> None:
    apply(root, made(HEADER, row("体育学院理论教研室党支部", code="A1"), row("体育学院田径党支部", code="A2")))
    planned = apply(
        root,
        made(
            HEADER,
            row("体育学院理论与训练教研室党支部", category="机关", code="a1", secretary="李䶮", formal=12),
            row("体育学院田径党支部", code="A2"),
        ),
    )
    assert [entry.step for entry in planned.entries] == [Step.CHANGED, Step.UNCHANGED]
    branch = Branch.objects.as_of(TODAY).branches_only().order_by("pk").first()
    assert (branch.name, branch.category_name) == ("体育学院理论与训练教研室党支部", "机关")
    assert BranchProfile.objects.get(branch=branch).full_members == 12
    held = Appointment.objects.filter(branch=branch).order_by("pk")
    assert [(post.person.name, post.ends_on is None) for post in held] == [("吴勇", False), ("李䶮", True)]
    labels = {change.label: (change.before, change.after) for change in planned.changed[0].changes}
    assert labels["正式党员"] == ("10", "12")
    assert labels["书记"] == ("吴勇", "李䶮")


def test_members_without_their_parts_leave_the_known_ones(root: Branch) -> None:
    head = ["所属党总支", "党支部名称", "支部类别", "党员人数"]
    place = ["体育学院党总支", "田径党支部", "教师"]
    apply(root, made(HEADER, row("田径党支部", formal=17, probationary=3)))
    assert plan(root, made(head, [*place, 20])).changes_nothing
    apply(root, made(head, [*place, 22]))
    counts = BranchProfile.objects.values_list("full_members", "probationary_members")
    assert list(counts) == [(19, 3)]
    apply(root, made(head, [*place, 2]))  # fewer than the known 预备
    assert list(counts.all()) == [(2, 0)]
    both = made([*head, "其中预备"], [*place, 186, 18])
    apply(root, both)
    assert list(counts.all()) == [(168, 18)]
    assert plan(root, both).changes_nothing
    assert plan(root, made(HEADER, row("田径党支部", formal=168, probationary=18))).changes_nothing


def test_without_a_code_the_name_within_the_unit_decides(root: Branch) -> None:
    apply(root, made(HEADER, row("第一党支部"), row("第一党支部", unit="图书馆党总支")))
    planned = plan(root, made(HEADER, row("第一党支部", unit="图书馆党总支", formal=20)))
    assert [(entry.step, entry.unit) for entry in planned.entries] == [(Step.CHANGED, "图书馆党总支")]
    assert [entry.unit for entry in planned.absent] == ["体育学院党总支"]
    assert planned.absent[0].code.startswith("ZB")


def test_a_branch_moves_to_another_unit(root: Branch) -> None:
    apply(root, made(HEADER, row("甲教研室党支部", code="A1"), row("乙教研室党支部", unit="图书馆党总支", code="A2")))
    planned = apply(
        root,
        made(
            HEADER, row("甲教研室党支部", unit="图书馆党总支", code="A1"),
            row("乙教研室党支部", unit="直属党支部", code="A2"),
        ),
    )  # fmt: skip
    assert planned.ok
    parents = {branch.code: branch.parent_name for branch in Branch.objects.as_of(TODAY).branches_only()}
    assert parents == {"A1": "图书馆党总支", "A2": "中共清源师范学院委员会"}


def test_blank_cells_erase_nothing(root: Branch) -> None:
    header = [*HEADER, "联系电话", "备注"]
    apply(root, made(header, [*row("甲教研室党支部", code="A1"), 17000001111, "联合支部"]))
    planned = plan(root, made(header, [*row("甲教研室党支部", code="A1"), None, None]))
    assert planned.changes_nothing


def test_a_similar_unit_is_proposed_not_merged(root: Branch) -> None:
    apply(
        root,
        made(HEADER, row("甲教研室党支部", unit="外国语学院党总支"), row("乙教研室党支部", unit="外国语学院党总支")),
    )
    data = made(HEADER, row("丙教研室党支部", unit="外语学院党总支"), row("丁教研室党支部", unit="外语学院党总支"))
    asked = plan(root, data)
    assert [(p.cell, p.code, p.suggestions) for p in asked.problems] == [
        ("A2", "unit_unknown", ("外国语学院党总支",)),
    ]
    merged = plan(root, data, 外语学院党总支="外国语学院党总支")
    assert merged.ok
    assert not merged.new_units
    apart = plan(root, data, 外语学院党总支="外语学院党总支")
    assert apart.ok
    assert [unit.name for unit in apart.new_units] == ["外语学院党总支"]


def test_a_unit_unlike_any_is_new(root: Branch) -> None:
    apply(root, made(HEADER, row("甲教研室党支部", unit="外国语学院党总支")))
    planned = plan(
        root, made(HEADER, row("乙教研室党支部", unit="航海学院党总支"), row("丙党支部", unit="航海学院党总支"))
    )
    assert planned.ok
    assert [unit.name for unit in planned.new_units] == ["航海学院党总支"]


def test_a_similar_branch_without_code_is_proposed(root: Branch) -> None:
    apply(root, made(HEADER, row("体育学院理论教研室教工党支部")))
    data = made(HEADER, row("体育学院理论教研室教师党支部"))
    asked = plan(root, data)
    assert [(p.code, p.suggestions) for p in asked.problems] == [("branch_unknown", ("体育学院理论教研室教工党支部",))]
    same = plan(root, data, 体育学院理论教研室教师党支部="体育学院理论教研室教工党支部")
    assert [entry.step for entry in same.entries] == [Step.CHANGED]
    other = plan(root, data, 体育学院理论教研室教师党支部="体育学院理论教研室教师党支部")
    assert [entry.step for entry in other.entries] == [Step.NEW]


def test_a_tree_that_changed_since_the_preview_refuses(root: Branch) -> None:
    data = made(HEADER, row("甲教研室党支部", code="A1"))
    planned = plan(root, data)
    apply(root, data)
    with pytest.raises(ImportRefused, match="重新预览"):
        apply_roster(planned, by=None, now=clock.now(), vocabulary=site_vocabulary())


def test_a_failure_in_the_middle_leaves_nothing(root: Branch, monkeypatch: pytest.MonkeyPatch) -> None:
    before = counted()

    def breaks(pairs: Any) -> Any:
        assert Branch.objects.filter(pk__in=[branch.pk for branch, _ in pairs]).count() == 2
        raise tree.TreeError("写不进去")

    monkeypatch.setattr(founding, "_secretaries", breaks)
    planned = plan(root, made(HEADER, row("甲党支部"), row("乙党支部")))
    with pytest.raises(ImportRefused, match="一行也没有写入"):
        apply_roster(planned, by=None, now=clock.now(), vocabulary=site_vocabulary())
    assert counted() == before


def test_one_person_named_by_two_new_branches_is_registered_once(root: Branch) -> None:
    phones = (17000000001, 17000000001, 17000000002)
    lines = [[*row(f"{name}党支部", secretary="李䶮"), phone] for name, phone in zip("甲乙丙", phones, strict=True)]
    apply(root, made([*HEADER, "联系电话"], *lines))
    held = Appointment.objects.order_by("branch__position").values_list("person__phone", flat=True)
    assert list(held) == ["17000000001", "17000000001", "17000000002"]
    assert Person.objects.filter(name="李䶮").count() == 2
    actions = [entry.action for entry in AuditEntry.objects.order_by("pk")]
    assert actions.count("branch.set_up") == 4  # the unit too
    assert (actions.count("person.add"), actions.count("appointment.appoint"), actions.count("profile.save")) == (
        2,
        3,
        3,
    )
    assert Person.objects.filter(initials="ly").count() == 2


def test_a_name_taken_under_the_same_parent_is_refused(root: Branch) -> None:
    unit = BranchFactory(level=Level.GENERAL_BRANCH, name="体育学院党总支", parent=root)
    twice = [founding.Founding(code, tree.Place("田径党支部", unit)) for code in ("T1", "T2")]
    with pytest.raises(tree.TreeError, match="已有名为“田径党支部”"):
        founding.found(by=None, foundings=twice, starts_on=TODAY, reason="测试")
    assert not Branch.objects.filter(code__in=["T1", "T2"]).exists()


def test_words_and_categories_a_site_taught(root: Branch) -> None:
    HeaderWord.objects.create(table="roster", field="name", word="组织全名")
    Category.objects.create(code="union", name="统战", synonyms=["统战支部"], position=9)
    Category.objects.create(code="teacher", name="教师", synonyms=["园丁"], position=1)
    header = ["所属党总支", "组织全名", *HEADER[2:]]
    data = made(
        header, row("甲党支部", category="统战"), row("乙党支部", category="园丁"), row("丙党支部", category="教工")
    )
    planned = apply(root, data)
    assert [entry.row.category for entry in planned.entries] == ["union", "teacher", "teacher"]


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("import_roster", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_checks_then_writes(root: Branch, tmp_path: Path) -> None:
    file = tmp_path / "花名册.xlsx"
    file.write_bytes(made(HEADER, row("甲党支部", code="A1"), row("乙党支部", code="A2")))
    assert "（只检查，未写入）新增1个党总支，新增2个党支部" in command(str(file), "--check")
    assert not Branch.objects.branches_only().exists()
    told = json.loads(command(str(file), "--json"))
    assert (told["written"], told["new"], told["totals"]["formal"]) == (True, ["甲党支部", "乙党支部"], 20)
    assert "没有变化：2个党支部都与系统一致。" in command(str(file))


def test_the_command_lists_every_error(root: Branch) -> None:
    out = StringIO()
    with pytest.raises(CommandError, match="有21条错误，一行也没有写入"):
        call_command("import_roster", str(DATA / "roster-errors.xlsx"), stdout=out)
    assert "[错误] 工作表“党支部花名册” H19：" in out.getvalue()
    assert not Branch.objects.branches_only().exists()


def test_the_command_without_a_committee_says_so() -> None:
    with pytest.raises(CommandError, match="还没有党委"):
        command(str(DATA / "roster-sample.xlsx"))
