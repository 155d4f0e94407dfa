"""Deadlines to the second in Shanghai, tickets taken before them, and receipts that say what was filed when."""

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import IntegrityError, transaction

from branches import clock, tickets
from branches.models import Upload
from branches.services import uploads
from grading.models import Assessment, Receipt
from grading.services import receipts, rounds, sheets
from tests.factories.freezing import ReceiptFactory
from tests.factories.grading import opened_round
from tests.grading.pages import account, all_points, item, page, text
from tests.worlds import shared

SHANGHAI = ZoneInfo("Asia/Shanghai")
LAST_DAY = dt.date(2031, 3, 29)
MIDNIGHT = dt.datetime(2031, 3, 30, tzinfo=SHANGHAI)


def seconds(number):
    return dt.timedelta(seconds=number)


# --- tickets -----------------------------------------------------------------------------------------------------


def issued(at=MIDNIGHT, account_id=7, thing="round:3"):
    return tickets.issue(account_id=account_id, thing=thing, now=at)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("after", "good"), [(0, True), (1, True), (299, True), (300, True), (301, False), (3600, False), (-1, False)]
)
def test_a_ticket_is_good_for_five_minutes(after, good):
    found = tickets.moment(issued(), account_id=7, thing="round:3", now=MIDNIGHT + seconds(after))
    assert found == (MIDNIGHT if good else None)


@pytest.mark.unit
def test_the_minutes_are_a_setting(settings):
    settings.FILING_GRACE_MINUTES = 10
    assert tickets.moment(issued(), account_id=7, thing="round:3", now=MIDNIGHT + seconds(600)) == MIDNIGHT


@pytest.mark.unit
@pytest.mark.parametrize(
    "ticket",
    [
        "", "nonsense", "a:b", issued(account_id=8), issued(thing="round:4"), issued()[:-1] + "?",
        issued().replace(":", "."), tickets.signing.Signer(salt="other").sign_object([7, "round:3", 1.0]),
        tickets.signing.Signer(salt=tickets.SALT).sign_object(["x"]),
        tickets.signing.Signer(salt=tickets.SALT).sign_object([7, "round:3", "soon"]),
        tickets.signing.Signer(salt=tickets.SALT).sign_object([7, "round:3", 1e300]),
    ],
)  # fmt: skip
def test_a_forged_or_foreign_ticket_is_none(ticket):
    assert tickets.moment(ticket, account_id=7, thing="round:3", now=MIDNIGHT) is None


# --- the deadline ------------------------------------------------------------------------------------------------


def filing_round():
    with time_machine.travel(MIDNIGHT - dt.timedelta(days=9), tick=False):
        made = opened_round(starts_on=dt.date(2031, 3, 1), backfill=False)
        due = {"self": LAST_DAY}
        made.round = rounds.set_due_dates(by=None, round_=made.round, version=made.round.version, due=due)
    return made


grading = shared(filing_round)


@pytest.mark.once
@pytest.mark.parametrize("zone", [SHANGHAI, dt.UTC, ZoneInfo("America/New_York")])
@pytest.mark.parametrize(("offset", "late"), [(-1, False), (-0.000001, False), (0, True), (1, True)])
def test_late_begins_with_the_second_after_the_last_day(grading, offset, late, zone):
    unit = grading.unit("software")
    assert rounds.is_late(unit, "self", (MIDNIGHT + seconds(offset)).astimezone(zone)) is late


@pytest.mark.once
def test_the_end_of_a_year_is_a_day_like_another():
    assert clock.end_of(dt.date(2031, 12, 31)) == dt.datetime(2032, 1, 1, tzinfo=SHANGHAI)
    assert clock.end_of(dt.date(2031, 12, 31)).astimezone(dt.UTC) == dt.datetime(2031, 12, 31, 16, tzinfo=dt.UTC)


@pytest.mark.once
def test_an_extension_moves_the_second(grading):
    unit = grading.unit("software")
    step = grading.round.steps.get(code="self")
    rounds.extend(by=None, unit=unit, step=step, until=dt.date(2031, 4, 2), reason="书记出差", now=MIDNIGHT)
    unit = type(unit).objects.select_related("round__campaign").get(pk=unit.pk)
    over = dt.datetime(2031, 4, 3, tzinfo=SHANGHAI)
    assert [rounds.is_late(unit, "self", over + seconds(n)) for n in (-1, 0)] == [False, True]


