"""Rules in the editor that hang together: sources and their steps, and what recorded scores are out of."""

import pytest

from grading import contents, worked_example
from grading.models import Round, Source
from grading.services import round_rules
from tests.factories.grading import opened_round
from tests.grading.pages import account, page, text
from tests.grading.test_rule_editor import posted, rows
from tests.worlds import shared

pytestmark = pytest.mark.once
grading = shared(opened_round)


@pytest.fixture
def draft(grading):
    """The second round of 2012, which is in preparation."""
    return Round.objects.select_related("campaign__root", "scale").get(state=Round.State.PREPARING)


@pytest.fixture
def office(signed_in, grading):
    return signed_in(account(grading.school, "office"))


def test_a_step_of_another_kind_is_not_called_by_the_old_name(office, draft):
    shown = {row.cells[0].value: row.cells[1].value for row in _drawn(office, draft, "steps")}
    assert (shown["self"], shown["decide"]) == ("", "党委审定")  # 支部自评 is the usual name, 党委审定 the school's own
    posted(office, draft, "steps", **rows("steps", {"code": "annual", "name": shown["self"]}, {"code": "decide"}))
    assert list(draft.steps.values_list("code", "name")) == [("annual", "年度考核"), ("decide", "审定")]


def test_sources_bring_their_steps_and_take_them_along(office, draft):
    blank = round_rules.blank_round(by=None, campaign=draft.campaign, name="再评一次")
    assert list(blank.steps.values_list("code", flat=True)) == ["decide"]
    own = {"name": "支部自查", "weight": "60", "giver": "self"}
    work = {"name": "基础工作检查", "weight": "40", "giver": "annual", "full_marks": "120"}
    posted(office, blank, "sources", **rows("sources", own, work))
    assert list(blank.steps.values_list("code", "name")) == [
        ("self", "支部自查"), ("annual", "基础工作检查"), ("decide", "审定")
    ]  # fmt: skip
    blank.refresh_from_db()
    blank.steps.filter(code="self").update(due_on="2012-09-01")  # somebody set a day: it stays
    posted(office, blank, "sources", **rows("sources", {"name": "考评", "weight": "100", "giver": "superior"}))
    assert list(blank.steps.values_list("code", flat=True)) == ["self", "superior", "decide"]


def test_recorded_scores_out_of_other_full_marks_count_out_of_a_hundred(office, draft):
    blank = round_rules.blank_round(by=None, campaign=draft.campaign, name="再评一次")
    row = {"name": "年度考核", "weight": "100", "giver": "annual", "full_marks": "120"}
    assert posted(office, blank, "sources", **rows("sources", row)).status_code == 302
    entry = contents.of_round(blank)
    assert (Source.objects.get(round=blank).full_marks, entry["sources"][0]["full_marks"]) == (120, "120")
    scaled = entry | {"grades": [{"code": "a", "label": "好"}, {"code": "b", "label": "差"}]}
    scaled["cut_offs"] = [{"grade": "a", "minimum": "90"}]
    example = worked_example.work(contents.rules_of(scaled), {"ex-annual": "108"})
    assert (example.grade, "年度考核 90.00（108÷120×100）" in example.steps[0].text) == ("好", True)
    blank.refresh_from_db()
    wrong = posted(office, blank, "sources", **rows("sources", row | {"full_marks": "0"}))
    assert (wrong.status_code, "年度考核的满分应大于 0。" in text(wrong)) == (422, True)
    shown = text(office.get(page("round-rules", blank.pk)))
    assert "满分 120 分，折成百分制" in shown


def _drawn(client, round_, part):
    return client.get(page("rule-editor", round_.pk, part)).context["tables"][0].rows
