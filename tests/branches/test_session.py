"""Signing in and out: lock-outs, safe return, key rotation, idle and absolute age, the demo's role buttons."""

import datetime as dt

import pytest
from axes.models import AccessAttempt
from django.contrib.sessions.models import Session
from django.test import Client

from branches.models import Account, AuditEntry, Role
from branches.services import accounts, throttle
from tests.factories import branches as f

pytestmark = pytest.mark.db
NOON = dt.datetime(2026, 3, 30, 4, 0, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def account():
    return f.AccountFactory(username="linzhiyuan")


def sign_in(client, username="linzhiyuan", password=f.PASSWORD, **more):
    return client.post("/login/", {"username": username, "password": password} | more)


def is_in(client):
    return client.get("/my-role/").status_code == 200


@pytest.mark.parametrize("typed", ["linzhiyuan", "LinZhiyuan", " linzhiyuan ", "ｌｉｎｚｈｉｙｕａｎ"])
def test_signing_in(client, account, typed):
    assert sign_in(client, typed).headers["Location"] == "/"
    assert is_in(client)
    assert AuditEntry.objects.get(account=account, action=accounts.SIGN_IN).address == "127.0.0.1"


@pytest.mark.parametrize(
    ("username", "password"), [("linzhiyuan", "wrong"), ("nobody", f.PASSWORD), ("", ""), ("a", "")]
)
def test_wrong_or_missing(client, account, username, password):
    answer = sign_in(client, username, password)
    assert answer.status_code == 422
    assert not is_in(client)
    assert f.PASSWORD not in answer.content.decode()


def test_unknown_name_and_wrong_password_read_the_same(client, account):
    texts = [sign_in(client, name, "wrong").context["form"].non_field_errors() for name in ("linzhiyuan", "nobody")]
    assert texts[0] == texts[1]


def test_an_account_without_password_or_disabled_cannot_sign_in(client):
    f.AccountFactory(username="waiting", password=None)
    f.AccountFactory(username="gone", is_active=False)
    for name in ("waiting", "gone"):
        assert sign_in(client, name).status_code == 422
        assert sign_in(client, name, "!").status_code == 422


@pytest.mark.parametrize(
    ("wanted", "led"),
    [
        ("/my-role/", "/my-role/"),
        ("https://evil.example/", "/"),
        ("//evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_the_way_back_stays_here(client, account, wanted, led):
    assert sign_in(client, next=wanted).headers["Location"] == led


def test_a_page_leads_back_to_itself(client, account):
    assert client.get("/password/").headers["Location"] == "/login/?next=/password/"
    assert 'name="next" value="/password/"' in client.get("/login/?next=/password/").content.decode()
    sign_in(client)
    assert client.get("/login/?next=/my-role/").headers["Location"] == "/my-role/"


def test_the_session_key_changes_at_sign_in(client, account):
    session = client.session
    session["expired"] = True
    session.save()
    before = session.session_key
    client.cookies["sessionid"] = before
    sign_in(client)
    assert client.session.session_key != before
    assert not Session.objects.filter(session_key=before).exists()


def test_sign_out(client, account):
    sign_in(client)
    key = client.session.session_key
    assert client.get("/logout/").status_code == 405
    answer = client.post("/logout/")
    assert answer.headers["Location"] == "/login/"
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert not Session.objects.filter(session_key=key).exists()
    assert AuditEntry.objects.filter(account=account, action="session.end").exists()
    assert not is_in(client)


def test_the_sign_in_before_is_told(client, account, time_machine):
    time_machine.move_to(NOON)
    sign_in(client)
    client.post("/logout/")
    time_machine.move_to(NOON + 60 * MINUTE)
    sign_in(client)
    text = client.get("/my-role/").content.decode()
    assert "上次登录：今天 12:00，来自 127.0.0.1" in text


# --- lock-out ----------------------------------------------------------------------------------------------------


def test_five_wrong_guesses_lock_name_and_address(client, account, time_machine):
    time_machine.move_to(NOON, tick=False)
    assert [sign_in(client, password="no").status_code for _ in range(5)] == [422] * 4 + [429]
    answer = sign_in(client)
    assert answer.status_code == 429
    assert "请在 12:15 之后再试" in answer.content.decode()
    assert not is_in(client)
    time_machine.move_to(NOON + 10 * MINUTE, tick=False)
    assert "12:15" in sign_in(client).content.decode()
    time_machine.move_to(NOON + 16 * MINUTE, tick=False)
    assert sign_in(client).status_code == 302


def test_letter_case_and_width_are_no_way_around(client, account):
    spellings = ["linzhiyuan", "LINZHIYUAN", " Linzhiyuan", "ｌｉｎｚｈｉｙｕａｎ", "linZHIyuan", "linzhiyuan"]
    assert [sign_in(client, name, "no").status_code for name in spellings][-2:] == [429, 429]


def test_a_lock_holds_neither_others_nor_other_addresses(client, account):
    f.AccountFactory(username="other")
    for _ in range(6):
        sign_in(client, password="no")
    assert sign_in(client, "other").status_code == 302
    assert sign_in(Client(REMOTE_ADDR="10.0.0.9")).status_code == 302


def test_a_forwarded_header_is_no_new_address(client, account):
    for number in range(5):
        client.post(
            "/login/", {"username": "linzhiyuan", "password": "no"}, headers={"X-Forwarded-For": f"10.1.1.{number}"}
        )
    assert sign_in(client).status_code == 429


def test_many_addresses_together_lock_a_name_for_a_while(account, monkeypatch):
    monkeypatch.setattr(throttle, "NAME_LIMIT", 6)
    for number in range(6):
        assert sign_in(Client(REMOTE_ADDR=f"10.0.0.{number}"), password="no").status_code == 422
    assert sign_in(Client(REMOTE_ADDR="10.0.0.99")).status_code == 429


def test_success_clears_the_count(client, account):
    for _ in range(3):
        for _ in range(4):
            sign_in(client, password="no")
        assert sign_in(client).status_code == 302
        client.post("/logout/")


def test_no_password_is_kept_by_the_counter(client, account):
    sign_in(client, password="my-secret-guess")
    row = AccessAttempt.objects.get()
    assert "my-secret-guess" not in str(row.__dict__)


# --- age of a session --------------------------------------------------------------------------------------------


def test_idle_half_an_hour_ends_the_session_and_says_so(client, account, time_machine):
    time_machine.move_to(NOON)
    sign_in(client)
    for minutes in (29, 58):
        time_machine.move_to(NOON + minutes * MINUTE)
        assert is_in(client)
    time_machine.move_to(NOON + 89 * MINUTE)
    assert client.get("/my-role/").headers["Location"] == "/login/?next=/my-role/"
    assert "已自动退出" in client.get("/login/?next=/my-role/").content.decode()
    assert "已自动退出" not in client.get("/login/").content.decode()


def test_eight_hours_end_the_busiest_session(client, account, time_machine):
    time_machine.move_to(NOON)
    sign_in(client)
    for step in range(1, 25):
        time_machine.move_to(NOON + step * 20 * MINUTE - MINUTE)
        assert is_in(client)
    time_machine.move_to(NOON + 481 * MINUTE)
    assert not is_in(client)


def test_signing_in_again_begins_a_new_age(client, account, time_machine):
    time_machine.move_to(NOON)
    sign_in(client)
    time_machine.move_to(NOON + 20 * MINUTE)
    sign_in(client)
    started = client.session.get("started") or (client.get("/my-role/") and client.session["started"])
    assert started >= (NOON + 20 * MINUTE).timestamp()


@pytest.mark.parametrize("headers", [{"HX-Request": "true"}, {"Accept": "application/json"}])
def test_an_expired_background_request_answers_401(client, account, time_machine, headers):
    time_machine.move_to(NOON)
    sign_in(client)
    time_machine.move_to(NOON + 31 * MINUTE)
    answer = client.post("/drafts/profile/7/", {}, content_type="application/json", headers=headers)
    assert answer.status_code == 401
    assert "已填写的内容仍在页面上" in answer.content.decode()
    assert "Location" not in answer.headers


@pytest.mark.parametrize("end", ["disable", "password", "epoch"])
def test_sessions_end_at_once(client, account, end):
    sign_in(client)
    assert is_in(client)
    if end == "disable":
        Account.objects.filter(pk=account.pk).update(is_active=False)
    elif end == "password":
        accounts.change_password(account=account, password="Citong-2012-xiu")
    else:
        Account.objects.filter(pk=account.pk).update(session_epoch=9)
    assert not is_in(client)


def test_private_pages_are_not_cached(client, account):
    sign_in(client)
    for url in ("/my-role/", "/login/", "/password/", "/help/"):
        assert client.get(url).headers["Cache-Control"] == "no-store"


# --- demo --------------------------------------------------------------------------------------------------------


def test_a_demo_offers_each_role_that_somebody_holds(client, settings):
    settings.DEMO = True
    school = f.school()
    f.holder(Role.OFFICE, school.root, is_active=False)
    office, secretary = f.holder(Role.OFFICE, school.root), f.holder(Role.SECRETARY, school.software)
    page = client.get("/login/").content.decode()
    assert [str(seat["role"]) for seat in client.get("/login/").context["demo_seats"]] == ["office", "secretary"]
    assert secretary.person.name in page
    assert client.post("/login/", {"role": "office"}).headers["Location"] == "/"
    assert int(client.session["_auth_user_id"]) == office.pk
    assert client.get("/login/?role=secretary").status_code == 302
    assert int(client.session["_auth_user_id"]) == office.pk
    for nobody in ("auditor", "emperor"):
        assert client.post("/login/", {"role": nobody}).status_code == 404


def test_no_demo_no_buttons(client, settings):
    settings.DEMO = False
    f.holder(Role.OFFICE, f.school().root)
    assert "选一个身份" not in client.get("/login/").content.decode()
    assert client.post("/login/", {"role": "office"}).status_code == 404
    assert "_auth_user_id" not in client.session


def test_the_token_of_a_form_is_asked_for(account):
    assert sign_in(Client(enforce_csrf_checks=True)).status_code == 403
