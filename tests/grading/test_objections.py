"""异议: who raises, reads and answers them, until when, and that their text stays where it belongs."""

import datetime as dt

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from branches.models import Appointment, AuditDetail, AuditEntry, TransitionLog
from branches.permissions import Denied
from branches.transitions import BlockedError, Decision, IllegalMoveError
from grading.models import Objection, PublicityNotice, Result
from grading.permissions import may_answer
from grading.services import objections, results, rounds
from grading.services.errors import RefusedError
from tests.databases import installed
from tests.factories.branches import AppointmentFactory
from tests.factories.publicity import ObjectionFactory, PublicityLineFactory, PublicityNoticeFactory
from tests.grading.pages import text
from tests.grading.publicity_world import BODY, People, now, public_round, publish, queries
from tests.worlds import shared

pytestmark = pytest.mark.db

CANARY = "会议记录是后补的，笔迹一致。"
SECOND = dt.timedelta(seconds=1)
ANSWER = Decision("党委组织部", dt.date(2012, 10, 17))


@shared
def made():
    return publish(public_round())


@pytest.fixture
def at(time_machine, made):
    """Move the clock to so long after the notice went up; it stands still."""
    started = PublicityNotice.objects.get().started_at

    def move(**after):
        time_machine.move_to(started + dt.timedelta(**after), tick=False)
        return now()

    move(hours=1)
    return move


@pytest.fixture
def notice(made):
    return PublicityNotice.objects.get()


def file(people, notice, unit, **given):
    values = {"by": people.accounts["secretary"], "contact": "13900000000", "text": CANARY, "now": now()} | given
    return objections.file(notice=notice, unit=unit, **values)


def record(notice, unit, **given):
    values = {"channel": "phone", "name": "张明", "contact": "13900000000", "text": CANARY, "received_at": now()}
    return objections.record(by=None, notice=notice, unit=unit, now=now(), **(values | given))


def answer(row, outcome="not_upheld", said="已核实，不属实。", body=ANSWER):
    return objections.answer(by=None, objection=row, outcome=outcome, text=said, decision=body, now=now())


# --- in time --------------------------------------------------------------------------------------------------------


def test_to_the_last_second(made, at, notice):
    people, unit = People(made), made.unit("software")
    over = notice.ends_at
    assert file(people, notice, unit, now=over - SECOND).number == 1
    for moment in (over, over + SECOND):
        with pytest.raises(RefusedError) as caught:
            file(people, notice, made.unit("algebra"), now=moment)
        assert str(caught.value) == f"公示已于{notice.last_day:%Y年%-m月%-d日}24时截止，不再受理异议。"
    with pytest.raises(RefusedError, match="开始，这之前收到的不作为对公示的异议"):
        file(people, notice, unit, now=notice.started_at - SECOND)


def test_a_letter_counts_from_its_arrival(made, at, notice):
    at(days=20)
    row = record(notice, made.unit("software"), channel="letter", received_at=notice.ends_at - SECOND)
    assert (row.received_at, row.recorded_at) == (notice.ends_at - SECOND, now())
    with pytest.raises(RefusedError, match="不再受理异议"):
        record(notice, made.unit("software"), channel="letter", received_at=notice.ends_at)
    with pytest.raises(RefusedError, match="收到时间不能晚于现在"):
        record(notice, made.unit("software"), received_at=now() + SECOND)
    with pytest.raises(RefusedError, match="请选择异议是怎么收到的"):
        record(notice, made.unit("software"), channel="login")


def test_the_page_refuses_late_ones_with_the_sentence_and_keeps_the_text(made, at, notice):
    people = People(made)
    at(days=20)
    said = text(people.get("secretary", "object-to", notice.slug))
    assert "24时截止，不再受理异议。" in said
    assert "提交异议" not in said
    posted = {"unit": made.unit("software").pk, "contact": "1", "text": CANARY}
    response = people.post("secretary", "object-to", notice.slug, **posted)
    assert response.status_code == 422
    assert CANARY in text(response)
    assert not Objection.objects.exists()


def test_a_notice_that_was_withdrawn_takes_none(made, at, notice):
    rounds.move_round(by=None, round_=made.round, to="deciding", now=now(), reason="名单有误")
    with pytest.raises(RefusedError, match="这次公示已经撤下"):
        file(People(made), notice, made.unit("software"))


# --- what is wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "sentence"),
    [({"contact": " "}, "请留下联系方式"), ({"text": ""}, "请写明异议的内容和依据。")],
)
def test_something_is_missing(made, at, notice, given, sentence):
    with pytest.raises(RefusedError, match=sentence):
        file(People(made), notice, made.unit("software"), **given)


def test_one_account_does_not_flood_the_office(made, at, notice, monkeypatch):
    people = People(made)
    monkeypatch.setattr(objections, "MOST_OPEN", 2)
    file(people, notice, made.unit("software"))
    with pytest.raises(RefusedError, match="您对这个党支部已经提出异议"):
        file(people, notice, made.unit("software"))
    file(people, notice, made.unit("algebra"))
    with pytest.raises(RefusedError, match="您已有 2 件异议正在办理"):
        file(people, notice, made.unit("chinese"))


