"""What a notice calls its forms: from the preset, by the office at any time, printed and said as it stands."""

import pytest
from django.db import IntegrityError, transaction

from branches.models import AuditEntry
from grading import contents, preset_text, presets
from grading.models import FormName, Round, Source, form_names
from grading.services import form_names as service
from grading.services.errors import RefusedError
from reporting.annexes import annex4, annex5, gather
from reporting.annexes.facts import Stamp
from reporting.making.kinds import named
from tests.factories.grading import RoundFormFactory, opened_round
from tests.grading.pages import account, page, text
from tests.worlds import shared

pytestmark = pytest.mark.once
STAMP = Stamp("2014年4月30日")
OWN = {"annex4": FormName("", "党支部星级评定表"), "annex5": FormName("表三", "党支部星级评定汇总表")}


@shared
def grading():
    return opened_round()


def change(round_, names=OWN, version=None):
    version = round_.version if version is None else version
    return service.set_forms(by=None, round_=round_, version=version, names=names)


def labels(round_):
    return {kind: name.label for kind, name in form_names(round_).items()}


@pytest.mark.django_db
def test_the_2012_notice_names_three_forms_and_a_form_without_a_row_has_its_plain_title(grading):
    assert labels(grading.round) == {
        "annex4": "附件4 党支部调查摸底与分类定级表", "annex5": "附件5 党支部分类定级汇总表",
        "annex6": "附件6 党支部整改汇总表", "promotion": "党支部晋位升级情况表",
    }  # fmt: skip
    assert named(grading.round)["scoring_sheet"].label == "附件2、附件3 党支部分类定级评分表"


@pytest.mark.django_db
def test_another_notice_prints_its_own_numbers_titles_and_headings(grading):
    change(grading.round)
    Source.objects.filter(round=grading.round, code="appraisal").update(name="民主测评", rate_name="群众好评率")
    facts = gather.annex5_of(grading.round, grading.school.root)
    whole, overview = annex5.sheets(facts, STAMP)
    said = " ".join(cell.text for cell in whole.cells)
    assert (whole.name, overview.name) == ("表三", "表三（小计）")
    assert next(iter(whole.cells)).text == "表三"
    assert "刺桐师范学院党支部星级评定汇总表" in said
    assert "群众\n好评率\n（%）" in said
    assert "满意率" not in said
    assert "附件5" not in said
    (form,) = annex4.sheets(gather.annex4_of(grading.round, grading.school.software)[0], STAMP)
    said = " ".join(cell.text for cell in form.cells)
    assert next(iter(form.cells)).text == "刺桐师范学院党支部星级评定表"  # no number, no line for one
    assert "民主测评" in said
    assert "满意率" not in said


@pytest.mark.django_db
def test_a_round_without_ballots_prints_none(grading):
    Source.objects.filter(round=grading.round, code__in=["appraisal", "annual"]).delete()
    grading.round.veto_items.all().delete()
    facts = gather.annex5_of(grading.round, grading.school.maths)
    said = " ".join(cell.text for cell in annex5.sheets(facts, STAMP)[0].cells)
    assert [word for word in ("满意率", "否决") if word in said] == []
    (form,) = annex4.sheets(gather.annex4_of(grading.round, grading.school.software)[0], STAMP)
    said = " ".join(cell.text for cell in form.cells)
    assert [word for word in ("发出", "满意率", "年度考核", "群众评议") if word in said] == []


@pytest.mark.django_db
def test_the_names_may_change_at_any_time_and_stamped_forms_follow(grading):
    Round.objects.filter(pk=grading.round.pk).update(state="final", finalised_at=grading.round.opened_at)
    changed = change(grading.round)
    assert changed.version == grading.round.version  # the database lets nobody touch a final round itself
    assert [row.name for row in changed.returns.all()] == ["表三 党支部星级评定汇总表"]
    assert labels(changed)["annex6"] == "附件6 党支部整改汇总表"
    change(changed, {"annex6": FormName("", "")})
    assert labels(changed)["annex6"] == "党支部整改汇总表"
    assert AuditEntry.objects.filter(action="round.forms").count() == 2


@pytest.mark.django_db
def test_what_is_refused(grading):
    with pytest.raises(RefusedError, match="刚被他人改过"):
        change(grading.round, version=99)
    with pytest.raises(RefusedError, match="“附件4”用在了两张表上"):
        change(grading.round, {"annex5": FormName("附件4", "汇总表")})
    for wrong in ({"kind": "annex5"}, {"kind": "annex9"}, {"kind": "promotion", "title": ""}):
        with pytest.raises(IntegrityError), transaction.atomic():
            RoundFormFactory(round=grading.round, **wrong)


@pytest.mark.django_db
def test_a_file_of_rules_carries_them(grading):
    change(grading.round)
    Source.objects.filter(round=grading.round, code="appraisal").update(rate_name="好评率")
    written = preset_text.write(contents.campaign_content(Round.objects.get(pk=grading.round.pk)))
    (entry,) = presets.read_text("x", written).content["rounds"]
    assert entry["forms"] == [
        {"kind": "annex4", "title": "党支部星级评定表"},
        {"kind": "annex5", "number": "表三", "title": "党支部星级评定汇总表"},
        {"kind": "annex6", "number": "附件6", "title": "党支部整改汇总表"},
    ]
    assert [one.get("rate_name") for one in entry["sources"] if one["kind"] == "appraisal"] == ["好评率"]


@pytest.mark.django_db
def test_the_office_puts_them_right_on_a_page(grading, signed_in):
    office = signed_in(account(grading.school, "office"))
    address = page("form-names", grading.round.pk)
    shown = text(office.get(address))
    assert "定级汇总表" in shown
    typed = {"number-annex5": "附件4", "number-annex4": "附件4", "title-annex5": "汇总"}
    typed |= {"version": grading.round.version}
    refused = office.post(address, typed)
    assert (refused.status_code, "“附件4”用在了两张表上。" in text(refused)) == (422, True)
    assert 'value="汇总"' in refused.content.decode()
    saved = office.post(address, typed | {"number-annex4": ""}, follow=True)
    assert "报表的编号和名称已保存。" in text(saved)
    assert labels(grading.round)["annex5"] == "附件4 汇总"
    assert "附件4 汇总" in text(office.get(page("round-rules", grading.round.pk)))
