"""A printed notice of another school, entered by the pages alone: twelve branches get the grades worked out by hand.

The notice: 好、较好、一般、较差 at 90/80/60 in whole points; 自查 20 %, 民主测评 30 % (党员 60, 群众 40; 好 100,
较好 80, 一般 60, 差 0, 说不清 is valid but has no points; at least 5 ballots), 考核 50 %; less than 85 % of 好 and
较好: at most 较好; 考核 below 60: at most 一般; 好 at most 25 % of a 党总支, decimals dropped, enforced, 考核 breaks
ties; 造假: 较差.
"""

import io

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from branches.models import Branch, Role
from grading.models import Preset, Round, RoundUnit
from grading.services import results, sources
from tests.factories.branches import BranchFactory, CategoryFactory, holder
from tests.factories.grading import CriterionFactory, RubricFactory, SectionFactory
from tests.grading.pages import page, text
from tests.grading.test_rule_editor import rows

pytestmark = pytest.mark.once

OPTIONS = ("好", "较好", "一般", "差", "说不清")
LIKED, FINE, COOL = (10, 0, 0, 0, 0), (5, 5, 0, 0, 0), (4, 4, 2, 0, 0)
# Branch, 党总支, 自查, votes of 党员, votes of 群众, 考核; then composite and grade by hand.
SHEET = (
    ("一", "甲", 100, LIKED, LIKED, 96, 98, "好"),  # 20 + 30 + 48
    ("二", "甲", 100, LIKED, LIKED, 95, 98, "好"),  # 97.5 rounds to 98; second of eight, two places
    ("三", "甲", 100, LIKED, LIKED, 94, 97, "较好"),  # 97, reaches 好, no place left
    ("四", "甲", 90, FINE, LIKED, 90, 91, "较好"),  # 18 + 0.3 × (90 × 0.6 + 100 × 0.4 = 94) 28.2 + 45 = 91.2
    ("五", "甲", 95, COOL, COOL, 98, 93, "较好"),  # 19 + 0.3 × 84 = 25.2 + 49 = 93.2; 16 of 20 are 80 %: at most 较好
    ("六", "甲", 80, FINE, COOL, 70, 77, "一般"),  # 16 + 0.3 × (54 + 33.6 = 87.6) 26.28 + 35 = 77.28
    ("七", "甲", 100, LIKED, LIKED, 59, 80, "一般"),  # 20 + 30 + 29.5 = 79.5 rounds to 80; 考核 below 60
    ("八", "甲", 60, COOL, COOL, 20, 47, "较差"),  # 12 + 25.2 + 10 = 47.2
    ("九", "乙", 100, LIKED, (4, 0, 0, 0, 0), 92, 96, "好"),  # four votes of 群众 join those of 党员
    ("十", "乙", 100, LIKED, LIKED, 92, 96, "好"),  # the same 96 and the same 考核: a person decides
    ("十一", "乙", 90, FINE, (5, 5, 0, 0, 2), 84, 87, "较好"),  # 18 + 27 + 42; 20 of 22 are 90.9 %
    ("十二", "乙", 100, LIKED, LIKED, 100, 100, "较差"),  # 造假
)


def book(*table):
    made = openpyxl.Workbook()
    for line in table:
        made.active.append(line)
    data = io.BytesIO()
    made.save(data)
    return data.getvalue()


@pytest.fixture
def tree(db):
    """A school of two 党总支 with eight and four branches, and a published rubric of its own."""
    category = CategoryFactory(code="teacher", name="教师")
    levels = Branch.Level
    root = BranchFactory(code="X", level=levels.COMMITTEE, name="中共东湖学院委员会")
    parents = {
        name: BranchFactory(code=f"X{name}", level=levels.GENERAL_BRANCH, name=f"{name}学院党总支", parent=root)
        for name in "甲乙"
    }
    for number, (name, parent, *_) in enumerate(SHEET, 1):
        BranchFactory(
            code=f"D{number:02d}", name=f"第{name}教工党支部", parent=parents[parent], category=category
        )  # fmt: skip
    rubric = RubricFactory(code="own", title="东湖学院评分表")
    CriterionFactory(section=SectionFactory(rubric=rubric, points=100), points=100, step=1)
    rubric.state = "published"
    rubric.published_at = "2026-01-01T00:00:00+08:00"
    rubric.save()
    return root


class Clerk:
    """Somebody of the office with the notice on the desk and a browser."""

    def __init__(self, client) -> None:
        self.client = client
        self.round = None

    def begin(self, root):
        """Open the campaign from nothing."""
        fields = {"name": "东湖学院党支部评定", "year": "2026", "root": str(root.pk), "starts_on": "2026-03-01",
                  "ends_on": "2026-06-30", "round_name": "评定"}  # fmt: skip
        assert self.client.post(page("campaign-blank"), fields).status_code == 302
        self.round = Round.objects.get()

    def save(self, part, **fields):
        """Save one page of the editor, looking at it first."""
        shown = self.client.get(page("rule-editor", self.round.pk, part)).context["version"]
        fields = {"do": "next", "version": str(shown)} | fields
        response = self.client.post(page("rule-editor", self.round.pk, part), fields)
        assert response.status_code == 302, text(response)

    def code(self, label):
        return self.round.__class__.objects.get(pk=self.round.pk).scale.grades.get(label=label).code

    def bring(self, source, data):
        """Import a workbook for one source."""
        upload = SimpleUploadedFile("表.xlsx", data)
        address = self.client.post(page("sources", self.round.pk), {"source": source, "file": upload})["Location"]
        preview = self.client.get(address)
        assert preview.context["plan"].ready, text(preview)
        self.client.post(address, {"do": "import"})


