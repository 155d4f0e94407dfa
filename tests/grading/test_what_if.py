"""What-if: the arithmetic by hand, nothing written, and taking changed rules over."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from branches.models import AuditEntry
from grading import scoring, what_if
from grading.models import Result, Round
from grading.services import results
from grading.services import what_if as service
from grading.services.errors import RefusedError
from tests.factories.grading import opened_round
from tests.grading.pages import account, page, text
from tests.grading.steps import BODY, complete, now
from tests.worlds import shared

D = Decimal

NAMES = ("software", "algebra", "chinese", "history", "direct")


@shared
def grading():
    """Composites: software 98, algebra 94, chinese 91, history 89.4; direct has nothing."""
    made = opened_round()
    complete(made, "software", own=5, superior=0)  # 19 + 20 + 19 + 40
    complete(made, "algebra", own=5, superior=10)  # 19 + 20 + 19 + 36
    complete(made, "chinese", own=10, superior=15)  # 18 + 20 + 19 + 34
    complete(made, "history", own=4, superior=22)  # 19.2 + 20 + 19 + 31.2
    Round.objects.filter(pk=made.round.pk).update(state="scoring")
    made.round.refresh_from_db()
    return made


def tried(grading, **changes):
    snapshot = service.read(grading.round, now())
    outcome = what_if.try_out(snapshot.situation, what_if.Changes(**changes))
    return snapshot, outcome


def code(grading, name):
    return grading.unit(name).code


def test_the_present_rules_change_nothing(grading):
    snapshot, outcome = tried(grading)
    composites = dict(zip((u.unit for u in snapshot.situation.units), snapshot.situation.composites, strict=True))
    assert [composites[code(grading, name)] for name in NAMES] == [D("98.00"), D("94.00"), D("91.00"), D("89.40"), None]
    assert (outcome.moved, outcome.distribution, outcome.ungraded) == ((), snapshot.situation.distribution, 1)
    assert dict(outcome.distribution) == {"advanced": 3, "good": 1, "fair": 0, "weak": 0}


def test_a_moved_line_names_who_changes_and_who_is_near(grading):
    _, outcome = tried(grading, minimums={"advanced": D("93.5")})
    moved = [(one.code, one.before.label, one.after.label, one.rises) for one in outcome.moved]
    assert moved == [(code(grading, "chinese"), "先进", "较好", False)]
    assert [(one.code, one.grade, one.distance) for one in outcome.near] == [
        (code(grading, "algebra"), "先进", D("0.50"))
    ]
    assert dict(outcome.distribution) == {"advanced": 2, "good": 2, "fair": 0, "weak": 0}


def test_moved_weights_change_the_composite(grading):
    _, outcome = tried(grading, weights={"self": D(50), "superior": D(10)})
    # history: 96×50% + 100×20% + 95×20% + 78×10% = 48 + 20 + 19 + 7.8 = 94.80
    found = {one.code: (one.composite, one.composite_after) for one in outcome.moved}
    assert found == {code(grading, "history"): (D("89.40"), D("94.80"))}


def test_an_enforced_cap_lowers_the_last_one_over_it(grading):
    caps = {1: what_if.CapChange(D(50), scoring.CapMode.ENFORCED)}  # the whole school: half of 4 graded
    _, outcome = tried(grading, caps=caps)
    assert [(one.code, one.after.label) for one in outcome.moved] == [(code(grading, "chinese"), "较好")]


def test_it_gives_what_the_round_gives_after_adopting(grading):
    changes = {"weights": {"self": D(50), "superior": D(10)}, "minimums": {"advanced": D(92), "good": D(91)}}
    _, outcome = tried(grading, **changes)
    office = account(grading.school, "office")
    given = what_if.Changes(**changes)
    service.adopt_rules(
        by=office, round_=grading.round, version=grading.round.version, changes=given, reason="自评比重过低", now=now()
    )
    fresh = Round.objects.get(pk=grading.round.pk)
    derived = results.derive(fresh)
    counts = dict.fromkeys(dict(outcome.distribution), 0)
    for one in derived.values():
        if one.grade is not None:
            counts[one.grade.code] += 1
    assert counts == dict(outcome.distribution)
    assert fresh.version == grading.round.version + 1
    assert fresh.sources.get(code="self").weight == D(50)
    assert fresh.cut_offs.get(grade__code="good").minimum == D(91)
    row = Result.objects.get(unit=grading.unit("history"))
    assert (row.composite, row.rule_version) == (D("94.80"), fresh.rule_version)
    entry = AuditEntry.objects.get(action="round.adopt_rules")
    assert entry.summary == "采用试算的规则：自评比重过低"


REFUSED = [
    ({"weights": {"self": D(30)}}, "理由", "各来源权重合计 110%，应为 100%"),
    ({"minimums": {"good": D(90)}}, "理由", "“先进”的分数线 90 不高于“较好”的 90，两个等级重叠。"),
    ({"minimums": {"good": D(80)}}, " ", "采用新规则须写明理由。"),
    ({}, "理由", "没有改动。"),
]


@pytest.mark.parametrize(("changes", "reason", "sentence"), REFUSED)
def test_adopting_refuses(grading, changes, reason, sentence):
    with pytest.raises(RefusedError, match=sentence):
        service.adopt_rules(
            by=None, round_=grading.round, version=grading.round.version, changes=what_if.Changes(**changes),
            reason=reason, now=now(),
        )  # fmt: skip
    assert Round.objects.get(pk=grading.round.pk).version == grading.round.version


def test_adopting_needs_a_round_whose_grades_are_open(grading):
    changes = what_if.Changes(minimums={"good": D(80)})
    arguments = {"by": None, "round_": grading.round, "changes": changes, "reason": "理由", "now": now()}
    with pytest.raises(RefusedError, match="刚被他人改过"):
        service.adopt_rules(version=grading.round.version + 1, **arguments)
    unit = grading.unit("software")
    choices = {unit.pk: results.Choice("advanced")}
    results.decide_grades(by=None, round_=grading.round, choices=choices, decision=BODY, now=now())
    with pytest.raises(RefusedError, match="已有 1 个支部的等级拟定或定了"):
        service.adopt_rules(version=grading.round.version, **arguments)
    Round.objects.filter(pk=grading.round.pk).update(state="publicity")
    with pytest.raises(RefusedError, match="本轮现在是“公示”，规则不能再改。"):
        service.adopt_rules(version=grading.round.version, **arguments)


# --- the page ----------------------------------------------------------------------------------------------------


def posted(grading, **changed):
    data = {f"weight-{one.code}": str(one.weight) for one in grading.round.sources.all()}
    data |= {f"line-{cut.grade.code}": str(cut.minimum) for cut in grading.round.cut_offs.select_related("grade")}
    data |= {f"cap-{place}": str(cap.value) for place, cap in enumerate(grading.round.caps.all())}
    return data | {"version": str(grading.round.version)} | changed


@pytest.fixture
def office(signed_in, grading):
    return signed_in(account(grading.school, "office"))


def test_the_answer_follows_what_is_typed_and_writes_nothing(office, grading):
    assert office.get(page("what-if", grading.round.pk)).status_code == 200
    changed = posted(grading, **{"line-advanced": "93.5"})
    with CaptureQueriesContext(connection) as queries:
        response = office.post(page("what-if-result", grading.round.pk), changed, headers={"HX-Request": "true"})
    assert response.status_code == 200
    assert "1 个党支部变化，升 0 个。" in text(response)
    assert grading.unit("chinese").short_name in text(response)
    writes = [q["sql"] for q in queries if q["sql"].split()[0] not in ("SELECT", "SAVEPOINT", "RELEASE", "WITH")]
    assert writes == []
    assert Round.objects.get(pk=grading.round.pk).version == grading.round.version
    assert grading.round.cut_offs.get(grade__code="advanced").minimum == D(90)


def test_after_the_page_was_read_the_inputs_are_not_read_again(office, grading):
    office.get(page("what-if", grading.round.pk))
    with CaptureQueriesContext(connection) as queries:
        office.post(page("what-if-result", grading.round.pk), posted(grading), headers={"HX-Request": "true"})
    assert not [q for q in queries if "grading_score" in q["sql"]]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"weight-self": "30"}, "各来源权重合计 110%，应为 100%"),
        ({"line-good": "九十"}, "较好的分数线“九十”不是数字。"),
        ({"line-good": "95"}, "“先进”的分数线 90 不高于“较好”的 95，两个等级重叠。"),
        ({"cap-0": "-1"}, "先进的名额请填 0 以上的数，最多两位小数。"),
    ],
)
def test_impossible_rules_get_their_sentence(office, grading, changed, sentence):
    response = office.post(
        page("what-if-result", grading.round.pk), posted(grading, **changed), headers={"HX-Request": "true"}
    )
    assert sentence in text(response)
    assert "等级分布" not in text(response)


def test_without_script_the_whole_page_comes_back_with_what_was_typed(office, grading):
    response = office.post(page("what-if-result", grading.round.pk), posted(grading, **{"line-good": "80.5"}))
    assert 'name="line-good" value="80.5"' in response.content.decode()


def test_adopting_in_the_page(office, grading):
    data = posted(grading, **{"line-good": "80"})
    response = office.post(page("what-if-adopt", grading.round.pk), data | {"reason": ""})
    assert response.status_code == 422
    assert "采用新规则须写明理由。" in text(response)
    assert 'value="80"' in response.content.decode()
    response = office.post(page("what-if-adopt", grading.round.pk), data | {"reason": "区分不够"}, follow=True)
    assert "新规则已采用，全部支部已重新测算。" in text(response)
    assert grading.round.cut_offs.get(grade__code="good").minimum == D(80)


def test_only_the_office_tries_out(signed_in, grading):
    officer = signed_in(account(grading.school, "officer"))
    assert officer.get(page("what-if", grading.round.pk)).status_code == 403
