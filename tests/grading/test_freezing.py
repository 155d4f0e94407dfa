"""What a round freezes, that it can be computed again from that alone, drift, and two people who finalise at once."""

import threading
from decimal import Decimal as D  # noqa: N817

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, connections

from branches import transitions
from branches.models import Role, TransitionLog
from branches.transitions import advance
from grading.models import AppraisalCount, Result, Round, RoundSnapshot, Score
from grading.scoring import snapshot
from grading.services import freezing, results, rounds
from grading.services.errors import RefusedError
from reporting import doctor
from tests.databases import guarded
from tests.factories.branches import holder
from tests.factories.freezing import CorrectionFactory
from tests.grading.frozen_round import decided_round, final_round
from tests.grading.pages import account, page, text
from tests.grading.steps import now
from tests.worlds import shared

__all__ = ["guarded"]
pytestmark = pytest.mark.db
final = shared(final_round)
decided = shared(decided_round)


def of(made, name="software"):
    return Result.objects.get(unit=made.unit(name))


@pytest.mark.once
def test_a_final_round_keeps_rules_rubrics_and_every_input(final):
    kept = RoundSnapshot.objects.get(round=final.round)
    assert kept.rules["version"] == kept.rule_version == "2012年分类定级办法 第1版"
    assert [source["weight"] for source in kept.rules["sources"]] == ["20.00", "20.00", "20.00", "40.00"]
    assert [line["minimum"] for line in kept.rules["cut_offs"]] == ["90.00", "75.00", "60.00"]
    result = of(final)
    assert result.inputs["rubric"] in kept.rubrics
    assert result.inputs["sources"]["appraisal"]["counts"]["options"] == [["satisfied", 20]]
    assert result.inputs["sources"]["annual"]["label"] == "优秀"
    entries = result.inputs["sources"]["self"]["entries"]
    assert (len(entries), entries["A1"]["points"]) == (27, "2.00")
    assert result.frozen_at == final.round.finalised_at


@pytest.mark.once
def test_a_frozen_grade_is_computed_again_from_what_was_frozen(final):
    kept = RoundSnapshot.objects.get(round=final.round)
    frozen = snapshot.Frozen(kept.rules, kept.rubrics)
    rows = list(Result.objects.filter(unit__round=final.round).order_by("pk"))
    stored = [results.derivation_of(row) for row in rows]
    assert frozen.digest == kept.digest
    assert snapshot.recheck(frozen, [row.inputs for row in rows], stored) == [()] * 5
    wrong = [row.inputs for row in rows]
    wrong[0]["sources"]["annual"]["label"] = "差"
    assert "年度考核的得分与存档不同。" in snapshot.recheck(frozen, wrong, stored)[0]


@pytest.mark.once
def test_what_is_frozen_survives_the_way_through_plain_values(final):
    kept = RoundSnapshot.objects.get(round=final.round)
    frozen = snapshot.Frozen(kept.rules, kept.rubrics)
    rows = list(Result.objects.filter(unit__round=final.round).order_by("pk"))
    rules, units = snapshot.thaw(frozen, [row.inputs for row in rows])
    again = snapshot.freeze(rules, [unit.rubric for unit in units])
    assert (again.rules, again.rubrics) == (frozen.rules, frozen.rubrics)
    assert [snapshot.freeze_unit(unit) for unit in units] == [row.inputs for row in rows]


@pytest.mark.once
def test_a_figure_that_changed_under_a_decision_stops_the_round(decided):
    AppraisalCount.objects.filter(unit=decided.unit("software")).update(counts={"unsatisfied": 20})
    with pytest.raises(RefusedError, match="1 个支部定级之后测算等级有了变化：软件工程教研室党支部"):
        rounds.finalise(by=None, round_=decided.round, now=now())
    assert not RoundSnapshot.objects.exists()
    assert not Result.objects.filter(frozen_at__isnull=False).exists()


# --- drift -------------------------------------------------------------------------------------------------------


@pytest.mark.once
def test_there_is_no_drift_at_first(final):
    assert freezing.drift(final.round) == []


@pytest.mark.once
def test_drift_names_the_branch_and_what_differs_and_changes_nothing(final):
    before = list(Result.objects.values())
    Score.objects.filter(assessment__unit=final.unit("algebra"), assessment__source__code="superior").update(points=0)
    (found,) = freezing.drift(final.round)
    assert found.unit == final.unit("algebra")
    assert found.sentences[0].startswith("按现在的数据重算：综合得分由 99.00 变为 ")
    assert any("测算等级由 先进 变为" in said for said in found.sentences)
    assert list(Result.objects.values()) == before


