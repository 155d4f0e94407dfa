"""Pages of a plan and its items: nothing typed is lost, nothing known is asked, refusals stand beside their fields."""

import datetime as dt

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from branches import clock
from grading.models import Result, Survey
from rectification.models import Change, Item, MeetingRecord, Plan
from rectification.services import plans as service
from tests.factories import grading as g
from tests.factories import rectification as r
from tests.factories.branches import AppointmentFactory
from tests.factories.grading import opened_round
from tests.grading.pages import account, page, text
from tests.worlds import shared

pytestmark = pytest.mark.once


def graded_world():
    """A graded branch with three problems in its 附件4 and two measures."""
    made = opened_round(backfill=False, starts_on=clock.today() - dt.timedelta(days=30))
    unit = made.unit("software")
    problems = "1．支委未配齐\n2．记录不全\n3．没有场所"
    g.SurveyFactory(unit=unit, problems=problems, measures="补选1名\n补记5次", goal="年内达到先进")
    grade = unit.round.scale.grades.get(label="较好")
    decided = {"computed_grade": grade, "decided_grade": grade, "decided_at": clock.now(), "body": "总支委员会"}
    g.ResultFactory(unit=unit, state=Result.State.DECIDED, **decided)
    return made


grading = shared(graded_world)


@pytest.fixture
def secretary(grading):
    found = account(grading.school, "secretary")
    AppointmentFactory(branch=grading.school.software, person=found.person)
    return found


@pytest.fixture
def plan(grading, secretary):
    return service.start(by=secretary, unit=grading.unit("software"), now=clock.now())


def approved(plan, **given):
    """Return an approved item of an approved plan, due in 30 days."""
    Plan.objects.filter(pk=plan.pk).update(state="approved", submitted_at=clock.now(), approved_at=clock.now())
    day = clock.today() + dt.timedelta(days=30)
    values = {
        "state": Item.State.APPROVED,
        "approved_at": clock.now(),
        "due_on": day,
        "limit_on": day,
        "counts_on": day,
    }
    return r.ItemFactory(plan=plan, **values | given)


def test_a_problem_is_taken_over_with_one_tap_and_only_once(signed_in, plan, secretary):
    client = signed_in(secretary)
    before = text(client.get(page("plan", plan.pk)))
    assert "附件4的问题 3/3 条可列入" in before
    for _ in range(2):
        client.post(page("plan-take", plan.pk), {"key": "annex4:1"})
    (item,) = plan.items.all()
    assert (item.problem, item.leader, item.source_key) == ("支委未配齐", str(secretary), "annex4:1")
    assert item.due_on == plan.campaign.rectification.item_due_on
    assert "附件4的问题 2/3 条可列入" in text(client.get(page("plan", plan.pk)))
    assert client.post(page("plan-take", plan.pk), {"key": "annex4:9"}).status_code == 404


def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(signed_in, plan, secretary):
    client = signed_in(secretary)
    data = {"version": "0", "problem": "学习少", "measures": "加强学习", "checkpoints": "明年", "due_on": "2100-01-01"}
    answer = client.post(page("item-new", plan.pk), data)
    assert answer.status_code == 422
    assert "“明年”不是日期" in text(answer)
    answer = client.post(page("item-new", plan.pk), data | {"checkpoints": ""})
    assert answer.status_code == 422
    assert "完成时限不能晚于" in text(answer)
    assert "加强学习</textarea>" in answer.content.decode()
    assert not plan.items.exists()


def test_vague_measures_are_pointed_out_and_saved_all_the_same(signed_in, plan, secretary):
    client = signed_in(secretary)
    data = {"version": "0", "problem": "学习少", "measures": "进一步加强学习"}
    assert client.post(page("item-new", plan.pk), data).status_code == 302
    item = plan.items.get()
    shown = text(client.get(page("item-edit", item.pk)))
    assert "可以写得更实" in shown
    assert "没有写明谁来做" in shown
    Item.objects.update(measures="每月学习1次，年底前由书记检查", due_on="2012-11-30")
    assert "措施里的“年底”晚于完成时限2012年11月30日" in text(client.get(page("item-edit", item.pk)))
    assert "还缺" in text(client.get(page("plan", plan.pk)))


