"""Vague measures, terms and votes: values in, sentences out. Expected values worked out by hand."""

import datetime as dt
from fractions import Fraction

import pytest

from rectification import terms, vague, votes
from rectification.promised_days import later_than

pytestmark = pytest.mark.unit

D = dt.date
LIMIT = D(2012, 12, 31)


@pytest.mark.parametrize(
    "text",
    [
        "由组织委员每月核对1次签到册，9月底前补齐",
        "6月30日前由王建国走访20名党员",
        "支部书记每季度讲1次党课",
    ],
)
def test_measures_with_day_number_and_name_are_not_vague(text):
    assert vague.hints(text) == []


def test_each_thing_that_is_missing_is_named():
    assert vague.hints("加强学习") == [vague.NO_DAY, vague.NO_NUMBER, vague.NO_NAME]
    assert vague.hints("由书记9月底前完善制度") == [vague.NO_NUMBER]
    assert vague.hints("每月走访2名同学") == [vague.NO_NAME]
    assert vague.hints("由李小红负责走访2次") == [vague.NO_DAY]


def test_a_persons_name_counts_as_a_name():
    assert vague.hints("李小红每月走访2名同学", people=["李小红"]) == []


def test_vague_words_are_named_only_beside_something_missing():
    told = "“进一步”“加强”说不清做到什么程度，请改成看得见、数得清的做法。"
    assert vague.hints("进一步加强学习", words=["进一步", "加强", "努力"])[-1] == told
    assert vague.hints("由书记每月加强检查1次", words=["加强"]) == []


@pytest.mark.parametrize(
    ("text", "due", "late"),
    [
        ("5月底前由组织委员补齐", dt.date(2012, 5, 1), ["5月底"]),
        ("4月30日前补齐", dt.date(2012, 5, 1), []),
        ("5月1日前补齐", dt.date(2012, 5, 1), []),
        ("5月2日补齐", dt.date(2012, 5, 1), ["5月2日"]),
        ("五月下旬和十二月各1次", dt.date(2012, 5, 1), ["五月下旬", "十二月"]),
        ("年底前完成，最迟2013年1月5日", dt.date(2012, 12, 30), ["年底", "2013年1月5日"]),
        ("年底前完成", dt.date(2012, 12, 31), []),
        ("2012.5.2完成", dt.date(2012, 5, 1), ["2012.5.2"]),
        ("12月召开", dt.date(2013, 3, 31), []),  # that of 2012 lies between
        ("2月、3月各学习1次", dt.date(2012, 12, 31), []),
        ("每月10日前公布，3个月内见效，补2010年以来的记录", dt.date(2012, 5, 1), []),
        ("2月30日前", dt.date(2012, 2, 28), ["2月30日"]),
    ],
)
def test_days_of_measures_after_the_deadline_are_found(text, due, late):
    assert later_than(text, due, start=dt.date(2012, 3, 9)) == late


def test_the_helper_says_which_day_is_too_late():
    told = ["措施里的“5月底”晚于完成时限2012年5月1日，请改措施或时限。"]
    assert vague.late_days("5月底前，5月底再查", dt.date(2012, 5, 1), start=dt.date(2012, 3, 9)) == told
    assert vague.late_days("4月底前", dt.date(2012, 5, 1), start=dt.date(2012, 3, 9)) == []


def test_nothing_written_is_no_vague_measure():
    assert vague.hints("  ") == []


@pytest.mark.parametrize(
    ("kind", "due", "extended", "refused"),
    [
        ("normal", LIMIT, None, False),
        ("normal", D(2013, 1, 1), None, True),
        ("normal", D(2013, 1, 1), D(2013, 1, 31), False),
        ("normal", D(2013, 2, 1), D(2013, 1, 31), True),
        ("normal", D(2012, 12, 31), D(2012, 11, 30), False),
        ("normal", None, None, False),
        ("long_term", D(2015, 1, 1), None, False),
        ("awaiting_conditions", D(2014, 1, 1), None, False),
    ],
)
def test_only_what_takes_longer_by_its_nature_passes_the_limit(kind, due, extended, refused):
    assert bool(terms.beyond(terms.Term(kind, due), LIMIT, extended)) is refused


def test_the_sentence_names_the_last_day_that_holds():
    term = terms.Term("normal", D(2013, 3, 1))
    assert terms.beyond(term, LIMIT, D(2013, 1, 31)).startswith("完成时限不能晚于2013年1月31日；")


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (D(2012, 1, 31), 1, D(2012, 2, 29)),
        (D(2012, 2, 29), 12, D(2013, 2, 28)),
        (D(2012, 12, 15), 1, D(2013, 1, 15)),
        (D(2012, 11, 30), 3, D(2013, 2, 28)),
        (D(2012, 5, 10), 24, D(2014, 5, 10)),
    ],
)
def test_months_are_added_by_the_calendar(day, months, later):
    assert terms.add_months(day, months) == later


