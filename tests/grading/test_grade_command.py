"""`manage.py grade`: what is printed, and that nothing is written."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from branches.models import AuditEntry
from grading.models import Result
from grading.services import results, rounds
from tests.factories.grading import opened_round
from tests.grading.steps import BODY, complete, now

pytestmark = pytest.mark.once


def grade(*arguments: str) -> str:
    out = StringIO()
    call_command("grade", *arguments, stdout=out)
    return out.getvalue()


def test_it_prints_score_grade_flags_and_what_is_missing():
    grading = opened_round()
    # the hand-worked branch of test_results: 92.11, kept from 先进 by the satisfaction of 25/28
    unit = complete(grading, "software", own=3, superior=5, votes=(18, 7, 3), label="良")
    before = AuditEntry.objects.count()
    lines = grade("--round", str(grading.round.pk)).splitlines()
    assert f"{unit.branch.code}\t92.11\t较好\t{unit.name}\t门槛" in lines
    assert lines[-1] == "共 5 个支部：较好 1，未定 4。"
    assert sum(line.startswith("\t") for line in lines) == 16  # four branches lack four sources each
    assert (Result.objects.count(), AuditEntry.objects.count()) == (0, before)


def test_json_holds_the_whole_derivation_of_one_branch():
    grading = opened_round()
    unit = complete(grading, "software", own=3, superior=5, votes=(18, 7, 3), label="良")
    document = json.loads(grade("--round", str(grading.round.pk), "--unit", unit.branch.code, "--json"))
    (line,) = document["units"]
    assert (line["composite"], line["computed"], line["decided"], line["flags"]) == ("92.11", "较好", None, ["门槛"])
    assert line["derivation"] == results.derive(grading.round)[unit.pk].to_data()
    assert "自评 97.00" in line["steps"][0]
    assert any("尚未核对" in step for step in line["steps"])


def test_a_decided_grade_is_printed_with_its_mark_from_what_was_stored():
    grading = opened_round()
    unit = complete(grading, "software")
    choice = results.Choice("good", "班子尚不稳定")
    for name in ("algebra", "chinese", "history", "direct"):
        complete(grading, name)
    grading.round = rounds.move_round(by=None, round_=grading.round, to="scoring", now=now())
    results.compute_round(by=None, round_=grading.round, now=now())
    computed = Result.objects.get(unit=unit).computed_grade
    results.decide_grades(by=None, round_=grading.round, choices={unit.pk: choice}, decision=BODY, now=now())
    text = grade("--round", str(grading.round.pk), "--unit", unit.branch.code)
    assert f"（人工，测算为{computed.label}）" in text


def test_an_unknown_round_or_branch_is_named():
    grading = opened_round()
    with pytest.raises(CommandError, match="没有编号为 999 的轮次。现有："):
        grade("--round", "999")
    with pytest.raises(CommandError, match="没有编号为 XX 的党支部"):
        grade("--round", str(grading.round.pk), "--unit", "XX")
