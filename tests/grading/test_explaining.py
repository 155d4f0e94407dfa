"""What “等级怎么来的” says of ties, of vetoes nobody checked, and of branches that are scored and get no grade."""

from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace

import pytest
from django.db.models import F
from django.template.loader import render_to_string

from branches.models import Role
from grading import lists, lists_review, scoring
from grading.models import Cap, Result, Round, RoundUnit, VetoReview
from grading.services import explain, results, sources
from grading.services.ungraded import score_ungraded
from tests.factories.branches import holder
from tests.factories.grading import opened_round
from tests.grading.pages import page, text
from tests.grading.steps import complete, now
from tests.worlds import shared

pytestmark = [pytest.mark.db, pytest.mark.once]


@shared
def world():
    """One place for 先进; software and algebra both at 98.20, 党总支考评 100 before 98.

    software: 自评 96, 年度考核 优秀 = 95, the rest 100: 19.2 + 20 + 19 + 40 = 98.2.
    algebra: 考评 98, 年度考核 95, the rest 100: 20 + 20 + 19 + 39.2 = 98.2.
    """
    made = opened_round()
    complete(made, "software", own=4)
    complete(made, "algebra", superior=2)
    Cap.objects.filter(round=made.round).delete()
    top = made.round.scale.grades.get(rank=1)
    Cap.objects.create(
        round=made.round, ordinal=1, grade=top, measure="number", value=1, extent="round", mode="enforced",
        tie_breaks=["annual", "superior"],
    )  # fmt: skip
    return made


def step(found, key):
    return next(one for one in found.steps if one.key == key)


def fresh(world, name):
    """The branch as another request reads it."""
    return RoundUnit.objects.get(pk=world.unit(name).pk)


def test_a_tie_is_told_with_whom_and_by_which_figure_it_was_broken(world):
    everyone = RoundUnit.objects.all()
    lost = explain.explain(fresh(world, "algebra"), reach=everyone)
    software, algebra = world.unit("software").name, world.unit("algebra").name
    assert step(lost, "cap").text == (
        f"名额 1 个，测算 2 个，本支部第 2 名，按名额调整；与{software}同为 98.20 分，"
        "按党总支考评 98.00 低于 100.00 排在其后"
    )
    assert lost.headline == "综合 98.20 分，分数够先进，先进名额 1 个、排第 2，等级为较好。"
    won = explain.explain(fresh(world, "software"), reach=everyone)
    assert step(won, "cap").text.endswith(f"与{algebra}同为 98.20 分，按党总支考评 100.00 高于 98.00 排在其前")


def test_a_stored_result_tells_its_tie_too(world):
    results.compute_round(by=None, round_=world.round, now=now())
    unit = fresh(world, "algebra")
    Result.objects.filter(unit__round=world.round, composite__isnull=False).update(
        state="proposed", proposed_grade=F("computed_grade"), proposed_at=now()
    )  # fmt: skip
    told = explain.explain(unit, Result.objects.get(unit=unit), reach=RoundUnit.objects.all())
    assert f"与{world.unit('software').name}同为 98.20 分" in step(told, "cap").text


def test_what_nothing_breaks_is_said_and_where_no_limit_bites_nothing(world):
    Cap.objects.filter(round=world.round).update(tie_breaks=["annual"])
    told = step(explain.explain(fresh(world, "algebra"), reach=RoundUnit.objects.all()), "cap").text
    assert told.endswith(f"同分，须由人确定；与{world.unit('software').name}同为 98.20 分，依次比较的得分也分不出先后")
    Cap.objects.filter(round=world.round).update(value=2)
    assert "同为" not in step(explain.explain(fresh(world, "algebra")), "cap").text


def test_a_secretary_reads_why_without_the_other_branchs_name_or_figure(world, signed_in):
    mine, other = world.unit("algebra"), world.unit("software")
    said = text(signed_in(holder(Role.SECRETARY, mine.branch)).get(page("explain", mine.pk)))
    assert "与另一个支部同为 98.20 分，按党总支考评 98.00 低于对方排在其后" in said
    assert other.name not in said
    assert "100.00" not in said.partition("低于对方")[0].rpartition("名额 1 个")[2]
    assert other.name in text(signed_in(holder(Role.OFFICE, world.school.root)).get(page("explain", mine.pk)))


@pytest.mark.unit
def test_scores_are_shown_with_as_many_decimals_as_tell_them_apart():
    assert scoring.Tied(1, "考核", Fraction(92), Fraction(90)).figures() == ("92.00", "90.00")
    assert scoring.Tied(1, "考核", Fraction("92.0004"), Fraction(92)).figures() == ("92.0004", "92.0000")
    without = scoring.Tied(1, "考核", None, Fraction(90))
    assert (without.figures(), without.ahead) == (("无得分", "90.00"), False)


