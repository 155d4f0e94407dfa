"""更正: two people, a new version, the old one readable, the mark on every list and page."""

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from branches import guards
from branches.models import AuditEntry, Role
from branches.registries import home_items
from branches.transitions import IllegalMoveError
from grading.models import Correction, Result
from grading.services import corrections, freezing
from grading.services.errors import RefusedError
from reporting.annexes.gather import Gatherer
from tests.factories.branches import holder
from tests.factories.freezing import CorrectionFactory
from tests.factories.grading import ResultFactory
from tests.grading.frozen_round import decided_round, final_round
from tests.grading.pages import account, page, text
from tests.grading.steps import now
from tests.worlds import shared

pytestmark = pytest.mark.once
final = shared(final_round)
decided = shared(decided_round)
WHY = {
    "reason": "票数录反", "body": "党委会", "document_number": "校党〔2012〕31号", "met_on": None,
}  # fmt: skip


@pytest.fixture
def people(final):
    return holder(Role.OFFICE, final.school.root), holder(Role.OFFICE, final.school.root)


def of(made, name="software"):
    return Result.objects.filter(unit=made.unit(name)).current().get()


def proposed(final, by, grade="good", **given):
    return corrections.propose(by=by, result=of(final), grade=grade, now=now(), **(WHY | given))


def test_a_correction_is_a_new_version_by_two_people(final, people):
    first, second = people
    row = proposed(final, first)
    assert (of(final).version, of(final).decided_grade.label) == (1, "先进")
    new = corrections.approve(by=second, correction=row, now=now())
    assert (new.version, new.decided_grade.label, new.frozen_at is not None, new.manual) == (2, "较好", True, True)
    assert (new.body, new.document_number, new.manual_reason) == ("党委会", "校党〔2012〕31号", "票数录反")
    old = Result.objects.get(unit=new.unit, version=1)
    assert (old.decided_grade.label, old.hand, new.hand) == ("先进", "", "更正")
    assert (new.composite, new.derivation, new.inputs) == (old.composite, old.derivation, old.inputs)
    row.refresh_from_db()
    assert (row.state, row.proposed_by, row.decided_by) == ("approved", first, second)
    said = AuditEntry.objects.filter(action__startswith="correction.").values_list("action", flat=True)
    assert set(said) == {"correction.propose", "correction.approve"}
    assert freezing.drift(final.round) == []


def test_back_to_the_computed_grade_is_no_change_by_hand(final, people):
    first, second = people
    corrections.approve(by=second, correction=proposed(final, first), now=now())
    again = corrections.approve(by=first, correction=proposed(final, second, "advanced"), now=now())
    assert (again.version, again.manual, again.hand) == (3, False, "更正")
    assert freezing.drift(final.round) == []


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"grade": "advanced"}, "现在就是“先进”"),
        ({"grade": "splendid"}, "请选择更正为哪个等级"),
        ({"reason": " "}, "请写明更正的理由"),
        ({"body": ""}, "请写明决定更正的机构"),
        ({"document_number": ""}, "请填写决定更正的文号"),
    ],
)
def test_what_a_proposal_must_say(final, people, given, sentence):
    with pytest.raises(RefusedError, match=sentence):
        proposed(final, people[0], **given)


def test_one_at_a_time_and_only_of_a_frozen_newest_version(final, people):
    first, second = people
    old = of(final)
    row = proposed(final, first)
    with pytest.raises(RefusedError, match="已有一份更正在等复核"):
        proposed(final, second)
    corrections.approve(by=second, correction=row, now=now())
    with pytest.raises(RefusedError, match="更新的版本"):
        corrections.propose(by=first, result=old, grade="fair", now=now(), **WHY)
    with pytest.raises(IllegalMoveError):
        corrections.approve(by=second, correction=row, now=now())


def test_before_the_round_is_final_there_is_nothing_to_correct(decided):
    office = holder(Role.OFFICE, decided.school.root)
    result = Result.objects.get(unit=decided.unit("software"))
    with pytest.raises(RefusedError, match="本轮还没有定级"):
        corrections.propose(by=office, result=result, grade="good", now=now(), **WHY)


def test_nobody_approves_or_refuses_ones_own(final, people):
    first, second = people
    row = proposed(final, first)
    for act in (
        lambda: corrections.approve(by=first, correction=row, now=now()),
        lambda: corrections.refuse_correction(by=first, correction=row, answer="不妥", now=now()),
    ):
        with pytest.raises(RefusedError, match="提出人不能复核自己的更正"):
            act()
    with pytest.raises(RefusedError, match="只有提出人可以撤回"):
        corrections.withdraw(by=second, correction=row, now=now())
    with pytest.raises(RefusedError, match="须写明理由"):
        corrections.refuse_correction(by=second, correction=row, answer=" ", now=now())
    corrections.refuse_correction(by=second, correction=row, answer="依据不足", now=now())
    assert (of(final).version, Correction.objects.get().answer) == (1, "依据不足")
    corrections.withdraw(by=first, correction=proposed(final, first), now=now())
    assert Correction.objects.filter(state="withdrawn").count() == 1


