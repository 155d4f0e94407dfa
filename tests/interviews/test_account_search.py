"""Choosing an account: looked for by name, initials or number where many may be chosen, with and without script."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from branches import clock
from branches.models import Role
from interviews.forms.accounts import SHOWN
from interviews.models import Reader
from tests.factories import branches
from tests.interviews import talks
from tests.worlds import shared

pytestmark = pytest.mark.once
NAMES = ("张三", "张三丰", "章思", "李四", "王五", "赵六", "孙七", "周八", "吴九")


def made():
    """Return a world in which nine more may be named readers of a talk."""
    base = talks.world()
    accounts = [
        branches.AccountFactory(
            role=Role.GENERAL_BRANCH_OFFICER, node=base.school.letters,
            person=branches.PersonFactory(name=name, number=f"T9{index:04}"),
        )
        for index, name in enumerate(NAMES)
    ]  # fmt: skip
    return base, dict(zip(NAMES, accounts, strict=True)), talks.recorded(base)


world = shared(made)


def send(world, signed_in, **data):
    base, _accounts, row = world
    return signed_in(base.interviewer).post(reverse("interview-readers", args=[row.pk]), data)


def offered(page):
    """Return whom a page offers, by name, with who is ticked."""
    widget = page.context["reader_form"]["account"]
    context = widget.field.widget.get_context("account", widget.value(), {"id": "id_account"})
    return [(words.split("（")[0], ticked) for _pk, words, ticked in context["lines"]]


def test_nobody_is_listed_before_somebody_is_looked_for(world, signed_in):
    base, accounts, row = world
    page = signed_in(base.interviewer).get(reverse("interview", args=[row.pk]))
    assert offered(page) == []
    assert 'name="account_sought"' in page.content.decode()
    assert not any(account.get_full_name() in page.content.decode() for account in accounts.values())


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("张三", ["张三", "张三丰"]), ("三丰", ["张三丰"]), ("zs", ["张三", "张三丰", "章思"]), ("ZSF", ["张三丰"]),
        ("T90003", ["李四"]), ("t90003", ["李四"]), ("T9", []), ("不在", []), ("%", []),
    ],
)  # fmt: skip
def test_people_are_found_by_name_initials_and_number(world, signed_in, query, found):
    page = send(world, signed_in, account_sought=query, find="1")
    assert page.status_code == 200
    assert sorted(name for name, _ticked in offered(page)) == sorted(found)
    said = f"找到 {len(found)} 人，请选一位。" if found else "没有找到可以选的人"
    assert said in page.content.decode()


def test_looking_somebody_up_keeps_what_was_typed_and_blames_nothing(world, signed_in):
    day = clock.today() + dt.timedelta(days=3)
    page = send(world, signed_in, account_sought="李四", reason="共同跟进", until=day.isoformat())
    text = page.content.decode()
    assert (page.status_code, "没能指定" in text, Reader.objects.count()) == (200, False, 0)
    assert 'value="共同跟进"' in text
    assert f'value="{day.isoformat()}"' in text
    assert 'value="李四"' in text


def test_a_form_sent_without_a_choice_says_so_and_keeps_the_search(world, signed_in):
    page = send(world, signed_in, account_sought="李四", account_was="李四", reason="共同跟进", until="")
    text = page.content.decode()
    assert page.status_code == 422
    assert "请选择指定的人。" in text
    assert 'href="#id_account"' in text
    assert 'id="id_account"' in text
    assert offered(page) == [("李四", False)]


def test_who_is_ticked_stays_while_another_is_looked_for(world, signed_in):
    four = world[1]["李四"]
    page = send(world, signed_in, account=four.pk, account_sought="王五", account_was="李四", reason="共同跟进")
    assert (page.status_code, offered(page)) == (200, [("李四", True), ("王五", False)])


def test_who_was_found_is_named(world, signed_in):
    four, day = world[1]["李四"], clock.today() + dt.timedelta(days=3)
    data = {"account": four.pk, "account_sought": "ls", "account_was": "ls", "reason": "跟进", "until": day.isoformat()}
    assert send(world, signed_in, **data, find="only").status_code == 200  # what the script sends names nobody
    assert not Reader.objects.exists()
    assert send(world, signed_in, **data, find="1").status_code == 302  # Enter in another field presses 查找
    assert Reader.objects.get().account == four


def test_only_who_may_be_named_is_found_or_taken(world, signed_in):
    base = world[0]
    for account in (base.office, base.auditor, base.interviewer):
        page = send(world, signed_in, account_sought=account.person.number, find="1")
        assert offered(page) == []
        page = send(world, signed_in, account=account.pk, reason="跟进", until=clock.today().isoformat())
        assert (page.status_code, offered(page)) == (422, [])


@pytest.mark.parametrize("value", ["x", "9" * 30, "-1", "²"])
def test_a_choice_that_is_none_is_refused_in_words(world, signed_in, value):
    page = send(world, signed_in, account=value, reason="跟进", until="")
    assert page.status_code == 422
    assert "指定的人请在列表中选择" in page.content.decode()


def test_more_than_fit_are_said_to_be_more(world, signed_in):
    for index in range(SHOWN):
        branches.AccountFactory(
            role=Role.GENERAL_BRANCH_OFFICER, node=world[0].school.letters,
            person=branches.PersonFactory(name=f"张三{index}"),
        )  # fmt: skip
    page = send(world, signed_in, account_sought="张三", find="1")
    assert (len(offered(page)), "只列出前 8 人，再输几个字缩小范围。" in page.content.decode()) == (SHOWN, True)


def test_the_search_asks_as_much_for_three_as_for_one(world, signed_in):
    base, _accounts, row = world
    client, address = signed_in(base.interviewer), reverse("interview-readers", args=[row.pk])
    client.post(address, {"account_sought": "李四", "find": "1"})
    asked = []
    for query in ("李四", "zs"):
        with CaptureQueriesContext(connection) as queries:
            client.post(address, {"account_sought": query, "find": "1"})
        asked.append(len(queries))
    assert asked[0] == asked[1]


def test_a_problem_is_handed_on_with_a_search_and_its_text_stays(world, signed_in):
    base, _accounts, row = world
    client, address = signed_in(base.interviewer), reverse("matter-new", args=[row.pk])
    page = client.post(address, {"owner_sought": "李四", "text": "宿舍漏水。"})
    assert page.status_code == 200
    assert "宿舍漏水。" in page.content.decode()
    assert "李四（" in page.content.decode()


def test_a_contact_may_stay_without_an_account(world, signed_in):
    page = signed_in(world[0].office).get(reverse("emergency-contact-new")).content.decode()
    assert '<input class="form-check-input" type="radio" name="account" value="" checked>' in page
