"""Pages of ballots: the voter's on a phone, and those of 党总支 and office."""

import io
import re

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from pypdf import PdfReader

from branches import clock
from branches.models import AuditDetail, AuditEntry, Role
from branches.registries import home_items
from grading.models import AppraisalCount, BallotBox, BallotCode, CodeExchange, KeyCustody, SealedBallot
from grading.services import ballot_closing, ballots, voting
from reporting.models import Export
from tests.factories.branches import holder
from tests.factories.voters import VoterGroupFactory
from tests.grading.ballot_boxes import box_of, fresh, open_of, vote, world
from tests.grading.pages import page, recused_officer, text
from tests.worlds import shared

pytestmark = pytest.mark.once

grading = shared(world)
BALLOT = "/b/"
CODE = re.compile(r"([0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4})\s+([0-9A-Z]{4}-[0-9A-Z]{4})")


@pytest.fixture
def office(signed_in, grading):
    return signed_in(grading.office)


@pytest.fixture
def deputy(grading):
    client = Client()
    client.force_login(grading.deputy, backend=settings.AUTHENTICATION_BACKENDS[-1])
    return client


def sent(client, code, step="code", **data):
    return client.post(BALLOT, {"step": step, "code": code, **data})


def errors(response):
    return [fault.text for fault in response.context["errors"]]


def count(box):
    """Count a closing box, and end it as the worker does where no test holds a transaction open."""
    ballot_closing.work()
    BallotBox.objects.filter(pk=box.pk).update(
        state=BallotBox.State.CLOSED, keys_destroyed_at=clock.now(), scrubbed_at=clock.now(), error=""
    )


def body(response):
    return re.sub(r"\s+", "", re.sub(r"<[^>]+>", " ", response.content.decode().partition("<main")[2]))


# --- the voter -----------------------------------------------------------------------------------------------------


def test_three_taps_and_the_thanks_say_nothing(grading):
    box, codes = open_of(grading)
    phone = Client(enforce_csrf_checks=True)
    first = phone.get(BALLOT)
    token = {"csrfmiddlewaretoken": first.cookies["csrftoken"].value}
    assert set(first.cookies) == {"csrftoken"}
    second = sent(phone, codes[0].lower().replace("-", " "), **token)
    assert box.unit.name in body(second)
    assert all(option["label"] in body(second) for option in box.options)
    third = sent(phone, codes[0], "choice", choice="fairly", **token)
    assert "您选的是基本满意" in body(third)
    assert "组织生活不正常" in body(third)
    done = sent(phone, codes[0], "cast", choice="fairly", problem=["study"], **token)
    assert "您的票已收到" in body(done)
    for word in ("基本满意", "组织生活", box.unit.name, codes[0], codes[0][:4]):
        assert word not in done.content.decode()
    assert SealedBallot.objects.count() == 1
    # Once more: a clear sentence, no second ballot, and the code is not shown again.
    again = sent(phone, codes[0], "cast", choice="fairly", **token)
    assert "如果是您自己投的，票已收到" in body(again)
    assert codes[0] not in again.content.decode()
    assert SealedBallot.objects.count() == 1
    assert phone.post(BALLOT, {"step": "code", "code": codes[1]}).status_code == 403


def test_every_answer_is_kept_out_of_caches_and_logs(grading, caplog):
    _, codes = open_of(grading)
    answers = [Client().get(BALLOT), sent(Client(), codes[0]), sent(Client(), "错"), sent(Client(), codes[0], "cast")]
    assert {(one.status_code, one["Cache-Control"], one["Referrer-Policy"]) for one in answers} == {
        (200, "no-store", "same-origin")
    }
    sent(Client(), codes[1], "cast", choice="satisfied")
    assert caplog.text == ""
    # The control: an ordinary page that is not there is logged.
    Client().get("/no-such-page/")
    assert "no-such-page" in caplog.text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "请输入评议码"),
        ("7K3M-9QX2", "评议码应是20位"),
        ("0000-0000-0000-0000-0000", "没有这个评议码"),
    ],
)
def test_a_wrong_code_is_said_in_a_sentence(grading, typed, said):
    open_of(grading)
    answer = sent(Client(), typed)
    assert said in body(answer)
    assert 'name="choice"' not in answer.content.decode()