@pytest.mark.db
@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "approved"},
        {"state": "refused", "answer": "x"},
        {"state": "lost"},
        {"reason": ""},
        {"document_number": ""},
        {"body": ""},
    ],
)
def test_the_database_refuses_a_correction_that_lacks_something(db, wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        CorrectionFactory(**wrong)


@pytest.mark.db
def test_the_database_refuses_the_same_person_twice_and_two_at_once(db):
    row = CorrectionFactory()
    with pytest.raises(IntegrityError), transaction.atomic():
        Correction.objects.filter(pk=row.pk).update(state="approved", decided_by=row.proposed_by, decided_at=now())
    with pytest.raises(IntegrityError), transaction.atomic():
        CorrectionFactory(result=row.result)
    with pytest.raises(IntegrityError), transaction.atomic():
        Correction.objects.filter(pk=row.pk).update(
            state="refused", decided_by=holder(Role.OFFICE, row.result.unit.branch), decided_at=now(), answer=""
        )
    CorrectionFactory(result=ResultFactory())


@pytest.mark.db
def test_with_guards_a_correction_passes_and_a_decided_one_stands(final, people):
    first, second = people
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    guards.install(connection)
    row = proposed(final, first)
    corrections.approve(by=second, correction=row, now=now())
    assert of(final).version == 2
    for act in (
        lambda: Correction.objects.update(reason="改"),
        lambda: Correction.objects.all()._raw_delete("default"),
        lambda: Result.objects.filter(version=2).update(body="改"),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            act()
    guards.remove(connection)


# --- pages -------------------------------------------------------------------------------------------------------


def test_the_way_through_the_pages(signed_in, final, people):
    first, second = people
    unit = final.unit("software")
    browser = signed_in(first)
    assert page("correct", unit.pk) in browser.get(page("explain", unit.pk)).content.decode()
    posted = {"grade": "good", "reason": "票数录反", "body": "党委会", "document_number": "", "met_on": "2012-04-10"}
    refused = browser.post(page("correct", unit.pk), posted)
    assert refused.status_code == 422
    assert "请填写文号" in text(refused)
    assert "票数录反" in text(refused)
    done = browser.post(page("correct", unit.pk), posted | {"document_number": "校党〔2012〕31号"})
    row = Correction.objects.get()
    assert (done.status_code, done["Location"]) == (302, page("correction", row.pk))
    assert "提出人不能复核自己的更正" in text(browser.get(page("correction", row.pk)))
    assert browser.post(page("correction-decide", row.pk), {"do": "approve"}).status_code == 403
    assert "已有一份更正在办理" in text(browser.get(page("correct", unit.pk)))
    assert not [item for item in home_items(first, now()) if "更正" in item.title]
    (waiting,) = [item for item in home_items(second, now()) if "更正" in item.title]
    assert waiting.url == page("correction", row.pk)
    browser = signed_in(second)
    assert "同意更正" in text(browser.get(page("correction", row.pk)))
    browser.post(page("correction-decide", row.pk), {"do": "approve"})
    assert "已更正：软件工程教研室党支部现为“较好”。" in text(browser.get(page("correction", row.pk)))
    assert "软件工程教研室党支部" in text(browser.get(page("corrections", final.round.pk)))
    assert "后来更正 1 个支部" in text(browser.get(page("round", final.round.pk)))


def test_every_list_shows_the_newest_version_with_its_mark(signed_in, final, people):
    corrections.approve(by=people[1], correction=proposed(final, people[0]), now=now())
    unit, browser = final.unit("software"), signed_in(account(final.school, "officer"))
    for address in (page("unit", unit.pk), page("explain", unit.pk), page("decide", final.round.pk)):
        assert "更正" in text(browser.get(address)), address
    assert "较好（更正）" in text(browser.get(page("round-units", final.round.pk)))
    old = text(browser.get(page("explain", unit.pk) + "?version=1"))
    assert "这是更正前的一版" in old
    assert "较好 更正" in text(browser.get(page("explain", unit.pk)))
    gathered = Gatherer(final.round, [unit])
    assert gathered.results[unit.pk].hand == "更正"


def test_a_correction_that_is_refused_says_so(signed_in, final, people):
    row = proposed(final, people[0])
    browser = signed_in(people[1])
    browser.post(page("correction-decide", row.pk), {"do": "refuse", "reason": ""})
    assert "不予更正须写明理由" in text(browser.get(page("correction", row.pk)))
    browser.post(page("correction-decide", row.pk), {"do": "refuse", "reason": "依据不足"})
    assert "依据不足" in text(browser.get(page("correction", row.pk)))
    browser.post(page("correction-decide", row.pk), {"do": "nothing"})
    assert of(final).version == 1


def test_no_correction_yet(signed_in, final):
    assert "没有更正" in text(signed_in(account(final.school, "office")).get(page("corrections", final.round.pk)))


def test_the_list_costs_the_same_for_one_and_three(signed_in, final, people, django_assert_num_queries):
    browser = signed_in(people[1])
    corrections.propose(by=people[0], result=of(final), grade="good", now=now(), **WHY)
    browser.get(page("corrections", final.round.pk))
    from django.db import connection as wire
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(wire) as one:
        browser.get(page("corrections", final.round.pk))
    for name in ("algebra", "chinese"):
        corrections.propose(by=people[0], result=of(final, name), grade="good", now=now(), **WHY)
    with django_assert_num_queries(len(one)):
        browser.get(page("corrections", final.round.pk))