# --- filing through the page -------------------------------------------------------------------------------------


def opened_at(browser, account, unit, moment):
    """Sign in and open the page at a moment; return its ticket."""
    with time_machine.travel(moment, tick=False):
        browser.force_login(account, backend="branches.auth.AccountBackend")
        return browser.get(page("self-assessment", unit.pk)).context["ticket"]


def sent_at(browser, unit, moment, **given):
    """Send the whole sheet at a moment; return the answer."""
    with time_machine.travel(moment, tick=False):
        return browser.post(page("self-assessment", unit.pk), all_points(unit) | {"do": "submit"} | given)


@pytest.mark.once
@pytest.mark.parametrize(
    ("opened", "arrives", "counts", "late"),
    [
        (-600, -1, -1, False),  # in time, as it arrives
        (-60, 0, -60, False),  # a minute before: the ticket holds
        (-60, 1, -60, False),
        (-300, 0, -300, False),  # five minutes to the second
        (-301, 0, 0, True),  # the ticket is too old
        (-1, 299, -1, False),
        (-1, 300, 300, True),
        (0, 1, 1, True),  # opened when it was over
    ],
)
def test_a_filing_begun_before_the_deadline_may_finish_within_minutes(client, grading, opened, arrives, counts, late):
    unit = grading.unit("software")
    ticket = opened_at(client, account(grading.school, "secretary"), unit, MIDNIGHT + seconds(opened))
    answer = sent_at(client, unit, MIDNIGHT + seconds(arrives), ticket=ticket)
    assert answer.status_code == 302
    row = Receipt.objects.get(assessment__unit=unit)
    assert (row.filed_at, row.received_at) == (MIDNIGHT + seconds(counts), MIDNIGHT + seconds(arrives))
    sheet = row.assessment
    assert (row.late, sheet.late, sheet.submitted_at) == (late, late, row.received_at)
    assert (row.total, row.digest) == (sheet.earned, receipts.digest_of(sheet))


@pytest.mark.once
def test_a_filing_takes_one_lock_and_few_queries(client, grading, django_assert_max_num_queries):
    """The last five minutes hang on it: one transaction from the first row to the receipt (bench.rush)."""
    unit = grading.unit("software")
    ticket = opened_at(client, account(grading.school, "secretary"), unit, MIDNIGHT - seconds(60))
    with django_assert_max_num_queries(58) as filed:
        assert sent_at(client, unit, MIDNIGHT, ticket=ticket).status_code == 302
    said = [one["sql"] for one in filed.captured_queries]
    outermost = next(number for number, sql in enumerate(said) if sql.startswith("SAVEPOINT"))
    closed = said[outermost].replace("SAVEPOINT", "RELEASE SAVEPOINT")
    writes = [
        n for n, sql in enumerate(said) if sql.startswith(("INSERT", "UPDATE", "DELETE")) and "_session" not in sql
    ]
    assert writes
    assert all(outermost < number < said.index(closed) for number in writes)
    with django_assert_max_num_queries(32):
        client.get(page("unit", unit.pk))


@pytest.mark.once
def test_what_is_entered_stays_saved_where_the_submission_is_refused(client, grading):
    unit = grading.unit("software")
    opened_at(client, account(grading.school, "secretary"), unit, MIDNIGHT - seconds(60))
    without = {next(iter(all_points(unit))): ""}
    assert sent_at(client, unit, MIDNIGHT - seconds(9), **without).status_code == 422
    sheet = unit.assessments.get()
    assert (sheet.state, sheet.submitted_at, sheet.answered) == (
        Assessment.State.DRAFT,
        None,
        len(all_points(unit)) - 1,
    )
    assert not Receipt.objects.exists()


@pytest.mark.once
@pytest.mark.parametrize("whose", ["nobody", "another account", "another round"])
def test_without_a_ticket_of_ones_own_it_is_late(client, grading, whose):
    unit, secretary = grading.unit("software"), account(grading.school, "secretary")
    before, after = MIDNIGHT - seconds(30), MIDNIGHT + seconds(5)
    given = {
        "nobody": "",
        "another account": tickets.issue(account_id=secretary.pk + 1, thing=f"round:{grading.round.pk}", now=before),
        "another round": tickets.issue(account_id=secretary.pk, thing=f"round:{grading.round.pk + 1}", now=before),
    }[whose]
    opened_at(client, secretary, unit, before)
    sent_at(client, unit, after, ticket=given)
    row = Receipt.objects.get(assessment__unit=unit)
    assert (row.late, row.filed_at) == (True, after)


