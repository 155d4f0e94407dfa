"""Pages of supervision: the click path of a 督办单, refusals that keep what was typed, one count of queries."""

import datetime as dt
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from branches.models import Role
from branches.registries import home_items
from branches.transitions import history
from rectification.models import Change, Contact, DigestChoice, Dispatch, NoticeReply, SupervisionNotice, Visit
from tests.factories.branches import RoleGrantFactory, holder
from tests.factories.grading import RoundUnitFactory
from tests.factories.rectification import ChangeFactory
from tests.factories.supervision import DispatchFactory, DispatchLineFactory, VisitFactory, VisitFindingFactory
from tests.rectification.supervision_world import LATER, world
from tests.worlds import shared

pytestmark = pytest.mark.once
w = shared(world)


@pytest.fixture(autouse=True)
def now(time_machine):
    time_machine.move_to(LATER, tick=False)


def titles(account):
    return [item.title for item in home_items(account, LATER)]


def issue(client, w, *branches, **changes):
    data = {"branch": [one.pk for one in branches], "demand": "请落实。", "reply_due_on": "2013-01-14"}
    return client.post(reverse("supervision-notice-new"), data | {"campaign": w.campaign.pk} | changes)


def text_of(response):
    return response.content.decode()


def test_from_what_is_overdue_to_a_closed_notice(w, signed_in):
    officer = signed_in(w.officer)
    page = text_of(officer.get(reverse("supervision-notice-new")))
    assert "软件工程教研室党支部" in page
    assert "3 项，最久逾期 38 天" in page
    made = issue(officer, w, w.school.software)
    notice = SupervisionNotice.objects.get()
    assert made["Location"] == reverse("supervision-notice", args=[notice.pk])
    assert "已督办，等待办结" in text_of(officer.get(reverse("supervision-notice-new")))
    assert any(title == f"回复督办单 {notice.code}" for title in titles(w.secretary))
    visitor = holder(Role.SECRETARY, w.school.direct)  # who inspects a branch does not answer for it
    RoleGrantFactory(account=visitor, role=Role.INSPECTOR, node=w.school.software)
    assert f"回复督办单 {notice.code}" not in titles(visitor)
    own = reverse("supervision-notice", args=[notice.pk])
    secretary = signed_in(w.secretary)
    assert "报送回复" in text_of(secretary.get(own))
    answers = {f"line-{line.pk}": f"第{line.ordinal}项已补齐" for line in notice.lines.all()}
    said = {"version": 1, "text": "已逐项落实。", "signed_by": ""} | answers
    refused = secretary.post(reverse("supervision-notice-reply", args=[notice.pk]), said)
    assert refused.status_code == 422
    assert "请填写党支部书记或负责人姓名" in text_of(refused)
    assert "第2项已补齐" in text_of(refused)  # what was typed stays
    assert not NoticeReply.objects.exists()
    secretary.post(reverse("supervision-notice-reply", args=[notice.pk]), said | {"signed_by": "柯虹"})
    assert "1 份督办单已回复，等待核查" in titles(w.officer)
    assert f"回复督办单 {notice.code}" not in titles(w.secretary)
    officer = signed_in(w.officer)
    page = text_of(officer.get(own))
    assert "第2项已补齐" in page
    assert "办结" in page
    officer.post(reverse("supervision-notice-close", args=[notice.pk]), {"version": 2})
    notice.refresh_from_db()
    assert notice.state == "closed"
    assert [move.to_state for move in history(notice)] == ["closed", "replied"]