def test_the_form_offers_the_branches_of_the_notice_alone(made, at, notice):
    short = PublicityNoticeFactory(round=made.round, ordinal=9, state="ended", closed_at=now())
    PublicityLineFactory(notice=short, unit=made.unit("history"), grade=made.round.scale.grades.first())
    form = People(made).get("secretary", "object-to", short.slug).context["form"]
    # beside the branch it names, one's own: it may be objected that it is not named
    assert [value for value, _ in form.fields["unit"].choices] == [
        "",
        made.unit("history").pk,
        made.unit("software").pk,
    ]


def test_what_hung_out_stays_as_it_was(made, notice):
    connection.check_constraints()  # deferred checks that wait would bar PostgreSQL from putting triggers in place
    for change in (lambda rows: rows.update(grade_label="后进"), lambda rows: rows.delete()):
        with installed(), pytest.raises(DatabaseError, match="frozen"), transaction.atomic():
            change(notice.lines.all())
    assert notice.lines.all().update(grade_label="先进") == 5  # the control: without guards it goes through


# --- who reads and answers ------------------------------------------------------------------------------------------


def test_who_raised_it_reads_it_with_its_answer_and_others_do_not(made, at, notice):
    people = People(made)
    row = file(people, notice, made.unit("software"))
    assert CANARY in text(people.get("secretary", "objection", row.pk))
    assert "受理部门正在核实" in text(people.get("secretary", "objection", row.pk))
    for who in ("officer", "leader"):
        assert people.get(who, "objection", row.pk).status_code == 404
    answer(row)
    said = text(people.get("secretary", "objection", row.pk))
    assert "异议不成立" in said
    assert "已核实，不属实。" in said
    assert f"我的第 {row.number} 号异议" in text(people.get("secretary", "home"))
    assert "第 1 号" in text(people.get("secretary", "my-objections"))


def test_nobody_answers_for_a_branch_in_which_they_hold_office(made, at, notice):
    people = People(made)
    office = people.accounts["office"]
    AppointmentFactory(
        branch=made.school.software, person=office.person, post=Appointment.Post.COMMITTEE_MEMBER, starts="2012-01"
    )
    row = record(notice, made.unit("software"))
    refused = people.get("office", "objection", row.pk)
    assert refused.status_code == 403
    assert "按规定应当回避" in text(refused)
    assert CANARY not in text(refused)
    posted = {"outcome": "not_upheld", "answer": "不属实", "body": "组织部"}
    assert people.post("office", "objection-answer", row.pk, **posted).status_code == 403
    listed = text(people.get("office", "objections", made.round.pk))
    assert "另有 1 件按规定回避" in listed
    assert "第 1 号" not in listed
    assert "答复异议" not in text(people.get("office", "home"))
    choices = people.get("office", "objection-record", made.round.pk).context["form"].fields["unit"].choices
    assert made.unit("software").pk not in {value for value, _ in choices}


def test_nobody_answers_an_objection_of_their_own(made, at, notice):
    people = People(made)
    office = people.accounts["office"]
    row = file(people, notice, made.unit("software"), by=office)
    answered = may_answer(office, row)
    assert isinstance(answered, Denied)
    assert (
        people.post("office", "objection-answer", row.pk, outcome="not_upheld", answer="x", body="y").status_code == 403
    )
    assert "答复异议" not in text(people.get("office", "home"))


def test_an_answer_needs_outcome_words_and_a_body(made, at, notice):
    row = record(notice, made.unit("software"))
    with pytest.raises(RefusedError, match="请选择异议是否成立。"):
        answer(row, outcome="perhaps")
    with pytest.raises(RefusedError, match="请写明答复。"):
        answer(row, said=" ")
    with pytest.raises(IllegalMoveError, match="答复须写明决定机构。"):
        answer(row, body=Decision(""))
    response = People(made).post("office", "objection-answer", row.pk, outcome="", answer="核实过了", body="组织部")
    assert response.status_code == 422
    assert "核实过了" in text(response)
    answered = answer(row)
    assert (answered.state, answered.outcome, answered.body) == ("answered", "not_upheld", "党委组织部")
    with pytest.raises(IllegalMoveError):
        answer(row)


def test_an_answer_may_be_taken_up_again_until_the_end(made, at, notice):
    row = answer(record(notice, made.unit("software")), "upheld")
    with pytest.raises(IllegalMoveError, match="理由"):
        objections.take_up_again(by=None, objection=row, reason=" ", now=now())
    again = objections.take_up_again(by=None, objection=row, reason="结论写反了", now=now())
    assert (again.state, again.outcome, again.answered_at) == ("open", "", None)
    answer(again)
    at(days=20)
    rounds.finalise(by=None, round_=made.round, now=now())
    with pytest.raises(RefusedError, match="本轮已经定级"):
        objections.take_up_again(by=None, objection=row, reason="晚了", now=now())


# --- what follows ---------------------------------------------------------------------------------------------------


