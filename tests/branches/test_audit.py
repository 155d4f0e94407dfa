"""The audit trail: entries live and die with their transaction, and no tampering with sealed rows goes unnoticed."""

import datetime as dt
import random

import pytest
from django.db import connection, transaction

from branches import actor, audit
from branches.models import AuditDetail, AuditEntry, AuditSeal
from tests.factories.branches import AccountFactory, BranchFactory

pytestmark = pytest.mark.db
ROUNDS = 60
COLUMNS = {
    "at": lambda entry: entry.at + dt.timedelta(seconds=1),
    "account_id": lambda entry: None if entry.account_id else AccountFactory().pk,
    "actor": lambda entry: entry.actor + "甲",
    "address": lambda _: "10.9.8.7",
    "action": lambda entry: entry.action + ".x",
    "thing": lambda entry: entry.thing + "x",
    "thing_id": lambda entry: entry.thing_id + "0",
    "branch_id": lambda _: BranchFactory(placed=False).pk,
    "summary": lambda entry: entry.summary + "改",
    "detail_digest": lambda _: "f" * 64,
}


def write(number=12):
    account, branch = AccountFactory(), BranchFactory()
    for index in range(number):
        audit.record(
            by=account if index % 3 else None, action="test.write", thing=branch, summary=f"第{index}件事",
            branch=branch, before={"grade": index} if index % 2 else None,
            after={"grade": index + 1, "on": dt.date(2012, 4, 1)},
        )  # fmt: skip
    return audit.seal()


def change_entry(chance):
    entry = chance.choice(AuditEntry.objects.filter(seal__isnull=False))
    column = chance.choice(sorted(COLUMNS))
    AuditEntry.objects.filter(pk=entry.pk).update(**{column: COLUMNS[column](entry)})


def change_detail(chance):
    detail = chance.choice(AuditDetail.objects.all())
    values = chance.choice([{"after": {"grade": 99}}, {"before": {"grade": 98}}, {"salt": "1" * 32}])
    AuditDetail.objects.filter(pk=detail.pk).update(**values)


def add_detail(chance):
    entry = AuditEntry.objects.filter(detail_digest="").first()
    AuditDetail.objects.create(entry=entry, salt="1" * 32, after={"grade": chance.random()})


def change_seal(chance):
    seal = chance.choice(AuditSeal.objects.all())
    values = [{"digest": "f" * 64}, {"sealed_at": seal.sealed_at + dt.timedelta(hours=1)}, {"position": 999}]
    AuditSeal.objects.filter(pk=seal.pk).update(**chance.choice(values))


def swap_two(chance):
    one, two = chance.sample(list(AuditEntry.objects.order_by("pk")), 2)
    for entry, other in ((one, two), (two, one)):
        AuditEntry.objects.filter(pk=entry.pk).update(summary=other.summary, at=other.at)


def take_out(chance):
    seal = chance.choice(AuditSeal.objects.order_by("position")[1:10])
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM branches_auditseal WHERE id = %s", [seal.pk])
        cursor.execute("DELETE FROM branches_auditdetail WHERE entry_id = %s", [seal.entry_id])
        cursor.execute("DELETE FROM branches_auditentry WHERE id = %s", [seal.entry_id])


def slip_in(chance):
    """Insert an entry and move the later seals up by one, so that positions still count without gaps."""
    place = chance.randint(2, 10)
    for seal in AuditSeal.objects.filter(position__gte=place).order_by("-position"):
        AuditSeal.objects.filter(pk=seal.pk).update(position=seal.position + 1)
    entry = audit.record(by=None, action="test.forged", thing=BranchFactory(), summary="插入")
    AuditSeal.objects.create(position=place, entry=entry, digest="e" * 64, sealed_at=entry.at)


TAMPERINGS = (change_entry, change_detail, add_detail, change_seal, swap_two, take_out, slip_in)