def test_closed_and_choice_less_ballots(grading):
    box, codes = open_of(grading)
    # Without a choice the ballot is shown again; a choice the ballot does not have is none.
    assert "您的评价" in body(sent(Client(), codes[0], "cast"))
    assert "您的评价" in body(sent(Client(), codes[0], "choice", choice="excellent"))
    # A problem the ballot does not have: asked again with the choice kept, nothing cast.
    odd = sent(Client(), codes[0], "cast", choice="satisfied", problem=["none-such"])
    assert "您选的是满意" in body(odd)
    assert not SealedBallot.objects.exists()
    ballots.close_box(by=grading.office, box=box, now=clock.now())
    assert "评议已经结束" in body(sent(Client(), codes[0], "cast", choice="satisfied"))


def test_voting_leaves_no_trace_of_who_is_signed_in(signed_in, grading):
    _, codes = open_of(grading)
    client = signed_in(holder(Role.SECRETARY, grading.school.software))
    session = client.session
    session["seen"] = (timezone.now() - timezone.timedelta(minutes=10)).timestamp()
    session.save()
    before = list(Session.objects.values_list("session_key", "session_data", "expire_date"))
    entries = AuditEntry.objects.count()
    sent(client, codes[0], "cast", choice="satisfied")
    assert SealedBallot.objects.count() == 1
    assert list(Session.objects.values_list("session_key", "session_data", "expire_date")) == before
    assert AuditEntry.objects.count() == entries
    # The control: any other page does write down that the session was used.
    client.get("/")
    assert list(Session.objects.values_list("session_key", "session_data", "expire_date")) != before


# --- making, printing, opening -------------------------------------------------------------------------------------


def keepers(**more):
    return {"source": "appraisal", "first_keeper": "张保管", "second_keeper": "李保管", "all-": "8"} | more


def test_boxes_for_all_branches_with_copies_shown_once(office, grading):
    address = page("ballot-new", grading.round.pk)
    shown = office.get(address)
    picks = {f"pick-{want.unit.pk}": "1" for want in shown.context["wants"]}
    assert len(picks) == 5
    alone = {f"n-{grading.unit('software').pk}-": "12"}
    made = office.post(address, keepers(**picks, **alone))
    copies = [new.copy for new in made.context["made"]]
    assert len(set(copies)) == 5
    assert all(made.content.decode().count(copy) == 2 for copy in copies)
    assert sorted(box.paper["groups"][0]["number"] for box in BallotBox.objects.all()) == [8, 8, 8, 8, 12]
    assert "各支部都已有评议箱" in text(office.get(address))
    stored = [*AuditDetail.objects.values_list("before", "after"), *BallotBox.objects.values_list("paper")]
    assert not any(copy[:9] in repr(stored) for copy in copies)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"second_keeper": "张保管"}, "两位保管人不能是同一个人。"),
        ({"first_keeper": ""}, "请填写密钥保管人（一）。"),
        ({"all-": "很多"}, "请填 0 至 500 的整数。"),
        ({"all-": "4"}, "少于 5 人的公布下限"),
        ({"closes_at": "2001-01-01T08:00"}, "截止时间已经过了。"),
    ],
)
def test_what_no_box_can_be_made_of(office, grading, given, said):
    unit = grading.unit("software")
    answer = office.post(page("ballot-new", grading.round.pk), keepers(**{f"pick-{unit.pk}": "1"}) | given)
    assert answer.status_code == 422
    assert any(said in one for one in errors(answer))
    assert not BallotBox.objects.exists()
    assert (given.get("second_keeper") or "李保管") in answer.content.decode()


def test_one_sentence_for_all_branches_without_a_number(office, grading):
    address = page("ballot-new", grading.round.pk)
    picks = {f"pick-{want.unit.pk}": "1" for want in office.get(address).context["wants"]}
    how = "可在“每个支部发多少张”填一个数，或在下面逐个填写。"
    for typed, wrong in (("", "没有填评议人数。"), ("很多", "请填 0 至 500 的整数。"), ("4", "公布下限")):
        answer = office.post(address, keepers(**picks) | {"all-": typed})
        (fault,) = answer.context["errors"]
        assert (answer.status_code, fault.target) == (422, "id_all-1")
        assert fault.text.startswith("5 个支部：")
        assert wrong in fault.text
        assert how in fault.text
        assert answer.content.decode().count('class="has-error"') == 5
    assert not BallotBox.objects.exists()
    software = grading.unit("software")
    answer = office.post(address, keepers(**picks) | {f"n-{software.pk}-": "x"})
    assert errors(answer) == [f"{software.name}：请填 0 至 500 的整数。"]


