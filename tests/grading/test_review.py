"""审核: each branch beside the last round, what deserves a second look, and whole 党总支 decided or confirmed."""

import datetime as dt
import re
from decimal import Decimal as D  # noqa: N817

import pytest

from branches.models import Appointment, AuditEntry, Succession
from branches.transitions import BlockedError, Decision
from grading import review
from grading.lists import unit_rows
from grading.lists_review import prepared, review_rows
from grading.models import Confirmation, Result, Round, RoundUnit
from grading.permissions import may_decide_all
from grading.services import confirmations, results, rounds
from grading.services.errors import RefusedError
from tests.factories.branches import AppointmentFactory
from tests.factories.grading import ResultFactory, RoundFactory, RoundUnitFactory
from tests.grading.pages import text
from tests.grading.publicity_world import BODY, NAMES, People, decide, deciding, now, public_round, queries
from tests.worlds import shared

pytestmark = pytest.mark.db

DECISION = {"body": "党委会", "met_on": "2012-10-12", "document_number": "清师党〔2012〕30号"}


@shared
def made():
    """A round with a step of confirmation in which the 党总支 propose; every branch has 99 points."""
    return public_round(steps=("confirm",))


def earlier(made, **grades):
    """Give branches a grade in a final round of the year before, on a scale of their own with the same codes."""
    campaign = made.round.campaign
    before = RoundFactory(
        campaign__root=campaign.root, campaign__year=2011, scale=made.round.scale, opened_at=now(),
        frozen_on=dt.date(2011, 3, 1),
    )  # fmt: skip
    for branch, code in grades.items():
        node = getattr(made.school, branch)
        unit = RoundUnitFactory(round=before, branch=node, name=f"{branch}旧")
        grade = made.round.scale.grades.get(code=code)
        ResultFactory(
            unit=unit, state="decided", computed_grade=grade, decided_grade=grade, decided_at=now(), body="党委会"
        )
    Round.objects.filter(pk=before.pk).update(state="final", finalised_at=now())


def propose(made, grade="advanced", names=NAMES, reason="研究"):
    choices = {made.unit(name).pk: results.Choice(grade, reason) for name in names}
    return results.propose_grades(by=None, round_=made.round, choices=choices, now=now())


def reviewed(made, name):
    return review.build(made.round)[made.unit(name).pk]


def test_beside_the_last_round_also_after_a_merger(made):
    earlier(made, software="good", algebra="weak", chinese="advanced")
    Succession.objects.create(
        predecessor=made.school.algebra, successor=made.school.software, kind="merge", happened_on=dt.date(2011, 9, 1)
    )
    results.compute_round(by=None, round_=made.round, now=now())
    software, chinese, history = (reviewed(made, name) for name in ("software", "chinese", "history"))
    # merged: the lower of 较好 and 后进 counts; computed is 先进 (99 points)
    assert (software.last, software.steps_from_last, software.origins) == ("后进", 3, ("software旧", "algebra旧"))
    assert (chinese.last, chinese.steps_from_last) == ("先进", 0)
    assert (history.last, history.steps_from_last, history.far) == ("", None, False)
    assert software.far


def test_what_deserves_a_second_look(made):
    deciding(made)
    propose(made, "advanced", NAMES[1:])
    propose(made, "fair", NAMES[:1], "整改没有到位")
    Result.objects.filter(unit=made.unit("algebra")).update(composite=D("90.99"))
    Result.objects.filter(unit=made.unit("chinese")).update(composite=D("91.01"))
    tie = {"caps": [{"state": "tie", "mode": "enforced"}]}
    Result.objects.filter(unit=made.unit("direct")).update(derivation=tie, flags=["同分"])
    found = review.build(made.round)
    names = {mark: {made.unit(n).pk for n in wanted} for mark, wanted in (
        ("manual", ["software"]), ("near", ["algebra"]), ("far", ["software"]), ("tie", ["direct"]))}  # fmt: skip
    assert {mark: review.marked(found, mark) for mark in review.MARKS} == names
    software = found[made.unit("software").pk]
    assert (software.steps_from_computed, software.reason) == (-2, "整改没有到位")
    people = People(made)
    for mark, wanted in (("manual", "software"), ("near", "algebra"), ("far", "software"), ("tie", "direct")):
        said = text(people.get("office", "review", made.round.pk, query=f"?mark={mark}"))
        assert "1 个党支部 导出 Excel" in said
        assert made.unit(wanted).name in said