@pytest.mark.once
def test_forged_inputs_rules_and_versions_are_drift_too(final):
    result = of(final)
    forged = {**result.inputs, "sources": {**result.inputs["sources"], "annual": None}}
    Result.objects.filter(pk=result.pk).update(inputs=forged)
    (found,) = freezing.drift(final.round)
    assert all(said.startswith("与定级时存下的数据不符：") for said in found.sentences)
    Result.objects.filter(pk=result.pk).update(inputs=result.inputs)
    kept = RoundSnapshot.objects.get(round=final.round)
    RoundSnapshot.objects.filter(pk=kept.pk).update(rules={**kept.rules, "places": 5})
    assert {said for one in freezing.drift(final.round) for said in one.sentences} == {
        "与定级时存下的数据不符：存下的规则已被改动。"
    }
    RoundSnapshot.objects.filter(pk=kept.pk).update(rules=kept.rules)
    other = final.round.scale.grades.get(code="fair")
    row = Result.objects.get(pk=result.pk)
    row.pk, row.version, row.decided_grade, row.manual, row.manual_reason = None, 2, other, True, "改"
    row.save(force_insert=True)
    (found,) = freezing.drift(final.round)
    assert found.sentences == ("这一版结果没有经复核的更正。",)
    CorrectionFactory(
        result=result, grade=other, state="approved", decided_by=holder(Role.OFFICE, final.school.root),
        decided_at=now(),
    )  # fmt: skip
    assert freezing.drift(final.round) == []


@pytest.mark.once
def test_a_round_frozen_without_a_snapshot_is_compared_with_todays_rows(final):
    RoundSnapshot.objects.all().delete()
    Result.objects.update(inputs={})
    assert freezing.drift(final.round) == []
    Score.objects.filter(assessment__unit=final.unit("algebra"), assessment__source__code="self").update(points=0)
    assert len(freezing.drift(final.round)) == 1


@pytest.mark.once
def test_drift_costs_the_same_for_one_branch_and_many(final, django_assert_max_num_queries):
    with django_assert_max_num_queries(35):
        freezing.drift(Round.objects.get(pk=final.round.pk))


@pytest.mark.once
def test_the_command_and_doctor_report_it(final, capsys):
    call_command("check_drift")
    assert "5 个支部，没有出入" in capsys.readouterr().out
    assert doctor.check_drift().state == "ok"
    Score.objects.filter(assessment__unit=final.unit("algebra"), assessment__source__code="self").update(points=0)
    with pytest.raises(CommandError, match="1 个支部的定级结果有出入"):
        call_command("check_drift", round=final.round.pk)
    assert "2010级数学党支部" in capsys.readouterr().out
    assert doctor.check_drift().state == "bad"
    with pytest.raises(CommandError, match="没有这一轮"):
        call_command("check_drift", round=0)


@pytest.mark.once
def test_the_office_sees_it_on_a_page(signed_in, final):
    browser = signed_in(account(final.school, "office"))
    assert page("drift", final.round.pk) in browser.get(page("round", final.round.pk)).content.decode()
    assert "没有出入" in text(browser.get(page("drift", final.round.pk)))
    Score.objects.filter(assessment__unit=final.unit("algebra"), assessment__source__code="self").update(points=0)
    said = text(browser.get(page("drift", final.round.pk)))
    assert "1 个支部重算的结果与固定的不同" in said
    assert "2010级数学党支部" in said


# --- two at once -------------------------------------------------------------------------------------------------


def race(made, people):
    """Finalise from one thread each, as nearly at once as it goes; return what each was told."""
    start, said = threading.Barrier(len(people)), {}

    def act(person):
        try:
            start.wait()
            try:
                rounds.finalise(by=person, round_=made.round, now=now())
                said[person] = ""
            except RefusedError as error:
                said[person] = str(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=act, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return said


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_of_two_who_finalise_at_once_one_succeeds_and_the_other_reads_why(guarded):
    made = decided_round()
    people = [holder(Role.OFFICE, made.school.root) for _ in range(4)]
    said = race(made, people)
    winners = [person for person, told in said.items() if not told]
    assert len(winners) == 1
    losing = {told for told in said.values() if told}
    (sentence,) = losing
    assert sentence.startswith(f"第一轮已由{winners[0].get_full_name()}于 ")
    assert sentence.endswith("定级，结果已经固定，不用再办。")
    assert TransitionLog.objects.filter(thing="grading.round", to_state="final").count() == 1
    assert RoundSnapshot.objects.count() == 1
    assert Result.objects.filter(frozen_at__isnull=False).count() == 5


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_negative_control_without_the_lock_two_succeed(monkeypatch):
    """Both read the state before either writes it; on SQLite the lock of the file itself is in the way."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite lets one transaction write at a time: there is no lock to take away")
    made = decided_round()
    Round.objects.filter(pk=made.round.pk).update(finalised_at=now())
    read = threading.Barrier(2)
    monkeypatch.setattr(type(Round._base_manager), "select_for_update", lambda manager, **_: manager.all())
    monkeypatch.setattr(transitions, "blockers", lambda *_: [] if read.wait(timeout=30) >= 0 else [""])
    monkeypatch.setattr(rounds, "finalise", lambda *, by, round_, now: advance(round_, "final", by=by, now=now))
    people = [holder(Role.OFFICE, made.school.root) for _ in range(2)]
    assert list(race(made, people).values()) == ["", ""]
    assert TransitionLog.objects.filter(thing="grading.round", to_state="final").count() == 2


def test_composites_are_exact(final):
    assert of(final).composite == D("99.00")