@pytest.mark.once
def test_a_refused_form_keeps_its_ticket(client, grading):
    unit = grading.unit("software")
    ticket = opened_at(client, account(grading.school, "secretary"), unit, MIDNIGHT - seconds(20))
    wrong = {next(iter(all_points(unit))): "很多"}
    answer = sent_at(client, unit, MIDNIGHT + seconds(20), ticket=ticket, **wrong)
    assert (answer.status_code, answer.context["ticket"]) == (422, ticket)
    assert sent_at(client, unit, MIDNIGHT + seconds(60), ticket=ticket).status_code == 302
    assert not Receipt.objects.get().late


@pytest.mark.once
@pytest.mark.parametrize(("upload", "late"), [(-60, False), (-301, True), (1, True)])
def test_a_workbook_sent_before_the_deadline_may_be_submitted_after_it(client, grading, upload, late):
    unit, secretary = grading.unit("software"), account(grading.school, "secretary")
    sent = MIDNIGHT + seconds(upload)
    ticket = tickets.issue(account_id=secretary.pk, thing=f"round:{grading.round.pk}", now=sent)
    row = uploads.keep(by=secretary, kind="offline", name="附件4.xlsx", data=b"x")
    uploads.choose(upload=row, choices={"round": grading.round.pk, "ticket": ticket})
    Upload.objects.update(state=Upload.State.DONE, finished_at=sent)
    opened_at(client, secretary, unit, MIDNIGHT)
    sent_at(client, unit, MIDNIGHT)
    assert Receipt.objects.get().late is late


@pytest.mark.once
def test_a_page_near_the_deadline_renews_its_ticket(client, grading):
    unit = grading.unit("software")
    first = opened_at(client, account(grading.school, "secretary"), unit, MIDNIGHT - seconds(400))
    with time_machine.travel(MIDNIGHT - seconds(10), tick=False):
        answer = client.get(page("filing-ticket", grading.round.pk))
    assert answer["Content-Type"] == "text/plain"
    renewed = answer.content.decode()
    assert renewed != first
    sent_at(client, unit, MIDNIGHT + seconds(100), ticket=renewed)
    assert Receipt.objects.get().filed_at == MIDNIGHT - seconds(10)


# --- receipts ----------------------------------------------------------------------------------------------------


@pytest.mark.once
def test_filing_again_gives_another_receipt_and_the_page_tells_them_apart(client, grading):
    unit, secretary = grading.unit("software"), account(grading.school, "secretary")
    opened_at(client, secretary, unit, MIDNIGHT - seconds(900))
    sent_at(client, unit, MIDNIGHT - seconds(800))
    first = Receipt.objects.get()
    assert first.number in text(_at(client, page("unit", unit.pk)))
    said = text(_at(client, page("receipt", first.pk)))
    assert first.number in said
    assert "2031年3月29日 23:46:40" in said
    assert "后来又报送过" not in said
    sheet = Assessment.objects.get(unit=unit)
    sheets.return_sheet(by=None, assessment=sheet, reason="请补充", now=MIDNIGHT - seconds(700))
    sheet.refresh_from_db()
    lower = {item(unit, "A1").code: sheets.ScoreInput(Decimal("0.5"))}
    sheets.save_scores(by=secretary, assessment=sheet, version=sheet.version, entries=lower, now=MIDNIGHT)
    assert "表已有改动" in text(_at(client, page("receipt", first.pk)))
    sheets.submit(by=secretary, assessment=sheet, now=MIDNIGHT - seconds(600))
    assert "后来又报送过" in text(_at(client, page("receipt", first.pk)))
    assert Receipt.objects.count() == 2


def _at(client, url):
    with time_machine.travel(MIDNIGHT - seconds(500), tick=False):
        return client.get(url)


def test_a_receipt_says_something_possible(db):
    with pytest.raises(IntegrityError), transaction.atomic():
        ReceiptFactory(number="")
    with pytest.raises(IntegrityError), transaction.atomic():
        ReceiptFactory(filed_at=MIDNIGHT, received_at=MIDNIGHT - seconds(1))
    row = ReceiptFactory()
    with pytest.raises(IntegrityError), transaction.atomic():
        ReceiptFactory(number=row.number)