def test_codes_are_printed_once_and_kept_nowhere(office, grading, caplog):
    made = ballots.create_box(
        by=grading.office, unit=grading.unit("software"), source=grading.source("appraisal"), groups={"": 23},
        keepers=("张保管", "李保管"), now=clock.now(),
    )  # fmt: skip
    data = {"box": [str(made.box.pk)]}
    answer = office.post(page("ballot-codes", grading.round.pk), data)
    assert (answer.status_code, answer["Content-Type"], answer["Cache-Control"]) == (200, "application/pdf", "no-store")
    pages = PdfReader(io.BytesIO(answer.content)).pages
    codes = [
        "-".join(found) for one in pages for found in CODE.findall(one.extract_text())
    ]  # fmt: skip
    assert (len(pages), len(set(codes))) == (2, 23)
    assert "testserver/b" in pages[0].extract_text()
    # The printed codes are those that vote.
    ballots.open_box(by=grading.office, box=made.box, now=clock.now())
    assert isinstance(vote(codes[7]), voting.Cast)
    written = [path for path in settings.VAR_DIR.rglob("*") if path.is_file() and "sqlite" not in path.name]
    secret = codes[3].encode()
    assert not any(secret in path.read_bytes() for path in written)
    assert not Export.objects.exists()
    assert codes[3] not in caplog.text
    assert codes[3] not in repr(list(AuditDetail.objects.values_list("before", "after")))
    # Nothing is printed any more once the box is open.
    again = office.post(page("ballot-codes", grading.round.pk), data, follow=True)
    assert "评议开始前才能印制评议码" in text(again)


def test_boxes_are_opened_and_closed_together(office, grading):
    first, _, _ = box_of(grading)
    second = ballots.create_box(
        by=grading.office, unit=grading.unit("algebra"), source=grading.source("appraisal"), groups={"": 8},
        keepers=("张保管", "李保管"), now=clock.now(),
    ).box  # fmt: skip
    data = {"box": [str(first.pk), str(second.pk)], "do": "open"}
    answer = office.post(page("ballot-bulk", grading.round.pk), data, follow=True)
    assert "开始评议 1 个支部。" in text(answer)
    assert "还没有印制评议码" in text(answer)
    closed = office.post(page("ballot-bulk", grading.round.pk), data | {"do": "close"}, follow=True)
    assert "结束评议 1 个支部。" in text(closed)
    assert fresh(first).state == BallotBox.State.CLOSING


def test_the_list_takes_as_many_queries_for_three_boxes_as_for_one(
    office, grading, django_assert_max_num_queries, django_assert_num_queries
):
    address = page("ballots", grading.round.pk)
    open_of(grading, "software")
    office.get(address)
    with django_assert_max_num_queries(60) as one:
        office.get(address)
    for name in ("algebra", "history"):
        open_of(grading, name)
    with django_assert_num_queries(len(one.captured_queries)):
        office.get(address)


# --- one box -------------------------------------------------------------------------------------------------------


def test_while_open_only_turnout_is_shown(office, signed_in, grading):
    box, codes = open_of(grading)
    for code in codes[:3]:
        vote(code, "unsatisfied", ["study"])
    shown = text(office.get(page("ballot-box", box.pk)))
    assert "发出 8" in shown
    assert "收回 3" in shown
    assert "评议结果" not in shown
    secretary = signed_in(holder(Role.SECRETARY, grading.school.software))
    own = text(secretary.get(page("unit", box.unit_id)))
    assert "群众评议（评议码） 评议中，发出 8，收回 3" in own
    assert secretary.get(page("ballot-box", box.pk)).status_code == 403


def test_a_slip_is_taken_back_by_two_people(office, deputy, grading):
    box, codes = open_of(grading)
    act = page("ballot-act", box.pk)
    missing = office.post(act, {"do": "ask", "code": codes[0], "reason": ""})
    assert errors(missing) == ["请写明作废的原因。"]
    assert codes[0] not in missing.content.decode()
    office.post(act, {"do": "ask", "code": codes[0], "reason": "被人拍下"})
    waiting = CodeExchange.objects.get()
    assert "确认作废</button>" not in office.get(page("ballot-box", box.pk)).content.decode()
    assert "确认作废</button>" in deputy.get(page("ballot-box", box.pk)).content.decode()
    assert "确认作废评议码" in [item.title for item in home_items(grading.deputy, clock.now())]
    assert "确认作废评议码" not in [item.title for item in home_items(grading.office, clock.now())]
    alone = office.post(page("ballot-exchange", waiting.pk), {"do": "confirm"})
    assert errors(alone) == ["换发评议码须两人办理，请由另一位同事确认。"]
    given = deputy.post(page("ballot-exchange", waiting.pk), {"do": "confirm"})
    new = given.context["fresh"].code
    assert new in given.content.decode()
    assert "评议码已作废" in body(sent(Client(), codes[0]))
    assert isinstance(vote(new), voting.Cast)
    assert new not in deputy.get(page("ballot-box", box.pk)).content.decode()
    assert BallotCode.objects.filter(box=box, state=BallotCode.State.SPOILED).count() == 1


