"""What is being typed: the highest client sequence wins, whatever order the requests arrive in."""

import itertools

import pytest

from branches import drafts
from branches.models import AuditEntry, Draft
from tests.factories.branches import AccountFactory

pytestmark = pytest.mark.db


def save(account, sequence, text="甲", **more):
    given = {"form": "profile", "key": "7", "base_version": 3} | more
    return drafts.save(account=account, sequence=sequence, data={"text": text}, **given)


@pytest.mark.parametrize("order", list(itertools.permutations([1, 2, 3])), ids=str)
def test_the_last_typed_survives_any_order_of_arrival(order):
    account = AccountFactory()
    for sequence in order:
        save(account, sequence, f"第{sequence}稿")
    draft = drafts.load(account=account, form="profile", key="7")
    assert (draft.sequence, draft.data, draft.base_version) == (3, {"text": "第3稿"}, 3)


def test_a_late_write_is_not_taken():
    account = AccountFactory()
    assert save(account, 2).taken
    assert not save(account, 2, "乙").taken
    assert not save(account, 1, "乙").taken
    assert save(account, 3, "丙").taken


def test_drafts_belong_to_one_account_and_one_form():
    one, two = AccountFactory(), AccountFactory()
    save(one, 1)
    assert drafts.load(account=two, form="profile", key="7") is None
    assert drafts.load(account=one, form="profile", key="8") is None
    drafts.drop(account=two, form="profile", key="7")
    assert Draft.objects.count() == 1
    drafts.drop(account=one, form="profile", key="7")
    assert Draft.objects.count() == 0


def test_a_draft_has_a_size_and_leaves_no_audit_entry():
    account = AccountFactory()
    with pytest.raises(drafts.DraftTooLargeError):
        save(account, 1, "长" * 70_000)
    save(account, 1)
    assert not AuditEntry.objects.exists()


def test_the_view_answers_in_json(signed_in):
    client, url = signed_in(account := AccountFactory()), "/drafts/profile/7/"
    answer = client.post(url, {"sequence": 1, "data": {"text": "甲"}}, content_type="application/json")
    assert answer.json()["taken"] is True
    assert drafts.load(account=account, form="profile", key="7").data == {"text": "甲"}
    assert client.post(url, "不是 JSON", content_type="application/json").status_code == 400
    large = {"sequence": 2, "data": {"text": "长" * 70_000}}
    assert client.post(url, large, content_type="application/json").status_code == 413
    assert client.get(url).status_code == 405
