"""A round over the whole of the office's untidy roster, and what the office answers about names in its other files."""

from dataclasses import dataclass
from pathlib import Path

from branches import clock
from branches.importers import apply_roster, plan_roster, site_vocabulary
from branches.intake.roster import read_roster
from branches.intake.workbook import read_workbook
from branches.models import Branch
from branches.services.words import ensure_categories
from tests.factories.branches import BranchFactory
from tests.factories.grading import Grading, opened_round

DATA = Path(__file__).resolve().parent.parent / "data"
SPELLINGS = {
    "文传学院研究生党支部": "文学与传播学院研究生党支部",
    "数计学院行政教工党支部": "数学与计算机科学学院行政教工党支部",
    "体育学院 理论教研室教工党支部": "体育学院理论教研室教工党支部",
    "教育科学学院教育系教师党支部": "教育科学学院教育系教工党支部",
    "人事处支部": "人事处党支部",
}


@dataclass(frozen=True, slots=True)
class Tree:
    """The root below which a roster was imported."""

    root: Branch


def workbook(name: str):
    """Read one of the office's files."""
    return read_workbook(name, (DATA / name).read_bytes())


def sample_round() -> Grading:
    """Return round 1 of 2012 over the 168 branches of roster-sample.xlsx."""
    root = BranchFactory(code="DW", level=Branch.Level.COMMITTEE, name="中共清源师范学院委员会")
    ensure_categories(by=None)
    words = site_vocabulary()
    plan = plan_roster(
        read_roster(workbook("roster-sample.xlsx"), words), root=root, today=clock.today(), vocabulary=words
    )
    apply_roster(plan, by=None, now=clock.now(), vocabulary=words)
    return opened_round(Tree(root))


def names_answered(plan) -> dict[int, str]:
    """Return the office's answer to every open question of a name, by the position of its row."""
    return {
        line.position: next(one.key for one in line.proposals if one.name == SPELLINGS[line.row.name])
        for line in plan.open_questions
    }