def test_the_rows_say_it_in_words(made):
    earlier(made, software="advanced")
    deciding(made)
    propose(made, "fair", ("software",), "整改没有到位")
    row = next(r for r in prepared(list(unit_rows(review_rows(RoundUnit.objects.filter(pk=made.unit("software").pk))))))
    assert {key: row[key] for key in ("last", "computed", "proposed", "decided", "changed", "moved", "state")} == {
        "last": "先进", "computed": "先进", "proposed": "一般", "decided": "—", "changed": "↓2 级", "moved": "↓2 级",
        "state": "已拟定",
    }  # fmt: skip
    assert row["marks"].startswith("人工")
    assert [review.steps_words(n) for n in (None, 0, 1, -3)] == ["—", "持平", "↑1 级", "↓3 级"]


def test_a_whole_unit_is_decided_as_proposed(made):
    deciding(made)
    propose(made, "advanced", ("algebra", "chinese"))
    propose(made, "good", ("software",), "整改没有到位")
    maths = str(made.school.maths.pk)
    people = People(made)
    said = text(people.post("office", "review", made.round.pk, do="decide", group=[maths], **DECISION))
    assert "已审定 2 个党支部的等级。" in said
    software = Result.objects.get(unit=made.unit("software"))
    assert (software.state, software.decided_grade.code, software.manual_reason) == ("decided", "good", "整改没有到位")
    assert (software.body, software.met_on, software.document_number) == (
        "党委会", dt.date(2012, 10, 12), "清师党〔2012〕30号",
    )  # fmt: skip
    assert Result.objects.get(unit=made.unit("chinese")).state == "proposed"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"group": []}, "请先勾选党总支。"),
        ({"body": ""}, "请写明决定机构。"),
        ({"met_on": "十月"}, "会议日期请写成 2012-03-30 的样子。"),
        ({"met_on": "2999-01-01"}, "会议日期不能晚于今天。"),
        ({}, "所选党总支没有已拟定的等级。"),
        ({"do": "confirm"}, "所选党总支没有等待确认的等级。"),
    ],
)
def test_what_keeps_it_from_being_decided(made, given, sentence):
    deciding(made)
    posted = DECISION | {"do": "decide", "group": [str(made.school.maths.pk)]} | given
    assert sentence in text(People(made).post("office", "review", made.round.pk, **posted))
    assert not Result.objects.filter(state="decided").exists()


def test_a_refused_decision_keeps_what_was_typed_and_ticked(made):
    deciding(made)
    propose(made, "advanced", ("algebra",))
    letters, maths = made.school.letters.pk, made.school.maths.pk
    posted = {"do": "decide", "group": [str(letters)], "body": "党委常委会", "met_on": "2999-01-01"}
    page = People(made).post("office", "review", made.round.pk, **posted, document_number="党发〔2012〕9号")
    shown = page.content.decode()
    assert re.findall(r'name="(body|met_on|document_number)"[^>]*value="([^"]*)"', shown) == [
        ("body", "党委常委会"), ("met_on", "2999-01-01"), ("document_number", "党发〔2012〕9号"),
    ]  # fmt: skip
    assert re.findall(r'name="group" value="(\d+)"[^>]* checked', shown) == [str(letters)]
    assert f'name="group" value="{maths}"' in shown


@pytest.mark.parametrize("role", ["officer", "secretary"])
def test_only_the_school_decides_on_whole_general_branches(made, role):
    deciding(made)
    propose(made, "advanced", ("algebra",))
    posted = DECISION | {"do": "decide", "group": [str(made.school.maths.pk)]}
    assert People(made).post(role, "review", made.round.pk, **posted).status_code == 403
    assert not Result.objects.filter(state="decided").exists()


def test_before_the_decision_begins_nothing_is_decided(made):
    propose(made, "advanced", ("algebra",))
    posted = DECISION | {"do": "decide", "group": [str(made.school.maths.pk)]}
    said = text(People(made).post("office", "review", made.round.pk, **posted))
    assert "本轮现在是“评分”，转入审定后再整体审定。" in said


