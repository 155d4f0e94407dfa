"""`manage.py verify_audit` says whether the trail holds, and notices a tail that was cut off."""

import io

import pytest
from django.core.management import CommandError, call_command

from branches import audit
from branches.models import AuditEntry, AuditSeal
from tests.factories.branches import BranchFactory

pytestmark = pytest.mark.django_db


def _entries(number: int) -> None:
    branch = BranchFactory()
    for index in range(number):
        audit.record(by=None, action="test", thing=branch, summary=f"第 {index} 条")


def _run(head: str = "") -> str:
    out = io.StringIO()
    call_command("verify_audit", head=head, stdout=out)
    return out.getvalue()


def test_an_untouched_trail_holds_and_prints_its_head():
    _entries(3)
    audit.seal()
    _entries(1)
    said = _run()
    assert "已封存 3 条，未封存 1 条" in said
    assert "链首（请另行留存）：3:" in said


def test_a_changed_entry_is_found():
    _entries(2)
    audit.seal()
    AuditEntry.objects.filter(summary="第 0 条").update(summary="别的")
    with pytest.raises(CommandError, match="1 处"):
        _run()


def test_a_tail_cut_off_is_found_only_with_the_head_kept_elsewhere():
    _entries(3)
    audit.seal()
    head = audit.verify().head
    AuditSeal.objects.filter(position=3).delete()
    AuditEntry.objects.filter(summary="第 2 条").delete()
    assert "已封存 2 条" in _run()
    with pytest.raises(CommandError):
        _run(head)
