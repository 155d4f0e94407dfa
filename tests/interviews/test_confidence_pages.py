"""保密与告知: the office sets rules and the notice, erases on request, and sees counts only."""

import pytest
from django.urls import reverse

from branches import clock
from branches.directory import names_of
from branches.models import AuditEntry
from interviews.models import ConfidenceRules, Interview, Notice, Reading, SealedRecord
from interviews.services import interviews
from interviews.services.errors import NotReadableError, UnopenableError
from tests.interviews import talks
from tests.interviews.talks import recorded
from tests.worlds import shared

pytestmark = pytest.mark.once
world = shared(talks.world)
URL = "/interviews/confidence/"


def test_the_office_sees_counts_and_no_word(world, signed_in):
    row = recorded(world)
    with pytest.raises(NotReadableError):
        interviews.read_interview(by=world.office, interview=row, now=clock.now())
    interviews.read_interview(by=world.interviewer, interview=row, now=clock.now())
    page = signed_in(world.office).get(URL).content.decode()
    assert "睡不好" not in page
    assert world.student.person.name not in page
    assert "正在使用" in page
    stats = {stat.label: (stat.value, stat.base) for stat in signed_in(world.office).get(URL).context["stats"]}
    assert stats == {
        "密存记录": ("不满 5", "条"), "已清除": ("不满 5", "条"), "30 天内保存期满": ("不满 5", "条"),
        "有效的指定读者": ("不满 5", "人次"), "近 30 天打开": ("不满 5", "次"),
        "近 30 天无权打开": ("1", "次，打不开 0"),
    }  # fmt: skip


def test_an_officer_sees_the_counts_of_the_own_units_and_sets_nothing(world, signed_in):
    for _ in range(7):
        recorded(world)
    page = signed_in(world.officer).get(URL)
    assert (page.context["stats"][0].value, page.context["stats"][0].base) == ("5", "条以上")
    assert not page.context["may_set"]
    elsewhere = talks.branches.holder("general_branch_officer", world.school.letters)
    assert signed_in(elsewhere).get(URL).context["stats"][0].value == "不满 5"


def test_rules_change_for_later_talks_only(world, signed_in):
    row = recorded(world)
    until = row.record.retain_until
    client, rules = signed_in(world.office), ConfidenceRules.objects.get()
    given = {"retain_months": 6, "reader_days": 30, "text_limit": 5000, "version": rules.version}
    address = reverse("confidence-rules", args=[world.campaign.pk])
    assert client.post(address, given | {"retain_months": 0}).status_code == 422
    assert client.post(address, given).status_code == 302
    stale = client.post(address, given | {"retain_months": 9})
    assert (stale.status_code, "刚被他人修改过" in stale.content.decode()) == (422, True)
    assert ConfidenceRules.objects.get().retain_months == 6
    assert SealedRecord.objects.get(pk=row.record_id).retain_until == until
    assert recorded(world).record.retain_until < until


def test_a_new_notice_is_drafted_published_and_then_shown(world, signed_in):
    client = signed_in(world.office)
    address = reverse("notice-edit", args=[world.campaign.pk])
    assert world.notice.title in client.get(address).content.decode()
    empty = client.post(address, {"title": "", "body": "写了一半"})
    assert (empty.status_code, "写了一半" in empty.content.decode()) == (422, True)
    client.post(address, {"title": "同意书", "body": "新内容", "wants_consent": "on"})
    draft = Notice.objects.get(number=2)
    assert Notice.objects.current(world.campaign) == world.notice
    publish = reverse("notice-publish", args=[world.campaign.pk, draft.pk])
    client.post(publish)
    assert Notice.objects.current(world.campaign) == draft
    assert "已经发布" in client.post(publish, follow=True).content.decode()


def found_of(client, entry):
    """Return what the page says of somebody besides who it is."""
    page = client.post(reverse("erase-person"), {"number": entry.person.number}).content.decode()
    said = page.split('id="h-found"')[1].split("</form>")[0]
    for name in (entry.person.name, entry.person.number, names_of([entry.unit_id])[entry.unit_id]):
        said = said.replace(name, "")
    return said


def test_texts_about_somebody_are_erased_on_request(world, signed_in):
    row, group = recorded(world), recorded(world, entries=[world.student, world.other], one_to_one=False)
    other = recorded(world, entries=[world.other])
    client, number = signed_in(world.office), world.student.person.number
    address = reverse("erase-person")
    assert client.post(address, {"number": "没有"}).status_code == 422
    looked = client.post(address, {"number": number})
    unit = world.student.unit
    assert (looked.context["unit"], unit.code in looked.content.decode()) == (names_of([unit.pk])[unit.pk], False)
    assert SealedRecord.objects.filter(erased_at__isnull=False).count() == 0
    assert found_of(client, world.student) == found_of(client, world.elsewhere)  # with whom nobody has talked
    for said in ("已清除 1 条", "没有可以清除的"):
        assert said in client.post(address, {"number": number, "sure": "yes"}, follow=True).content.decode()
    assert AuditEntry.objects.filter(action="interviews.erase_person", branch=unit).count() == 2
    erased = SealedRecord.objects.filter(erased_at__isnull=False)
    assert list(erased) == [row.record]
    assert (erased.get().erasure, erased.get().erased_by) == ("request", world.office)
    with pytest.raises(UnopenableError):
        interviews.read_interview(by=world.interviewer, interview=row, now=clock.now())
    for kept in (group, other):
        interviews.read_interview(by=world.interviewer, interview=kept, now=clock.now())
    assert Interview.objects.counting().count() == 3
    assert Reading.objects.filter(record=row.record, outcome="erased").count() == 1


def test_an_officer_erases_in_the_own_units_only(world, signed_in):
    client = signed_in(world.officer)
    refused = client.post(reverse("erase-person"), {"number": world.elsewhere.person.number, "sure": "yes"})
    assert refused.status_code == 422


def test_without_talks_the_page_says_what_to_do(signed_in):
    office = talks.branches.holder("office", talks.branches.school().root)
    assert "还没有设定访谈" in signed_in(office).get(URL).content.decode()