def test_it_keeps_the_round_from_ending_until_it_is_answered(made, at, notice):
    row = record(notice, made.unit("software"))
    at(days=20)
    with pytest.raises(BlockedError, match="还有 1 件异议没有答复：第 1 号。"):
        rounds.finalise(by=None, round_=made.round, now=now())
    answer(row)
    assert rounds.finalise(by=None, round_=made.round, now=now()).state == "final"


def test_an_upheld_one_leads_back_and_the_grade_is_decided_anew(made, at, notice):
    row, unit = record(notice, made.unit("software")), made.unit("software")
    with pytest.raises(RefusedError, match="异议成立的才退回审定。"):
        objections.send_back(by=None, objection=row, reason="核实", now=now())
    answer(row, "upheld")
    with pytest.raises(IllegalMoveError, match="理由"):
        objections.send_back(by=None, objection=row, reason="", now=now())
    at(days=20)
    with pytest.raises(BlockedError, match=f"1 个支部的异议成立，还没有重新定级：{unit.name}。"):
        rounds.finalise(by=None, round_=made.round, now=now())
    back = objections.send_back(by=None, objection=row, reason="核实后重新定级", now=now())
    assert (back.state, Result.objects.get(unit=unit).state) == ("deciding", "computed")
    choice = {unit.pk: results.Choice("good", "异议成立")}
    results.decide_grades(by=None, round_=back, choices=choice, decision=BODY, now=now())
    assert rounds.move_round(by=None, round_=back, to="publicity", now=now()).state == "publicity"


# --- its text -------------------------------------------------------------------------------------------------------


def test_its_text_stands_in_its_own_row_only(made, at, notice):
    people = People(made)
    row = file(people, notice, made.unit("software"), contact="canary-contact")
    objections.answer(
        by=None, objection=row, outcome="upheld", text="canary-answer", decision=ANSWER, now=now()
    )  # fmt: skip
    objections.send_back(by=None, objection=row, reason="核实后重新定级", now=now())
    assert AuditDetail.objects.get(entry__action="objection.receive").after["text_digest"] == objections.digest(CANARY)
    with connection.cursor() as cursor:
        found = set()
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            rows = cursor.fetchall()
            for canary in (CANARY, "canary-contact", "canary-answer"):
                found |= {table for one in rows if any(canary in str(value) for value in one)}
    assert found == {"grading_objection"}
    assert AuditEntry.objects.filter(thing="grading.objection").count() == 2
    assert not TransitionLog.objects.filter(reason__contains="笔迹").exists()


def test_no_list_export_or_public_page_carries_it(made, at, notice):
    people = People(made)
    file(people, notice, made.unit("software"), contact="canary-contact")
    for response in (
        people.get("anonymous", "notice", notice.slug),
        people.get("office", "objections", made.round.pk),
        people.get("office", "publicity", made.round.pk),
        people.get("leader", "publicity", made.round.pk),
        people.client("office").post(f"/grading/rounds/{made.round.pk}/objections/", {"format": "csv"}),
    ):
        assert response.status_code == 200
        said = response.content.decode("utf-8", "replace")
        assert CANARY not in said
        assert "canary-contact" not in said
        assert people.accounts["secretary"].get_full_name() not in said
    assert "待答复 1" in text(people.get("leader", "publicity", made.round.pk))
    assert people.get("officer", "publicity", made.round.pk).context["counts"] is None


# --- lists and the landing page -------------------------------------------------------------------------------------


def test_the_office_finds_what_waits(made, at, notice):
    people = People(made)
    assert "还没有异议" in text(people.get("office", "objections", made.round.pk))
    record(notice, made.unit("software"))
    record(notice, made.unit("algebra"))
    home = text(people.get("office", "home"))
    assert "2 件待答复，答复后才能定级" in home
    listed = text(people.get("office", "objections", made.round.pk, query="?state=open"))
    assert "2 件异议" in listed
    assert notice.title in text(people.get("officer", "home"))


@pytest.mark.once
def test_a_list_asks_as_often_for_one_row_as_for_three(made, at, notice):
    people = People(made)
    record(notice, made.unit("software"))
    client = people.client("office")
    url = f"/grading/rounds/{made.round.pk}/objections/"
    client.get(url)
    first = queries(client, url)
    record(notice, made.unit("algebra"))
    record(notice, made.unit("chinese"))
    assert queries(client, url) == first


# --- the database ---------------------------------------------------------------------------------------------------


def test_the_database_refuses_nonsense(made, notice):
    unit = made.unit("software")
    first = ObjectionFactory(notice=notice, unit=unit, number=1)
    for given in (
        {"number": first.number},
        {"name": ""},
        {"text": ""},
        {"channel": "login"},
        {"channel": "pigeon"},
        {"state": "answered"},
        {"state": "answered", "outcome": "upheld", "answer": "", "body": "组织部", "answered_at": now()},
        {"state": "answered", "outcome": "upheld", "answer": "属实", "body": "", "answered_at": now()},
        {"state": "answered", "outcome": "", "answer": "属实", "body": "组织部", "answered_at": now()},
        {"state": "closed"},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            ObjectionFactory(**({"notice": notice, "unit": unit} | given))