def test_two_people_at_one_item_see_both_texts(signed_in, plan, secretary):
    client = signed_in(secretary)
    client.post(page("item-new", plan.pk), {"version": "0", "problem": "学习少"})
    item = plan.items.get()
    first = {"version": str(item.version), "problem": "学习很少"}
    assert client.post(page("item-edit", item.pk), first).status_code == 302
    answer = client.post(page("item-edit", item.pk), first | {"problem": "学习太少"})
    assert answer.status_code == 409
    assert "学习很少" in text(answer)
    assert "学习太少" in text(answer)


def test_a_plan_that_lacks_something_says_what(signed_in, plan, secretary):
    client = signed_in(secretary)
    client.post(page("plan-take", plan.pk), {"key": "annex4:1"})
    answer = client.post(page("plan-submit", plan.pk))
    assert answer.status_code == 422
    said = text(answer)
    assert "请先登记党员大会的讨论情况" in said
    assert "第1项：还缺问题类别、对标内容、整改目标、整改措施、责任人。" in said
    assert Plan.objects.get(pk=plan.pk).state == Plan.State.DRAFT


def test_who_stayed_away_is_counted_from_the_names(signed_in, plan, secretary):
    client = signed_in(secretary)
    data = {
        "version": "0", "held_on": str(clock.today()), "should_attend": "10", "present": "8", "opinions": "同意",
        "absence-name-0": "张伟", "absence-kind-0": "excused", "absence-reason-0": "出差",
        "absence-name-1": "李军", "absence-kind-1": "absent", "absence-reason-1": "",
    }  # fmt: skip
    more = client.post(page("plan-meeting", plan.pk), data | {"do": "more"})
    assert more.content.decode().count("absence-name-") == 2 * 5
    refused = client.post(page("plan-meeting", plan.pk), data)
    assert refused.status_code == 422
    assert "请填写李军没有到会的原因" in text(refused)
    client.post(page("plan-meeting", plan.pk), data | {"absence-reason-1": "原因不明"})
    row = MeetingRecord.objects.get(plan=plan)
    assert (row.excused, row.absent, row.absences.count()) == (1, 1, 2)


def test_tomorrow_no_meeting_was_held(signed_in, plan, secretary):
    tomorrow = clock.today() + dt.timedelta(days=1)
    answer = signed_in(secretary).post(page("plan-meeting", plan.pk), {"version": "0", "held_on": str(tomorrow)})
    assert "会议日期不能晚于今天" in text(answer)
    assert not MeetingRecord.objects.exists()


def test_every_item_needs_a_word_and_a_return_its_reason(signed_in, grading, plan):
    first, second = (
        r.ItemFactory(plan=plan, state="submitted", limit_on=dt.date(2099, 1, 1), due_on=dt.date(2099, 1, 1))
        for _ in range(2)
    )
    Plan.objects.filter(pk=plan.pk).update(state="submitted", submitted_at=clock.now())
    client = signed_in(account(grading.school, "officer"))
    answer = client.post(page("plan-approve", plan.pk), {f"do-{first.pk}": "return", f"reason-{first.pk}": " "})
    assert answer.status_code == 422
    assert "请写明退回的理由" in text(answer)
    assert "请选择同意或退回" in text(answer)
    client.post(
        page("plan-approve", plan.pk),
        {f"do-{first.pk}": "return", f"reason-{first.pk}": "太笼统", f"do-{second.pk}": "approve"},
    )
    assert list(plan.items.order_by("pk").values_list("state", "returned_reason")) == [
        ("returned", "太笼统"), ("approved", ""),
    ]  # fmt: skip


def test_progress_with_a_file_and_completion_reach_the_page(signed_in, grading, plan, secretary):
    item = approved(plan)
    client = signed_in(secretary)
    wrong = SimpleUploadedFile("x.exe", b"MZ")
    answer = client.post(page("item-progress", item.pk), {"percent": "40", "text": "已开会", "file": wrong})
    assert answer.status_code == 422
    assert "请用 PDF" in text(answer)
    assert not item.progress.exists(), "a file that is refused keeps the entry back too"
    client.post(page("item-progress", item.pk), {"percent": "40", "text": "已开会"})
    client.post(page("item-complete", item.pk), {"result": "已补选"})
    shown = text(client.get(page("item", item.pk)))
    assert "进展 40% 已开会" in shown
    assert "申请销号 已补选" in shown
    # Who asked may not verify, and is not offered to; the officer is.
    assert "登记核实" not in shown
    assert "登记核实" in text(signed_in(account(grading.school, "officer")).get(page("item", item.pk)))


