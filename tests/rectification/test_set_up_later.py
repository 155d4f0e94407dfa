"""A branch set up after the round was frozen counts with its 党总支 everywhere: split off with open items of another.

Software (2 open, 1 verified, 1 ended) is split under its 党总支, the library's (2 open) under the party committee.
"""

import datetime as dt
import io
from importlib import import_module
from types import SimpleNamespace

import openpyxl
import pytest
import time_machine as clockwork
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.test import RequestFactory
from django.urls import reverse

from branches.models import Role
from branches.scopes import Scope
from branches.services import succession
from branches.services.succession import Ground, Part
from branches.services.tree import Place as Spot
from grading.models import Round
from rectification import board
from rectification.board import Place
from rectification.lists import ITEMS, ItemFilter, item_rows
from rectification.models import Item, Plan, Progress
from rectification.services import closing
from rectification.views.closing import _targets
from rectification.views.shared import superior_name
from reporting.annexes import gather_plan
from reporting.annexes.gather_annex6 import annex6_of, by_unit
from tests.factories.branches import holder
from tests.factories.ledger_world import NOW, ledger_world
from tests.rectification.test_annex6_import import printed, write
from tests.worlds import shared

MATHS, LETTERS, DIRECT = "数学与计算机科学学院党总支", "文学与历史学院党总支", "直属党支部"
NEW, LIBRARY = "软件一室党支部", "图书馆一部党支部"
EVERYTHING = Scope(frozenset(), NOW.date(), everything=True)
GROUND = Ground(dt.date(2012, 6, 25), "刺师党〔2012〕20号", "专业调整")
pytestmark = pytest.mark.db


def divided():
    """Return the ledger's world with its figures before, and after that both splits done."""
    with clockwork.travel(NOW, tick=False):
        ledger = ledger_world()
        round_, school = ledger.round, ledger.grading.school
        Round.objects.filter(pk=round_.pk).update(state=Round.State.FINAL, finalised_at=NOW)
        before = [figures(round_, group) for group in groups(school)]
        made = [
            split(school, branch, parent, names)
            for branch, parent, names in (
                (school.software, school.maths, (NEW, "软件二室党支部")),
                (school.direct, school.root, (LIBRARY, "图书馆二部党支部")),
            )
        ]
    return SimpleNamespace(
        ledger=ledger, round=round_, grading=ledger.grading, school=school, before=before, new=made[0], library=made[1]
    )


def split(school, branch, parent, names):
    parts = [Part(f"{branch.code}{n}", Spot(name, parent, category=school.teachers)) for n, name in enumerate(names, 1)]
    return succession.split(by=None, branch=branch, parts=parts, keeps=False, ground=GROUND)[0]


def groups(school):
    return "", str(school.maths.pk), str(school.letters.pk), "direct"


def figures(round_, group):
    """What items handed on within a 党总支 leave as it was."""
    found = read(round_, group=group)
    kinds = [(line.name, line.total) for line in (*found.categories, *found.dimensions)]
    return {figure.label: figure.value for figure in found.total.figures}, found.burn_down, kinds


def read(round_, **part):
    return board.read(Place(round_, EVERYTHING, **part), NOW)


world = shared(divided)


@pytest.fixture(autouse=True)
def _june(time_machine):
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def plan(world):
    return Plan.objects.select_related("branch", "unit", "under", "round").get(branch=world.new)


def text_of(client, name, *args, **query):
    return client.get(reverse(name, args=args), query).content.decode()