def test_closing_shows_progress_then_the_counts(office, grading):
    box, codes = open_of(grading)
    for n, code in enumerate(codes[:7]):
        vote(code, ["satisfied", "fairly"][n % 2])
    answer = office.post(page("ballot-act", box.pk), {"do": "close", "withheld-": "1"}, follow=True)
    assert "正在开箱统计" in text(answer)
    part = page("ballot-box", box.pk) + "?part=state"
    going = office.get(part)
    assert "hx-trigger" in going.content.decode()
    assert "HX-Refresh" not in going
    count(box)
    assert office.get(part)["HX-Refresh"] == "true"
    done = office.get(page("ballot-box", box.pk))
    result = done.context["result"]
    assert [(label, total) for label, _, total in result.rows] == [
        ("满意", 4), ("基本满意", 3), ("不满意", 0), ("不了解", 0),
    ]  # fmt: skip
    assert "满意率 100.0%" in text(done)
    row = AppraisalCount.objects.get()
    assert (row.issued, row.returned, row.valid) == (7, 7, 7)
    assert "销毁密钥保管件并登记" in [item.title for item in home_items(grading.office, clock.now())]
    for custody in KeyCustody.objects.all():
        office.post(page("ballot-custody", custody.pk))
    assert "销毁密钥保管件并登记" not in [item.title for item in home_items(grading.office, clock.now())]


def test_below_the_floor_the_page_says_why_there_is_nothing(office, grading):
    box, codes = open_of(grading)
    for code in codes[:4]:
        vote(code)
    ballots.close_box(by=grading.office, box=box, now=clock.now())
    count(box)
    shown = office.get(page("ballot-box", box.pk))
    assert shown.context["result"] is None
    assert "有效票 4 张，低于公布下限 5 张" in text(shown)


def test_small_voter_groups_are_shown_together(office, grading):
    for code, name in (("members", "党员"), ("masses", "群众代表")):
        VoterGroupFactory(source=grading.source("appraisal"), code=code, name=name)
    box, codes = open_of(grading, numbers={"members": 6, "masses": 3})
    for code in codes:
        vote(code)
    ballots.close_box(by=grading.office, box=box, now=clock.now())
    count(box)
    result = office.get(page("ballot-box", box.pk)).context["result"]
    assert [name for name, _ in result.columns] == ["党员、群众代表"]
    assert result.rows[0] == ("满意", [9], 9)


def test_a_box_is_voided_with_a_reason(office, grading):
    box, _ = open_of(grading)
    act = page("ballot-act", box.pk)
    assert errors(office.post(act, {"do": "void", "reason": ""})) == ["作废须写明理由。"]
    office.post(act, {"do": "void", "reason": "会议改期"})
    assert fresh(box).state == BallotBox.State.VOID
    assert "里面的票都没有统计" in text(office.get(page("ballot-box", box.pk)))


def test_lost_keys_come_back_from_a_copy(office, grading):
    box, _, copy = box_of(grading)
    for path in settings.BALLOT_KEY_DIR.glob(f"{box.key_id}.*"):
        path.unlink()
    assert "服务器上没有这个评议箱的密钥" in text(office.get(page("ballot-box", box.pk)))
    act = page("ballot-act", box.pk)
    wrong = office.post(act, {"do": "restore", "copy": copy[:-1] + "?"})
    assert "保管件有抄错的字" in errors(wrong)[0]
    office.post(act, {"do": "restore", "copy": copy.lower().replace("-", " ")})
    assert "服务器上没有这个评议箱的密钥" not in text(office.get(page("ballot-box", box.pk)))


def test_whoever_is_on_the_committee_stands_aside(signed_in, grading):
    box, _ = open_of(grading)
    client = signed_in(recused_officer(grading.school))
    shown = client.get(page("ballot-box", box.pk))
    assert "请由其他同事办理" in text(shown)
    assert 'name="do"' not in shown.content.decode()
    assert client.post(page("ballot-act", box.pk), {"do": "close"}).status_code == 403
    client.post(page("ballot-bulk", grading.round.pk), {"do": "close", "box": [str(box.pk)]})
    assert fresh(box).state == BallotBox.State.OPEN