def test_several_branches_at_once(w, signed_in):
    answer = issue(signed_in(w.office), w, w.school.software, w.school.algebra)
    assert answer["Location"] == reverse("supervision-notices")
    assert sorted(SupervisionNotice.objects.values_list("number", flat=True)) == [1, 2]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"branch": []}, "请勾选要督办的党组织"),
        ({"demand": ""}, "请填写督办要求"),
        ({"reply_due_on": "2013-01-07"}, "回复期限应在今天之后"),
        ({"reply_due_on": "明天"}, "回复期限请写成"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(w, signed_in, changes, said):
    answer = issue(signed_in(w.officer), w, w.school.software, **changes)
    assert answer.status_code == 422
    assert said in text_of(answer)
    assert not SupervisionNotice.objects.exists()


def test_sent_back_from_its_page(w, signed_in):
    officer = signed_in(w.officer)
    issue(officer, w, w.school.software)
    notice = SupervisionNotice.objects.get()
    SupervisionNotice.objects.update(state="replied")
    url = reverse("supervision-notice-return", args=[notice.pk])
    refused = officer.post(url, {"version": 1, "reason": "", "reply_due_on": "2013-01-20"})
    assert refused.status_code == 422
    officer.post(url, {"version": 1, "reason": "没写完成日期", "reply_due_on": "2013-01-20"})
    notice.refresh_from_db()
    assert (notice.state, notice.reply_due_on) == ("returned", dt.date(2013, 1, 20))
    page = text_of(signed_in(w.secretary).get(reverse("supervision-notice", args=[notice.pk])))
    assert page.index("上次的回复已退回") < page.index("没写完成日期") < page.index('id="reply"')


def test_two_who_handle_one_notice_are_told(w, signed_in):
    officer = signed_in(w.officer)
    issue(officer, w, w.school.software)
    notice = SupervisionNotice.objects.get()
    answer = officer.post(
        reverse("supervision-notice-withdraw", args=[notice.pk]), {"version": 7, "reason": "填错"}, follow=True
    )
    assert "刚被他人处理过" in text_of(answer)


def test_the_form_of_a_notice_is_previewed_under_its_round(w, signed_in):
    RoundUnitFactory(round=w.round, branch=w.school.software, parent=w.school.maths)
    issue(signed_in(w.officer), w, w.school.software)
    notice = SupervisionNotice.objects.get()
    secretary = signed_in(w.secretary)
    url = reverse("annex-preview", args=["notice", w.round.pk, w.school.software.pk]) + f"?one={notice.pk}"
    assert url in text_of(secretary.get(reverse("supervision-notice", args=[notice.pk])))
    page = text_of(secretary.get(url))
    assert "支委会一年没有换届" in page
    assert "党支部整改督办单回执" in page


def test_a_visit_is_recorded_and_its_findings_added_and_settled(w, signed_in):
    officer = signed_in(w.officer)
    url = reverse("supervision-visit-new")
    data = {"unit": w.school.software.pk, "held_on": "2013-01-07", "place": "302", "visitors": "林志远", "summary": ""}
    assert officer.post(url, data | {"campaign": w.campaign.pk}).status_code == 422
    officer.post(url, data | {"campaign": w.campaign.pk, "summary": "总体较好"})
    visit = Visit.objects.get()
    add = reverse("supervision-finding-add", args=[visit.pk])
    assert officer.post(add, {"branch": w.school.software.pk, "text": ""}).status_code == 422
    officer.post(add, {"branch": w.school.software.pk, "text": "漏记请假人员", "advice": "补签到册"})
    finding = visit.findings.get()
    secretary = signed_in(w.secretary)
    page = text_of(secretary.get(reverse("supervision-visit", args=[visit.pk])))
    assert "漏记请假人员" in page
    take = re.search(r'href="([^"]+)">列入整改<', page)
    form = text_of(secretary.get(take[1]))
    assert "漏记请假人员" in form
    assert "补签到册" in form
    assert f'value="finding:{finding.pk}"' in form
    officer = signed_in(w.officer)
    officer.post(reverse("supervision-finding-settle", args=[finding.pk]), {"reason": "当场已改正"})
    assert "当场已改正" in text_of(officer.get(reverse("supervision-visit", args=[visit.pk])))


def test_a_secretary_reads_only_what_was_found_about_the_own_branch(w, signed_in):
    visit = VisitFactory(campaign=w.campaign, unit=w.school.maths)
    VisitFindingFactory(visit=visit, branch=w.school.software, text="本支部的")
    VisitFindingFactory(visit=visit, branch=w.school.algebra, text="别支部的")
    page = text_of(signed_in(w.secretary).get(reverse("supervision-visit", args=[visit.pk])))
    assert "本支部的" in page
    assert "别支部的" not in page


def test_changes_wait_for_the_level_above_and_are_settled_in_the_list(w, signed_in):
    item = w.items["algebra"][0]
    change = ChangeFactory(item=item, kind="pause", new={"paused_until": "2013-02-20"}, requested_by=w.clerk)
    assert "1 件延期、暂停等申请待审批" in titles(w.officer)
    officer = signed_in(w.officer)
    assert "已逾期 7 天" in text_of(officer.get(reverse("supervision-changes")))
    officer.post(reverse("supervision-change-settle", args=[change.pk]), {"consent": "no", "reason": ""})
    assert Change.objects.get(pk=change.pk).state == "proposed"
    officer.post(reverse("supervision-change-settle", args=[change.pk]), {"consent": "no", "reason": "寒假前能办完"})
    assert Change.objects.get(pk=change.pk).state == "refused"
    assert "没有待审批的申请" in text_of(officer.get(reverse("supervision-changes")))


def test_a_leader_is_assigned_to_a_branch(w, signed_in):
    office = signed_in(w.office)
    asked = {"campaign": w.campaign.pk, "branch": w.school.software.pk}
    assert "给其他党支部指定" in text_of(office.get(reverse("supervision-contacts")))
    url = reverse("supervision-contact-edit", args=[w.campaign.pk, w.school.software.pk])
    assert office.get(reverse("supervision-contacts"), asked)["Location"] == url
    wrong = office.post(url, {"name": "周明", "starts_on": "2013-01-07", "username": "nobody"})
    assert "没有这个登录名的账号" in text_of(wrong)
    office.post(url, {"name": "周明", "starts_on": "2013-01-07", "username": w.office.username})
    assert Contact.objects.get().account == w.office
    assert "周明" in text_of(signed_in(w.secretary).get(reverse("supervision-contacts")))


def test_the_log_says_what_was_told_and_lets_a_person_send_again(w, signed_in):
    row = DispatchFactory(recipient=w.secretary, state="uncertain", handed_at=LATER)
    DispatchLineFactory(dispatch=row, text="第1项已逾期 5 天")
    officer = signed_in(w.officer)
    page = text_of(officer.get(reverse("supervision-message", args=[row.pk])))
    assert "第1项已逾期 5 天" in page
    assert "不能确定是否送出" in page
    officer.post(reverse("supervision-message-again", args=[row.pk]))
    assert Dispatch.objects.get(again_of=row).state == "waiting"
    officer.post(reverse("supervision-message-again", args=[row.pk]))
    assert Dispatch.objects.filter(again_of=row).count() == 1


def test_the_log_shows_first_what_went_out_and_counts_the_rest(w, signed_in):
    moments = {"sent": {"handed_at": LATER, "sent_at": LATER}}
    for state, why in (("sent", ""), ("failed", ""), *[("skipped", "nothing")] * 2, ("skipped", "no_address")):
        DispatchFactory(recipient=w.secretary, state=state, why=why, **moments.get(state, {}))
    officer, url = signed_in(w.officer), reverse("supervision-log")
    first = officer.get(url)
    assert sorted(row.state for row in first.context["list"].rows.object_list) == ["failed", "sent"]
    assert first.context["skipped"] == [("no_address", "没有电子邮箱", 1), ("nothing", "没有要告知的事项", 2)]
    for said in ("3 条没有发送", f'{url}?state=skipped"', f'{url}?why=nothing"'):
        assert said in text_of(first)
    for asked, number in (
        ("?state=skipped", 3), ("?why=nothing", 2), ("?state=all", 5), ("?kind=notice&state=&why=", 2),
        ("?state=nonsense", 2),
    ):  # fmt: skip
        assert officer.get(url + asked).context["list"].total == number, asked


def test_everybody_chooses_how_often_to_be_reminded(w, signed_in):
    clerk = signed_in(w.clerk)
    assert "还没有登记邮箱" in text_of(clerk.get(reverse("mail-choice")))
    assert clerk.post(reverse("mail-choice"), {"frequency": "hourly"}).status_code == 422
    clerk.post(reverse("mail-choice"), {"frequency": "none"})
    assert DigestChoice.objects.get(account=w.clerk).frequency == "none"


@pytest.mark.parametrize(
    "name", ["supervision-notices", "supervision-visits", "supervision-log", "supervision-changes"]
)
def test_one_count_of_queries_at_one_row_and_three(w, signed_in, name):
    office = signed_in(w.office)

    def one_more(branch, item):
        w.issue(by=w.office, branch=branch)
        VisitFactory(campaign=w.campaign, unit=branch)
        ChangeFactory(item=item, kind="pause", new={"paused_until": "2013-02-20"}, requested_by=w.clerk)

    def queries():
        with CaptureQueriesContext(connection) as seen:
            office.get(reverse(name))
        return len(seen)

    one_more(w.school.software, w.items["software"][0])
    queries()
    before = queries()
    one_more(w.school.algebra, w.items["algebra"][0])
    for item in w.items["software"][1:]:
        ChangeFactory(item=item, kind="goal", new={"goal": "更高"}, requested_by=w.clerk)
    VisitFactory.create_batch(2, campaign=w.campaign, unit=w.school.letters)
    assert queries() == before