def test_the_boards_count_them_with_their_general_branch(world):
    school = world.school
    assert [figures(world.round, group) for group in groups(school)] == world.before
    lines = [
        (line.name, line.total, line.verified, line.overdue.value, line.approved, line.units)
        for line in read(world.round).groups
    ]
    assert lines == [(MATHS, 5, 1, 1, 3, 3), (LETTERS, 3, 0, 0, 1, 2), (DIRECT, 2, 0, 0, 2, 2)]
    below = read(world.round, group=str(school.maths.pk))
    named = [(line.name, line.total, line.plan_word) for line in below.groups]
    assert named == [
        ("软件工程教研室党支部", 1, "已办结"), ("2010级数学党支部", 2, "已批准"), (NEW, 2, "已批准"),
    ]  # fmt: skip
    own = Place(world.round, EVERYTHING, branch=world.new.pk)
    assert (read(world.round, branch=world.new.pk).total.total, board.branch_name(own)) == (2, NEW)
    direct = read(world.round, group="direct")
    assert [(line.name, line.total) for line in direct.groups] == [("图书馆直属党支部", 0), (LIBRARY, 2)]
    assert board.branch_name(Place(world.round, EVERYTHING, "direct")) == DIRECT
    Item.objects.open().filter(plan__branch=world.new, due_on=dt.date(2012, 6, 15)).update(problem="群众意见反馈不及时")
    assert [one.text for one in read(world.round, group=str(school.maths.pk)).commonest] == ["群众意见反馈不及时"]
    assert [(one.branches, one.items) for one in read(world.round).commonest] == [(3, 3)]


def test_the_list_of_items_finds_them_where_the_board_counts_them(world):
    rows = item_rows(Place(world.round, EVERYTHING))
    shown = ITEMS.prepare(list(rows.order_by(*ITEMS.sorts["order"])))
    assert [(row["group"], row["branch"]) for row in shown] == [
        (MATHS, "软件工程教研室党支部"), (MATHS, "2010级数学党支部"), (MATHS, "2010级数学党支部"), (MATHS, NEW),
        (MATHS, NEW), (LETTERS, LETTERS), (LETTERS, "汉语言文学教研室党支部"), (LETTERS, "汉语言文学教研室党支部"),
        (DIRECT, LIBRARY), (DIRECT, LIBRARY),
    ]  # fmt: skip
    for group, number in zip(groups(world.school), (10, 5, 3, 2), strict=True):
        request = RequestFactory().get("/", {"group": group})
        chosen = ItemFilter(request.GET, queryset=item_rows(Place(world.round, EVERYTHING)), request=request)
        assert len(chosen.qs) == number
        assert [name for _, name in chosen.filters["group"].extra["choices"]].count(DIRECT) == 1
        assert len(chosen.filters["group"].extra["choices"]) == 3
    left = [one.plan.name for one in closing.still_open(campaign=world.round.campaign, now=NOW)]
    assert left == [
        "2010级数学党支部", NEW, LETTERS, "汉语言文学教研室党支部", "2010级历史学党支部", LIBRARY,
    ]  # fmt: skip


def test_landing_and_list_of_plans_show_them(world, plan, signed_in):
    office = signed_in(holder(Role.OFFICE, world.school.root))
    found = {one.name: one for one in office.get(reverse("rectification")).context["groups"]}
    assert (found[MATHS].units, found[MATHS].plans, found[MATHS].approved, found[MATHS].items) == (3, 3, 3, 5)
    assert (found[DIRECT].units, found[DIRECT].plans, found[DIRECT].approved, found[DIRECT].items) == (2, 2, 2, 2)
    for asked, later, own in (
        ("", [NEW, LIBRARY], [LETTERS]), (world.school.maths.pk, [NEW], []), (world.school.letters.pk, [], [LETTERS]),
        ("direct", [LIBRARY], []),
    ):  # fmt: skip
        page = office.get(reverse("plans"), {"unit": asked})
        assert sorted(row.name for row in page.context["later_plans"]) == sorted(later)
        assert [row.name for row in page.context["own_plans"]] == own
    assert "名单确定后新建的党支部" in page.content.decode()
    secretary = signed_in(holder(Role.SECRETARY, world.new))
    shown = text_of(secretary, "rectification")
    for said in (NEW, reverse("plan", args=[plan.pk]), "看方案和进展", "2 项"):
        assert said in shown
    assert f"{NEW}整改进度" in text_of(secretary, "rectification-board", world.round.pk)
    assert superior_name(plan) == MATHS
    item = plan.items.select_related("plan__unit", "plan__under").first()
    assert [one.name for one in _targets(item)] == ["2010级数学党支部"]