def test_nobody_decides_or_confirms_for_a_branch_in_which_they_hold_office(made):
    deciding(made)
    propose(made, "advanced", ("software", "algebra"))
    people = People(made)
    AppointmentFactory(
        branch=made.school.software, person=people.accounts["office"].person, post=Appointment.Post.COMMITTEE_MEMBER,
        starts="2012-01",
    )  # fmt: skip
    units = [made.unit("software"), made.unit("algebra")]
    chosen, aside = may_decide_all(people.accounts["office"], made.round, units)
    assert (chosen, aside) == ([made.unit("algebra")], [made.unit("software")])
    assert may_decide_all(people.accounts["officer"], made.round, units) == ([], [])
    posted = DECISION | {"do": "decide", "group": [str(made.school.maths.pk)]}
    said = text(people.post("office", "review", made.round.pk, **posted))
    assert f"{made.unit('software').name}按规定回避" in said
    assert Result.objects.get(unit=made.unit("software")).state == "proposed"


def test_the_school_confirms_and_a_new_decision_wants_a_new_confirmation(made):
    deciding(made)
    decide(made)
    with pytest.raises(BlockedError, match="5 个支部的等级还没有经学校确认"):
        rounds.move_round(by=None, round_=made.round, to="publicity", now=now())
    people = People(made)
    assert "5 个党支部等待确认" in text(people.get("office", "home"))
    groups = [str(made.school.maths.pk), str(made.school.letters.pk), "direct"]
    said = text(people.post("office", "review", made.round.pk, do="confirm", group=groups, **DECISION))
    assert "已确认 5 个党支部的等级。" in said
    kept = Confirmation.objects.get(result__unit=made.unit("software"))
    assert (kept.body, kept.met_on, kept.document_number) == ("党委会", dt.date(2012, 10, 12), "清师党〔2012〕30号")
    assert AuditEntry.objects.filter(action="result.confirm").count() == 5
    assert reviewed(made, "software").confirmed
    unit = made.unit("software")
    results.withdraw(by=None, result=unit.results.get(), reason="材料有误", now=now())
    decide(made, "advanced", ("software",))
    assert not reviewed(made, "software").confirmed
    with pytest.raises(BlockedError, match=f"1 个支部的等级还没有经学校确认：{unit.name}"):
        rounds.move_round(by=None, round_=made.round, to="publicity", now=now())
    confirmations.confirm(by=None, round_=made.round, units=[unit], decision=BODY, now=now())
    assert rounds.move_round(by=None, round_=made.round, to="publicity", now=now()).state == "publicity"
    with pytest.raises(RefusedError, match="不能确认"):
        confirmations.confirm(by=None, round_=made.round, units=[unit], decision=BODY, now=now())


def test_a_round_without_that_step_is_not_confirmed(made):
    made.round.steps.filter(code="confirm").delete()
    deciding(made)
    decide(made)
    with pytest.raises(RefusedError, match="本轮没有学校确认这一步。"):
        confirmations.confirm(by=None, round_=made.round, units=[made.unit("software")], decision=BODY, now=now())
    made.round.steps.create(ordinal=99, code="confirm", name="学校确认")
    with pytest.raises(RefusedError, match="请写明确认的机构。"):
        confirmations.confirm(
            by=None, round_=made.round, units=[made.unit("software")], decision=Decision(""), now=now()
        )


def test_a_unit_sees_its_own_part(made):
    propose(made, "advanced", ("algebra", "chinese"))
    people = People(made)
    said = text(people.get("officer", "review", made.round.pk))
    assert made.unit("algebra").name in said
    assert made.unit("chinese").name not in said
    assert "按党总支办理" not in said
    assert "按党总支办理" not in text(people.get("leader", "review", made.round.pk))


@pytest.mark.once
def test_the_list_asks_as_often_for_one_branch_as_for_three(made):
    results.compute_round(by=None, round_=made.round, now=now())
    client = People(made).client("office")
    one, three = (f"/grading/rounds/{made.round.pk}/review/?{query}" for query in ("unit=direct", ""))
    client.get(one)
    assert queries(client, one) == queries(client, three)
