"""晋位升级情况表 of the two rounds of `two_rounds()`, cell by cell as worked out by hand."""

import pytest

from branches import clock
from grading.services import promotion as service
from reporting.annexes import promotion as annex
from reporting.annexes.facts import Stamp
from reporting.annexes.gather_promotion import comparable, promotion_of
from reporting.making.kinds import BY_SLUG
from tests.factories.promotion import two_rounds
from tests.worlds import shared

pytestmark = pytest.mark.once
STAMP = Stamp("2012年10月31日", "林婷", "17000000000")
world = shared(two_rounds)


def rows(sheet):
    """Return the texts of the body's rows."""
    return [tuple(cell.text for cell in row.cells) for row in sheet.rows if row.kind == "body"]


def test_the_list_of_the_school(world):
    service.explain_fall(by=None, unit=world.units["SJ002"], text="到期未换届", now=clock.now())
    facts = promotion_of(world.round, world.school.root)[0]
    assert [(row.group, row.name, row.earlier, row.later, row.move, row.note) for row in facts.rows] == [
        ("数学与计算机科学学院党总支", "软件工程教研室党支部", "一般", "较好", "晋位", ""),
        ("数学与计算机科学学院党总支", "2010级数学党支部", "较好", "一般", "退位", "到期未换届"),
        ("数学与计算机科学学院党总支", "体育教研室党支部", "", "较好", "新建", ""),
        ("文学与历史学院党总支", "文史联合党支部", "一般", "较好", "晋位",
         "由汉语言文学教研室党支部、2010级历史学党支部而来"),
        ("直属党支部", "图书馆直属党支部", "先进", "先进", "持平", ""),
    ]  # fmt: skip
    assert annex.sentence(facts.rows) == (
        "本轮参评支部 5 个，可对比 4 个，其中晋位 2 个（50.00%）、持平 1 个（25.00%）、退位 1 个（25.00%）；新建 1 个。"
    )


def test_the_matrix_names_everybody_and_adds_up(world):
    facts = promotion_of(world.round, world.school.root)[0]
    lines = annex.lines(facts)
    assert [[len(cell) for cell in line.cells] for line in lines] == [
        [1, 0, 0, 0],
        [0, 0, 1, 0],
        [0, 2, 0, 0],
        [0, 0, 0, 0],
    ]
    _, matrix = annex.sheets(facts, STAMP)
    words = [text for row in matrix.rows for text in (cell.text for cell in row.cells)]
    assert "2个\n软件工程教研室党支部、文史联合党支部" in words


def test_a_general_branch_sees_its_own(world):
    facts = promotion_of(world.round, world.school.letters)[0]
    assert [(row.name, row.move) for row in facts.rows] == [("文史联合党支部", "晋位")]
    assert not facts.merged


def test_it_is_offered_only_where_there_is_an_earlier_round(world):
    first = world.round.campaign.rounds.get(ordinal=1)
    assert comparable(world.round)
    assert not comparable(first)
    assert promotion_of(first, world.school.root) == []


def test_documents_of_all_general_branches(world):
    kind = BY_SLUG["promotion"]
    assert [one.unit for one in kind.pieces(world.round, world.school.root)] == [
        "数学与计算机科学学院党总支",
        "文学与历史学院党总支",
        "直属党支部",
    ]


def test_a_long_list_of_those_that_stayed_stands_on_the_first_sheet():
    same = [annex.PromotionRow(str(n), "甲", f"支部{n}", "教师", "较好", "较好", annex.LEVEL) for n in range(13)]
    facts = annex.PromotionFacts("校", "甲", "一", "二", ("较好",), ("较好",), tuple(same))
    _, matrix = annex.sheets(facts, STAMP)
    words = [cell.text for row in matrix.rows for cell in row.cells]
    assert "13个\n（名单见情况表）" in words
