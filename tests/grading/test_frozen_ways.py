"""Nothing the web may do changes a frozen grade: every way that is known is tried, on both databases.

The control tries the same ways as the owner with the guards away: they succeed, so that it is the guards, the role and
the authorizer that refuse, not a slip in the statement.
"""

import hashlib

import pytest
from django.db import DatabaseError, connection, transaction

from branches.models import Account
from grading.models import Receipt, Result
from tests.databases import as_web, installed
from tests.factories.branches import AccountFactory
from tests.grading.frozen_round import final_round
from tests.grading.frozen_ways import WAYS, Target

pytestmark = [pytest.mark.db, pytest.mark.long, pytest.mark.django_db(transaction=True)]
TABLES = ("result", "round", "roundunit", "assessment", "score", "appraisalcount", "annualresult", "source", "cutoff",
          "cap", "grade", "vetofinding", "roundsnapshot", "correction", "receipt", "criterion", "level")  # fmt: skip


def state():
    """Return a digest of everything the frozen grades are made of."""
    digest = hashlib.sha256()
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT * FROM grading_{table} ORDER BY id")
            digest.update(repr(cursor.fetchall()).encode())
    return digest.hexdigest()


def target(using):
    result = Result.objects.select_related("unit__round__scale").order_by("pk").first()
    other = result.unit.round.scale.grades.exclude(pk=result.decided_grade_id).first()
    first, second = Account.objects.order_by("pk")[:2]
    return Target(using, result, other, (first.pk, second.pk))


def prepared():
    final_round()
    AccountFactory()
    AccountFactory()
    if not Receipt.objects.exists():
        from tests.factories.freezing import ReceiptFactory

        ReceiptFactory()


def ways():
    return [way for way in WAYS if connection.vendor in way.vendors]


def attempt(way, aim):
    """Try once and take everything back; return whether the database let it through."""
    try:
        with transaction.atomic(using=aim.using):
            way.act(aim)
            transaction.set_rollback(True, using=aim.using)
    except DatabaseError:
        return False
    return True


def test_every_way_is_refused_to_the_web(transactional_db):
    prepared()
    before = state()
    with installed(), as_web():
        aim = target("web")
        passed = [way.name for way in ways() if attempt(way, aim)]
    assert passed == []
    assert state() == before
    assert len(ways()) >= 30


def test_negative_control_the_owner_without_guards_gets_through(transactional_db):
    prepared()
    aim = target("default")
    refused = [way.name for way in ways() if way.control and not attempt(way, aim)]
    assert refused == []
    assert len([way for way in ways() if way.control]) >= 30