def test_a_change_waits_for_consent_and_keeps_what_was(signed_in, grading, plan, secretary):
    item = approved(plan)
    late = item.limit_on + dt.timedelta(days=20)
    client = signed_in(secretary)
    data = {"kind": "deadline", "due_on": str(late), "reason": "新楼推迟启用"}
    assert client.post(page("item-change", item.pk), data).status_code == 302
    change = Change.objects.get()
    assert change.kind == Change.Kind.EXTENSION
    assert Item.objects.get(pk=item.pk).due_on == item.due_on
    officer = signed_in(account(grading.school, "officer"))
    refused = officer.post(page("change-decide", change.pk), {"consent": "no", "answer": ""})
    assert refused.status_code == 422
    assert "不同意须写明理由" in text(refused)
    officer.post(page("change-decide", change.pk), {"consent": "yes", "answer": ""})
    assert Item.objects.get(pk=item.pk).due_on == late
    assert "延期：已批准 新楼推迟启用" in text(officer.get(page("item", item.pk)))


def test_the_landing_page_and_the_list_ask_as_often_for_three_branches_as_for_one(
    signed_in, grading, django_assert_max_num_queries
):
    client = signed_in(account(grading.school, "office"))
    addresses = [reverse("rectification"), reverse("plans")]
    client.get(addresses[0])  # what is read once for an account and a day
    counts = []
    for names in (("software",), ("algebra", "chinese")):
        for name in names:
            unit = grading.unit(name)
            r.ItemFactory(plan=r.PlanFactory(round=grading.round, branch=unit.branch, unit=unit))
        found = []
        for address in addresses:
            with django_assert_max_num_queries(200) as asked:
                client.get(address)
            found.append(len(asked))
        counts.append(found)
    assert counts[0] == counts[1]


@pytest.mark.parametrize(("aim", "kept"), [("先进", True), ("较好", True), ("一般", False)])
def test_an_aim_below_the_grade_reached_is_not_taken_over(grading, secretary, aim, kept):
    unit = grading.unit("software")  # graded 较好
    target = unit.round.scale.grades.get(label=aim)
    Survey.objects.filter(unit=unit).update(target=target)
    made = service.start(by=secretary, unit=unit, now=clock.now())
    assert (made.target, made.goal) == ((target, "年内达到先进") if kept else (None, ""))


def test_the_landing_page_and_the_closing_say_what_they_count(grading, plan, secretary, signed_in):
    r.ItemFactory(plan=plan)
    approved(plan)
    office = signed_in(account(grading.school, "office"))
    groups = office.get(page("rectification")).context["groups"]
    assert sum(group.items for group in groups) == 1
    assert "含起草中的 1 项" in text(office.get(page("rectification-still-open", plan.round_id)))


def test_what_a_record_of_the_meeting_lacks_is_said_once(plan, secretary, signed_in):
    client, url = signed_in(secretary), page("plan-meeting", plan.pk)
    assert client.post(url, {"version": "0", "do": "save"})["Location"] == url
    kept = text(client.get(url))
    assert "还差这些才能提交方案" in kept
    assert "。、" not in kept
    wrong = {"version": "1", "held_on": "2100-01-01", "absence-name-0": "李明", "absence-reason-0": "", "do": "save"}
    refused = text(client.post(url, wrong))
    assert refused.count("没能保存") == 1
    assert "有 2 处要改" in refused
    assert "还差这些才能提交方案" not in refused


def test_a_plan_that_is_not_complete_is_not_asked_to_confirm(plan, secretary, signed_in):
    r.ItemFactory(plan=plan)
    assert "退回前不能再改" not in text(signed_in(secretary).get(page("plan", plan.pk)))


def test_a_file_gone_from_the_disk_is_told_and_no_fault(client, plan, secretary):
    client.force_login(secretary)
    row = r.ItemFileFactory(item=approved(plan), name="会议记录.pdf")
    answer = client.get(page("item-file", row.pk))
    assert answer.status_code == 410
    assert "“会议记录.pdf”的记录还在" in answer.content.decode()
