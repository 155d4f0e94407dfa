"""From proposal to the end through the pages: 拟定, 审核, 公示, an objection upheld, decided anew, 公示 again, 定级."""

import datetime as dt

import pytest

from grading.models import Objection, PublicityNotice, Result, Round
from grading.services import sources
from tests.grading.pages import text
from tests.grading.publicity_world import MONDAY, People, now, public_round

pytestmark = pytest.mark.db

DECISION = {"body": "党委会", "met_on": "2012-10-12", "document_number": "清师党〔2012〕30号"}


def choose(units, grade, reason=""):
    posted = {}
    for unit in units:
        code = unit.round.scale.grades.get(label=grade).code
        posted |= {f"pick-{unit.pk}": "1", f"grade-{unit.pk}": code, f"reason-{unit.pk}": reason}
    return posted


def test_from_proposal_to_the_end(time_machine):
    time_machine.move_to(MONDAY, tick=False)
    made = public_round()
    for unit in made.units.values():
        sources.review_vetoes(by=None, unit=unit, found={}, now=now())
    pk, maths = made.round.pk, made.school.maths.pk
    people = People(made)

    # The 党总支 proposes; the office takes the round on and sees each branch in the review.
    mine = [made.unit("software"), made.unit("algebra")]
    done = people.post("officer", "decide", pk, query=f"?parent={maths}", **choose(mine, "先进"))
    assert "已拟定 2 个党支部。" in text(done)
    others = [made.unit(name) for name in ("chinese", "history")]
    letters = made.school.letters.pk
    people.post("office", "decide", pk, query=f"?parent={letters}", **choose(others, "先进"))
    people.post("office", "round-move", pk, to="deciding")
    review = people.get("office", "review", pk)
    assert [row["line"].proposed for row in review.context["groups"]] == [2, 2, 0]
    direct = made.unit("direct")
    chosen = DECISION | choose([direct], "较好", "阵地未落实")
    people.post("office", "decide", pk, query="?parent=direct", **chosen)
    done = people.post("office", "review", pk, do="decide", group=[str(maths), str(letters)], **DECISION)
    assert "已审定 4 个党支部的等级。" in text(done)
    assert Result.objects.get(unit=mine[0]).document_number == "清师党〔2012〕30号"
    assert "人工" in text(people.get("office", "review", pk, query="?mark=manual"))

    # 公示 begins with the transition; anybody can read it.
    done = people.post("office", "round-move", pk, to="publicity")
    assert "现在是“公示”" in text(done), text(done)[:900]
    notice = PublicityNotice.objects.get()
    seen = people.get("anonymous", "notice", notice.slug)
    assert seen.status_code == 200
    assert [line.name for line in seen.context["lines"]][-1] == direct.name

    # A secretary objects by login; the office answers, upholds, leads back; the result is decided anew.
    done = people.post(
        "secretary",
        "object-to",
        notice.slug,
        unit=direct.pk,
        contact="13900000000",
        text="阵地去年已经落实，有验收单。",
    )
    row = Objection.objects.get()
    assert "异议已提交，编号第 1 号。" in text(done)
    time_machine.move_to(dt.datetime(2012, 10, 20, 0, 0, tzinfo=MONDAY.tzinfo), tick=False)
    refused = people.post("office", "round-move", pk, to="final")
    assert "还有 1 件异议没有答复：第 1 号。" in text(refused)
    answer = {"outcome": "upheld", "answer": "经查验收单属实。", "body": "党委组织部"}
    people.post("office", "objection-answer", row.pk, **answer)
    assert "1 个支部的异议成立，还没有重新定级" in text(people.post("office", "round-move", pk, to="final"))
    done = people.post("office", "objection-back", row.pk, reason="核实后重新定级")
    made.round.refresh_from_db()
    assert made.round.state == Round.State.DECIDING
    assert Result.objects.get(unit=direct).state == "computed"
    assert people.get("anonymous", "notice", notice.slug).status_code == 410
    assert "1 个支部还没有定级" in text(people.post("office", "round-move", pk, to="publicity"))
    people.post("office", "decide", pk, query="?parent=direct", **DECISION, **choose([direct], "先进"))

    # A second notice with its own five days, then the end.
    people.post("office", "round-move", pk, to="publicity")
    again = PublicityNotice.objects.get(ordinal=2)
    assert (again.days, again.last_day) == (5, dt.date(2012, 10, 26))
    assert "经查验收单属实。" in text(people.get("secretary", "objection", row.pk))
    assert "还没有结束" in text(people.post("office", "round-move", pk, to="final"))
    time_machine.move_to(dt.datetime(2012, 10, 27, 0, 0, tzinfo=MONDAY.tzinfo), tick=False)
    people.post("office", "round-move", pk, to="final")
    made.round.refresh_from_db()
    assert made.round.state == Round.State.FINAL
    assert Result.objects.filter(frozen_at__isnull=False).count() == 5
    assert list(PublicityNotice.objects.order_by("ordinal").values_list("state", flat=True)) == ["withdrawn", "ended"]