def test_every_annex6_and_every_bundle_of_plans_holds_them(world):
    school = world.school
    rows = [(row.group, row.name) for row in annex6_of(world.round, school.root).rows]
    assert rows == [
        (MATHS, "软件工程教研室党支部"), (MATHS, "2010级数学党支部"), (MATHS, "2010级数学党支部"), (MATHS, NEW),
        (MATHS, NEW), (LETTERS, LETTERS), (LETTERS, "汉语言文学教研室党支部"), (LETTERS, "汉语言文学教研室党支部"),
        (DIRECT, LIBRARY), (DIRECT, LIBRARY),
    ]  # fmt: skip
    assert [row.name for row in annex6_of(world.round, school.maths).rows] == [name for _, name in rows[:5]]
    assert [row.problem for row in annex6_of(world.round, world.new).rows] == [
        "青年教师入党积极分子少", "没有固定的活动场所",
    ]  # fmt: skip
    documents = by_unit(world.round, school.root)
    assert [(one.unit, one.code, len(one.rows)) for one in documents] == [
        (MATHS, "SJ", 5), (LETTERS, "WX", 3), (DIRECT, "DW", 2),
    ]  # fmt: skip
    told = [(one.name, one.parent, one.own) for one in gather_plan.below(world.round, school.maths)]
    assert told == [
        ("软件工程教研室党支部", MATHS, False), ("2010级数学党支部", MATHS, False), (NEW, MATHS, False),
    ]  # fmt: skip
    assert [one.name for one in gather_plan.below(world.round, school.root)][-2:] == ["图书馆直属党支部", LIBRARY]


@pytest.mark.parametrize("unit", ["root", "maths", "new"])
def test_their_annex6_is_seen_and_comes_back(world, unit, signed_in):
    node = world.new if unit == "new" else getattr(world.school, unit)
    role = {"root": Role.OFFICE, "maths": Role.GENERAL_BRANCH_OFFICER, "new": Role.SECRETARY}[unit]
    client = signed_in(holder(role, node))
    assert "没有固定的活动场所" in text_of(client, "annex-preview", "annex6", world.round.pk, node.pk)
    book = printed(world, node)
    write(book.active, "没有固定的活动场所", **{"进展/完成情况": "桌椅已到位"})
    file = io.BytesIO()
    book.save(file)
    assert openpyxl.load_workbook(io.BytesIO(file.getvalue())).active.max_row > 6
    sent = SimpleUploadedFile("附件6.xlsx", file.getvalue())
    url = client.post(reverse("annex6-import", args=[world.round.pk]), {"file": sent}).url
    checked = client.get(url).context["plan"]
    assert (checked.problems, [entry.name for entry in checked.touched]) == ((), [NEW])
    assert client.post(url, {"fingerprint": checked.fingerprint}).status_code == 302
    assert Progress.objects.get(text="桌椅已到位").item.plan.branch == world.new


def test_the_database_keeps_where_a_plan_counts_whole(world, plan):
    unit = world.round.units.first()
    for values in ({"unit": unit}, {"under_name": ""}, {"under": None}):
        with pytest.raises(IntegrityError, match="plan_under"), transaction.atomic():
            Plan.objects.filter(pk=plan.pk).update(**values)
    placed = {row.pk: (row.under_id, row.under_name) for row in Plan.objects.all()}
    assert placed[plan.pk] == (world.school.maths.pk, MATHS)
    Plan.objects.update(under=None, under_name="")
    import_module("rectification.migrations.0012_fill_later_branches").fill(apps, None)
    assert {row.pk: (row.under_id, row.under_name) for row in Plan.objects.all()} == placed
