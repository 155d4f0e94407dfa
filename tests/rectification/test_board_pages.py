"""The pages around the boards: importing a returned 附件6, ending or handing on an item, closing the year."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from branches.models import Role, Upload
from rectification.models import Item, Plan, Progress, YearClosing
from tests.factories.branches import holder
from tests.factories.grading import RoundFactory
from tests.factories.ledger_world import NOW, ledger_world
from tests.factories.rectification import PlanFactory
from tests.rectification.test_annex6_import import printed, write
from tests.worlds import shared

pytestmark = pytest.mark.once
world = shared(ledger_world)


@pytest.fixture(autouse=True)
def _june(time_machine):
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def office(world, signed_in):
    return signed_in(holder(Role.OFFICE, world.grading.school.root))


def page(client, name, *args):
    return client.get(reverse(name, args=args)).content.decode()


def hand_in(client, world, book):
    file = io.BytesIO()
    book.save(file)
    sent = SimpleUploadedFile("附件6.xlsx", file.getvalue())
    answer = client.post(reverse("annex6-import", args=[world.round.pk]), {"file": sent})
    assert answer.status_code == 302, answer.content.decode()
    return answer.url


def fingerprint(text):
    return text.split('name="fingerprint" value="')[1].split('"')[0]


def test_a_returned_annex_is_shown_before_it_is_written(world, office):
    book = printed(world, world.grading.school.software)
    write(book.active, "没有固定的活动场所", 责任人="周全", **{"进展/完成情况": "桌椅已到位"})
    url = hand_in(office, world, book)
    shown = office.get(url).content.decode()
    for said in ("可以导入", "李小红", "周全", "修改并留痕", "登记进展", "H8", "导入 1 项改动"):
        assert said in shown
    assert not Progress.objects.filter(text="桌椅已到位").exists()
    done = office.post(url, {"fingerprint": fingerprint(shown)})
    assert done.status_code == 302
    assert Progress.objects.filter(item=world.items["overdue"], text="桌椅已到位").exists()
    assert Upload.objects.get().state == Upload.State.DONE
    assert office.get(url).status_code == 404


def test_an_import_after_a_change_is_asked_again(world, office):
    book = printed(world, world.grading.school.software)
    write(book.active, "没有固定的活动场所", 责任人="周全")
    url = hand_in(office, world, book)
    shown = office.get(url).content.decode()
    Item.objects.filter(pk=world.items["overdue"].pk).update(owner_name="吴勇")
    answer = office.post(url, {"fingerprint": fingerprint(shown)})
    assert answer.status_code == 422
    assert "预览之后数据有了变化" in answer.content.decode()
    assert Item.objects.get(pk=world.items["overdue"].pk).owner_name == "吴勇"


def test_what_both_changed_is_ticked_on_the_page(world, office):
    item = world.items["overdue"]
    book = printed(world, world.grading.school.software)
    Item.objects.filter(pk=item.pk).update(measures="系统里的新做法")
    write(book.active, item.problem, 整改措施="表里的做法")
    url = hand_in(office, world, book)
    shown = office.get(url).content.decode()
    box = f'name="take" value="{item.pk}-measures" form="annex6-import"'
    for said in ("有 1 格在表里和系统里都改过", "系统里的新做法", "表里的做法", f"{box}>"):
        assert said in shown
    refused = office.post(url, {"fingerprint": fingerprint(shown)})
    assert refused.status_code == 422
    assert "没有勾选要用表里内容的格子" in refused.content.decode()
    office.post(url, {"fingerprint": fingerprint(shown), "take": [f"{item.pk}-measures"]})
    assert Item.objects.get(pk=item.pk).measures == "表里的做法"


def test_errors_stand_with_their_cells_and_the_file_can_be_dropped(world, office):
    book = printed(world, world.grading.school.software)
    write(book.active, "没有固定的活动场所", 完成时限="六月底")
    url = hand_in(office, world, book)
    shown = office.get(url).content.decode()
    assert "附件6 I8" in shown
    assert "不是日期" in shown
    assert "项改动</button>" not in shown
    assert office.post(url, {"drop": "1"}).status_code == 302
    assert Upload.objects.get().state == Upload.State.DROPPED


def test_a_secretary_cannot_change_another_branch_by_a_file(world, signed_in):
    client = signed_in(holder(Role.SECRETARY, world.grading.school.algebra))
    book = printed(world, world.grading.school.software)
    write(book.active, "没有固定的活动场所", 责任人="周全")
    shown = client.get(hand_in(client, world, book)).content.decode()
    assert "没有“软件工程教研室党支部”这个党组织，或不在您的办理范围内" in shown


def test_what_is_still_open_stands_by_branch(world, office):
    shown = page(office, "rectification-still-open", world.round.pk)
    assert "汉语言文学教研室党支部" in shown
    assert "支委未配齐" not in shown
    assert shown.count("转出或终止") == 10


def test_an_item_is_ended_with_a_reason_or_handed_to_another_branch(world, office):
    item = world.items["planned"]
    url = reverse("item-settle", args=[item.pk])
    assert office.post(url, {"reason": "", "to": ""}).status_code == 422
    assert office.post(url, {"reason": "专业停办", "to": ""}).status_code == 302
    assert Item.objects.get(pk=item.pk).state == Item.State.CLOSED
    moved = world.items["at_risk"]
    answer = office.post(
        reverse("item-settle", args=[moved.pk]), {"reason": "教研室并入", "to": world.plans["history"].pk}
    )
    assert answer.status_code == 302
    row = Item.objects.get(pk=moved.pk)
    assert (row.state, row.transferred_to.plan_id) == (Item.State.TRANSFERRED, world.plans["history"].pk)
    foreign = office.post(
        reverse("item-settle", args=[world.items["long"].pk]), {"reason": "x", "to": world.plans["history"].pk}
    )
    assert foreign.status_code == 422


def test_the_year_is_closed_with_a_word_about_what_was_not_done(world, office):
    url = reverse("rectification-close", args=[world.round.pk])
    answer = office.post(url, {"reason": ""})
    assert answer.status_code == 422
    assert "请说明情况" in answer.content.decode()
    assert office.post(url, {"reason": "场所改造延后"}).status_code == 302
    closing = YearClosing.objects.get()
    assert (closing.items, closing.verified, closing.still_open) == (11, 1, 10)
    shown = page(office, "rectification-still-open", world.round.pk)
    assert "本年度整改已经收尾" in shown
    assert "场所改造延后" in shown
    assert Plan.objects.filter(round=world.round, state=Plan.State.CLOSED).count() == 0


def test_the_list_of_plans_shows_what_a_general_branch_filed_for_itself(world, office):
    shown = page(office, "plans")
    own = Plan.objects.get(unit=None, round=world.round)
    assert "党总支自己的方案" in shown
    assert shown.count(reverse("plan", args=[own.pk])) == 1
    other = office.get(reverse("plans"), {"round": world.round.pk + 1}).content.decode()
    assert "党总支自己的方案" not in other
    nowhere = office.get(reverse("plans"), {"round": world.round.pk, "unit": world.grading.school.maths.pk})
    assert "党总支自己的方案" not in nowhere.content.decode()


def test_the_file_of_plans_ends_with_those_of_general_branches(world, office):
    address = f"{reverse('plans')}?round={world.round.pk}"
    lines = office.post(address, {"format": "csv"}).content.decode("utf-8-sig").splitlines()
    own = next(line for line in lines if line.startswith("文学与历史学院党总支,"))
    assert own.startswith("文学与历史学院党总支,党总支自己的方案,2012年第一轮,")
    assert sum("第一轮" in line for line in lines) == 6
    drafts = office.post(f"{address}&state=draft", {"format": "csv"}).content.decode("utf-8-sig")
    assert "党总支自己的方案" not in drafts
    assert "2012年第一轮" in office.get(address).content.decode()


def test_shares_of_the_board_and_its_burn_down_open_their_lists(world, office):
    shown = page(office, "rectification-boards")
    items = reverse("rectification-items", args=[world.round.pk])
    group = world.grading.school.maths.pk
    assert f'<a href="{items}?group={group}&amp;status=verified">1/5</a>' in shown
    assert f'还剩 <a href="{items}?status=open&amp;term=normal">' in shown
    assert f'/ <a href="{items}?term=normal">' in shown
    should = f"{items}?day=ahead&amp;term=normal"
    assert f'按时限应剩 <a href="{should}">4</a>' in shown
    behind = office.get(should.replace("&amp;", "&")).content.decode()
    assert "4 项" in behind
    assert "时限还没过" in behind
    assert "时限还没过" not in office.get(items).content.decode()


def test_the_board_passes_over_a_round_in_which_nobody_within_reach_has_a_plan(world, signed_in):
    newer = RoundFactory(campaign=world.round.campaign, ordinal=9)
    PlanFactory(round=newer, branch=world.grading.school.chinese)
    officer = signed_in(holder(Role.GENERAL_BRANCH_OFFICER, world.grading.school.maths))
    answer = officer.get(reverse("rectification-boards"))
    assert answer.context["round"] == world.round
    assert answer.context["rounds"] == []


def test_before_closing_the_page_names_what_nobody_has_decided(world, office):
    shown = page(office, "rectification-still-open", world.round.pk)
    assert "还没有办完：起草或退回的方案 1 个" in shown
