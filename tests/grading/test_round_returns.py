"""Which forms of a round come back stamped: from the preset, changed by the office, said in words."""

from pathlib import Path

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction

from branches.models import AuditEntry
from grading import presets
from grading.services import rounds
from grading.services.errors import RefusedError
from tests.factories.grading import RoundReturnFactory, opened_round

ANNEX5 = ("annex5", "general_branch", "附件5 党支部分类定级汇总表")
ANNEX4 = ("annex4", "branch", "附件4 党支部调查摸底与分类定级表")


def told(round_):
    return list(round_.returns.values_list("kind", "level", "name"))


@pytest.mark.unit
def test_the_preset_of_2012_asks_for_the_annex5_of_each_general_branch_in_both_rounds():
    file = presets.read_text("x", (Path(settings.BASE_DIR) / "presets/2012/campaign.toml").read_text(encoding="utf-8"))
    for ordinal in (1, 2):
        assert presets.complete_round(file.content, ordinal)["returns"] == list(presets.RETURNS)


@pytest.mark.unit
def test_a_preset_may_not_name_a_level_that_is_none():
    text = (Path(settings.BASE_DIR) / "presets/2012/campaign.toml").read_text(encoding="utf-8")
    wrong = text.replace('kind = "annex5", level = "general_branch"', 'kind = "annex5", level = "school"')
    with pytest.raises(presets.PresetError) as refused:
        presets.read_text("x", wrong)
    assert refused.value.sentences == [
        "x：rounds 第 1 项 returns 第 1 项 level 只能是 branch、committee、general_branch，不能是 school。"
    ]


@pytest.mark.django_db
def test_a_round_takes_over_what_its_preset_asks_for_and_the_office_may_change_it():
    round_ = opened_round().round
    assert told(round_) == [ANNEX5]
    assert [str(row) for row in round_.returns.all()] == ["党总支盖章的附件5 党支部分类定级汇总表"]
    both = [rounds.ReturnRule(*ANNEX5), rounds.ReturnRule(*ANNEX4)]
    changed = rounds.set_returns(by=None, round_=round_, version=round_.version, returns=both)
    assert (told(round_), changed.version) == ([ANNEX5, ANNEX4], round_.version + 1)
    with pytest.raises(RefusedError, match="刚被他人改过"):
        rounds.set_returns(by=None, round_=round_, version=round_.version, returns=[])
    same = rounds.set_returns(by=None, round_=round_, version=changed.version, returns=both)
    assert same.version == changed.version
    rounds.set_returns(by=None, round_=round_, version=changed.version, returns=[])
    assert told(round_) == []
    assert AuditEntry.objects.filter(action="round.returns").count() == 2


@pytest.mark.once
@pytest.mark.django_db
def test_the_database_refuses_what_is_wrong():
    row = RoundReturnFactory()
    wrong = [{"kind": row.kind}, {"ordinal": row.ordinal, "kind": "annex4"}, {"kind": "annex6", "level": "school"}]
    for given in wrong:
        with pytest.raises(IntegrityError), transaction.atomic():
            RoundReturnFactory(round=row.round, **given)