def checkpoint(days, due=None):
    return terms.checkpoint_problem(
        terms.Term("long_term", due, "说明", checkpoints=days), start=D(2012, 5, 10), months=12
    )


def test_a_long_term_item_is_looked_at_every_year():
    assert checkpoint([]) == "年度检查点"
    assert checkpoint([D(2013, 5, 10)]) == ""
    assert checkpoint([D(2013, 5, 11)]) == "2012年5月10日以后12个月内的检查点"
    assert checkpoint([D(2013, 5, 10), D(2014, 5, 11)]) == "2013年5月10日以后12个月内的检查点"
    assert checkpoint([D(2013, 5, 10)], due=D(2014, 5, 10)) == ""
    assert checkpoint([D(2013, 5, 10)], due=D(2014, 5, 11)) == "2013年5月10日以后12个月内的检查点"


def test_what_counts_next():
    day = D(2012, 11, 30)
    assert terms.counts_on(terms.Term("normal", day)) == day
    assert terms.counts_on(terms.Term("awaiting_conditions", D(2014, 1, 1), review_on=day)) == day
    assert terms.counts_on(terms.Term("long_term", D(2014, 1, 1), checkpoints=[D(2013, 5, 1), day])) == day
    assert terms.counts_on(terms.Term("long_term", D(2014, 1, 1))) == D(2014, 1, 1)


MEETING = {
    "held_on": D(2012, 5, 9), "should_attend": 20, "present": 18, "excused": 1, "absent": 1, "excused_named": 1,
    "absent_named": 1, "opinions": "同意",
}  # fmt: skip
VOTE = {"voting_members": 16, "voting_present": 14, "votes": (9, 3, 2)}
STRICT = votes.Rules(vote_required=True, quorum=Fraction(1, 2), majority=Fraction(1, 2))
TODAY = D(2012, 5, 10)


def meeting(rules=None, **changes):
    return votes.problems(votes.Meeting(**MEETING | changes), rules or votes.Rules(), TODAY)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, []),
        ({"held_on": None}, ["请填写党员大会的日期。"]),
        ({"held_on": D(2012, 5, 11)}, ["党员大会的日期还没有到，请在开会讨论后再提交。"]),
        ({"opinions": " "}, ["请填写党员大会的讨论意见。"]),
        ({"excused": None, "absent": None}, ["党员大会记录还缺请假、缺席人数。"]),
        ({"present": 17}, ["应到 20 人，实到、请假、缺席合计 19 人，请核对。"]),
        ({"excused_named": 0}, ["请假 1 人，写明姓名和原因的有 0 人，请补齐。"]),
        ({"absent_named": 2}, ["缺席 1 人，写明姓名和原因的有 2 人，请补齐。"]),
        (
            {"should_attend": 2, "present": 0},
            ["实到人数是 0，没有开成会。"],
        ),
    ],
)
def test_what_stands_in_the_way_of_handing_in(changes, told):
    assert meeting(**changes) == told


def test_a_vote_is_asked_for_only_where_the_rules_do():
    assert meeting() == []
    assert meeting(STRICT) == ["本次活动要求表决，请填写表决票数。"]
    assert meeting(STRICT, **VOTE) == []


def test_quorum_and_majority_count_those_who_should_attend():
    # 16 entitled: more than 8 must be there, and more than 8 agree, however few came.
    assert meeting(STRICT, **VOTE | {"voting_present": 8, "votes": (8, 0, 0)}) == [
        "有表决权的到会人数没有超过应到人数的半数，表决无效。",
        "赞成票没有超过有表决权应到人数的半数，方案没有通过。",
    ]
    assert meeting(STRICT, **VOTE | {"voting_present": 9, "votes": (9, 0, 0)}) == []
    assert meeting(STRICT, **VOTE | {"votes": (9, 5, 1)}) == ["票数合计 15，多于有表决权的实到 14 人，请核对。"]
    assert meeting(STRICT, **VOTE | {"votes": (9, None, 2)})[0].startswith("表决情况请填全")


def test_a_fraction_is_told_in_words():
    assert votes.share(Fraction(4, 5)) == "五分之四"
    assert votes.share(Fraction(1, 2)) == "半数"
    assert votes.share(Fraction(11, 20)) == "11/20"