def test_a_chain_nobody_touched_is_sound():
    assert write() == 12
    found = audit.verify()
    assert (found.faults, found.sealed, found.unsealed) == ((), 12, 0)
    audit.record(by=None, action="test.late", thing=BranchFactory(), summary="还没有封存")
    assert audit.verify().unsealed == 1
    assert audit.seal() == 1
    assert audit.verify(found.head).faults == ()


def missed(seeds):
    """Tamper once per seed, each time with a sound chain, and return the tamperings nobody noticed."""
    found = []
    for seed in seeds:
        chance, tamper = random.Random(seed), TAMPERINGS[seed % len(TAMPERINGS)]
        with transaction.atomic():
            tamper(chance)
            if not audit.verify().faults:
                found.append(f"{tamper.__name__} {seed}")
            transaction.set_rollback(True)
    return found


def chained():
    write()
    audit.record(by=None, action="test.bare", thing=BranchFactory(), summary="没有明细")
    audit.seal()


def test_every_random_tampering_is_found():
    chained()
    assert missed(range(ROUNDS)) == []
    assert audit.verify().faults == ()


@pytest.mark.soak
@pytest.mark.django_db
def test_a_thousand_random_tamperings_are_found():
    chained()
    assert missed(range(1000)) == []
    assert audit.verify().faults == ()


@pytest.mark.soak
@pytest.mark.django_db
def test_negative_control_without_digests_hundreds_pass(monkeypatch):
    """A chain whose digests say nothing still counts positions and checks details: the rest goes unseen."""
    monkeypatch.setattr(audit, "_link", lambda *_: "0" * 64)
    chained()
    assert len(missed(range(1000))) > 250


def test_negative_control_without_the_chain_a_changed_entry_passes(monkeypatch):
    write()
    monkeypatch.setattr(audit, "_link", lambda *_: AuditSeal.objects.first().digest)
    AuditSeal.objects.update(digest=AuditSeal.objects.first().digest)
    change_entry(random.Random(1))
    assert audit.verify().faults == ()


def test_a_cut_tail_is_caught_by_the_head_kept_elsewhere():
    write()
    head = audit.verify().head
    last = AuditSeal.objects.order_by("-position").first()
    last.delete()
    AuditDetail.objects.filter(entry=last.entry_id).delete()
    AuditEntry.objects.filter(pk=last.entry_id).delete()
    assert audit.verify().faults == ()
    assert "截去" in audit.verify(head).faults[0]


def test_erasing_personal_values_leaves_the_chain_sound():
    write()
    AuditDetail.objects.all().delete()
    assert audit.verify().faults == ()


def test_an_entry_dies_with_its_transaction():
    with transaction.atomic():
        audit.record(by=None, action="test.write", thing=BranchFactory(), summary="撤回的事")
        transaction.set_rollback(True)
    assert not AuditEntry.objects.exists()


def test_an_entry_says_who_and_from_where():
    account = AccountFactory()
    token = actor.address.set("10.1.2.3")
    entry = audit.record(by=account, action="test.write", thing=account, summary="改了姓名", after={"name": "林志远"})
    actor.address.reset(token)
    entry.refresh_from_db()
    assert (entry.account, entry.actor, entry.address) == (account, account.person.name, "10.1.2.3")
    assert (entry.thing, entry.thing_id) == ("branches.account", str(account.pk))
    assert "林志远" not in entry.summary
    assert entry.detail.after == {"name": "林志远"}
    assert audit.record(by=None, action="test.write", thing=account, summary="自动").actor == "系统"


def test_sealing_goes_on_where_it_stopped():
    write(5)
    write(4)
    assert list(AuditSeal.objects.values_list("position", flat=True)) == list(range(1, 10))
    for _ in range(3):
        audit.record(by=None, action="test.write", thing=BranchFactory(), summary="又一件")
    assert [audit.seal(limit=2), audit.seal(limit=2), audit.seal(limit=2)] == [2, 1, 0]
    assert audit.verify().faults == ()