def enter(clerk):
    """Type the notice, page by page."""
    clerk.save("basics", name="评定", places="0", deciding_level="committee", missing="block")
    grades = zip(("好", "较好", "一般", "较差"), ("90", "80", "60", ""), strict=True)
    clerk.save("grades", **rows("grades", *({"label": label, "minimum": line} for label, line in grades)))
    options = [{"label": label, "points": points} for label, points in
               zip(OPTIONS, ("100", "80", "60", "0", ""), strict=True)]  # fmt: skip
    for option in options[:2]:
        option["satisfied"] = "on"
    voters = [{"name": "党员", "weight": "60"}, {"name": "群众", "weight": "40"}]
    clerk.save("sources", **rows(
        "sources",
        {"name": "自查", "weight": "20", "giver": "annual"},
        {"name": "民主测评", "weight": "30", "giver": "appraisal", "minimum_ballots": "5",
         "options": options, "groups": voters},
        {"name": "考核", "weight": "50", "giver": "annual"},
    ))  # fmt: skip
    clerk.save("gates", **rows(
        "gates",
        {"figure": "satisfaction", "minimum": "85", "best": clerk.code("较好")},
        {"figure": "source_annual-2", "minimum": "60", "best": clerk.code("一般")},
    ))  # fmt: skip
    clerk.save("vetoes", **rows("vetoes", {"text": "材料造假", "effect": "force", "grade": clerk.code("较差")}))
    cap = {"grade": clerk.code("好"), "side": "at_most", "value": "25", "measure": "share", "extent": "group",
           "rounding": "down", "mode": "enforced", "tie": "annual-2"}  # fmt: skip
    clerk.save("caps", **rows("caps", cap))
    clerk.save("steps", publicity_days="5", **rows("steps", {"code": "appraisal", "due_on": "2026-04-10"},
                                                   {"code": "decide", "name": "党委会定级"}))  # fmt: skip
    clerk.save("rubrics", teacher="own")


def votes(clerk):
    """The workbook the page hands out, a row for each branch and kind of voters, filled in by the tellers."""
    sent = clerk.client.get(page("source-template", clerk.round.pk, "appraisal"))
    made = openpyxl.load_workbook(io.BytesIO(sent.content))
    head, *lines = made.active.iter_rows()
    assert [cell.value for cell in head] == [
        "党总支", "党支部名称", "评议人员", "发出票数", "收回票数", "有效票数", *OPTIONS, "备注",
    ]  # fmt: skip
    cast = {f"第{line[0]}教工党支部": dict(zip(("党员", "群众"), line[3:5], strict=True)) for line in SHEET}
    assert len(lines) == 24
    for line in lines:
        given = cast[line[1].value][line[2].value]
        for cell, number in zip(line[3:], (*[sum(given)] * 3, *given), strict=False):
            cell.value = number
    data = io.BytesIO()
    made.save(data)
    return data.getvalue()


def marks(place):
    yield ["党支部", "得分"]
    for line in SHEET:
        yield [f"第{line[0]}教工党支部", line[place]]


def test_a_printed_notice_is_entered_and_gives_the_grades_worked_out_by_hand(tree, signed_in):
    assert Preset.objects.count() == 0
    clerk = Clerk(signed_in(holder(Role.OFFICE, tree)))
    clerk.begin(tree)
    enter(clerk)
    shown = text(clerk.client.get(page("round-rules", clerk.round.pk)))
    assert "好 100 分，较好 80 分，一般 60 分，差 0 分，说不清 不计分；党员 60%，群众 40%" in shown
    opened = clerk.client.post(page("round-move", clerk.round.pk), {"to": "self"}, follow=True)
    assert "现在是“自评”" in text(opened)
    clerk.bring("annual", book(*marks(2)))
    clerk.bring("appraisal", votes(clerk))
    clerk.bring("annual-2", book(*marks(5)))
    round_ = Round.objects.get()
    cheat = RoundUnit.objects.get(name="第十二教工党支部")
    sources.review_vetoes(by=None, unit=cheat, found={"veto-1": "伪造会议记录"}, now=round_.opened_at)
    derived = results.derive(round_)
    found = {}
    waiting = []
    for unit in round_.units.all():
        derivation = derived[unit.pk]
        assert not derivation.blockers, derivation.blockers
        found[unit.name] = (int(derivation.composite.rounded), derivation.grade.label)
        waiting += [unit.name] if derivation.needs_person else []
    assert found == {f"第{line[0]}教工党支部": line[6:] for line in SHEET}
    assert waiting == ["第九教工党支部", "第十教工党支部"]  # one place of four, two alike: left to a person
    ninth = derived[round_.units.get(name="第九教工党支部").pk].source("appraisal")
    assert [(group.name, group.valid) for group in ninth.appraisal.groups] == [("党员、群众", 14)]