@pytest.mark.unit
def test_a_tie_at_a_floor_names_the_branch_left_above_it():
    grade = scoring.GradeName("weak", "后进", 4)
    rule = scoring.CapRule("weak", 10, scoring.CapSide.AT_LEAST, tie_breaks=("superior",))
    cap = SimpleNamespace(grade=grade, side="at_least", group="", state="lowered")

    def branch(points, caps=()):
        source = SimpleNamespace(name="考评", score=Fraction(points))
        fair = scoring.GradeName("fair", "一般", 3)
        return SimpleNamespace(
            composite=SimpleNamespace(rounded=70), caps=caps, grade=fair, source=lambda _: source
        )  # fmt: skip

    (tied,) = scoring.tied_with(rule, cap, branch(60, (cap,)), {2: branch(65), 3: branch(50, (cap,))})
    assert (tied.key, tied.own, tied.other, tied.ahead) == (2, 60, 65, False)


def test_vetoes_are_said_not_to_have_happened_only_where_somebody_looked(world, signed_in):
    unit = fresh(world, "software")
    told = step(explain.explain(unit), "vetoes")
    count = world.round.veto_items.count()
    assert (told.text, told.result) == (f"{count} 项尚未核对，没有登记一票否决事项", "未核对")
    assert "均未发生" not in text(signed_in(holder(Role.OFFICE, world.school.root)).get(page("explain", unit.pk)))
    sources.review_vetoes(by=None, unit=unit, found={}, now=now())
    assert VetoReview.objects.filter(unit=unit).exists()
    told = step(explain.explain(unit), "vetoes")
    assert (told.text, told.result) == (f"{count} 项均未发生", "无")


def test_a_branch_without_a_grade_shows_its_composite_and_counts_in_no_limit(world, signed_in):
    """history was handed in by nobody: nothing to show; algebra is scored and gets no grade."""
    rows = RoundUnit.objects.filter(pk__in=[world.unit("algebra").pk, world.unit("history").pk])
    rows.update(graded=False, not_graded_reason="成立不满一年。")
    found = score_ungraded(Round.objects.get(pk=world.round.pk), list(rows))
    assert list(found) == [world.unit("algebra").pk]
    (one,) = found.values()
    assert (str(one.composite.rounded), one.grade, one.by_score, one.caps) == ("98.20", None, None, ())
    told = explain.explain(fresh(world, "software"))
    assert "测算 1 个" in step(told, "cap").text
    office = signed_in(holder(Role.OFFICE, world.school.root))
    said = text(office.get(page("explain", world.unit("algebra").pk)))
    assert "综合 98.20 分，本轮不定级。" in said
    assert "这个得分怎么来的" in said
    assert "在分数线上的位置" not in said
    assert "成立不满一年" in text(office.get(page("explain", world.unit("history").pk)))


def test_lists_and_the_branchs_page_show_the_composite_of_a_branch_without_a_grade(world, signed_in):
    unit = world.unit("algebra")
    RoundUnit.objects.filter(pk=unit.pk).update(graded=False, not_graded_reason="成立不满一年。")
    office = signed_in(holder(Role.OFFICE, world.school.root))
    listed = office.get(page("round-units", world.round.pk), {"sort": "-composite"})
    rows = {row["pk"]: row for row in lists.prepared(list(listed.context["list"].rows))}
    row = rows[unit.pk]
    assert (str(row["composite"]), row["grade"], row["result"]) == ("98.20", "不定级", "不定级")
    assert list(rows)[:2] == [world.unit("software").pk, unit.pk]
    units = list(lists.unit_rows(RoundUnit.objects.filter(pk=unit.pk)))
    (reviewed,) = lists_review.prepared(units)
    assert (str(reviewed["composite"]), reviewed["state"], reviewed["computed"]) == ("98.20", "不定级", "—")
    said = text(office.get(page("unit", unit.pk)))
    assert "定级 不定级 综合 98.20 分" in said


def test_columns_of_a_sheet_the_round_has_not_are_left_out(world, signed_in):
    found = explain.explain(fresh(world, "software"))
    own = tuple(source for source in found.derivation.sources if source.code != "superior")
    alone = replace(found, derivation=replace(found.derivation, sources=own))
    assert (found.by_superior, alone.by_superior) == (True, False)
    context = {"unit": found.unit, "round": world.round, "explanation": alone, "grade_count": 4, "versions": []}
    said = render_to_string("grading/explain.html", context)
    assert "总支评语" not in said
    assert "条目得分" in said
    office = signed_in(holder(Role.OFFICE, world.school.root))
    assert "总支评语" in text(office.get(page("explain", found.unit.pk)))
