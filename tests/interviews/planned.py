"""A small world of planning: a school with the preset's words, two units, and workbooks of people."""

import io
from dataclasses import dataclass
from typing import Any

import openpyxl

from branches import clock
from branches.models import Account, Campaign, Role, Upload
from branches.permissions import Action, scope
from branches.services import uploads
from interviews import figures_kept
from interviews.people_steps import PeopleSteps
from interviews.services import planning
from tests.factories import branches
from tests.factories.branches import School

STUDENTS = ("学号", "姓名", "学院", "班级", "辅导员工号", "导师工号", "重点类别")
STAFF = ("工号", "姓名", "类别", "单位")


@dataclass
class Planned:
    """Who and what there is."""

    school: School
    campaign: Campaign
    office: Account
    officer: Account

    def steps(self, sheets: dict[str, list[tuple[Any, ...]]], account: Account | None = None) -> PeopleSteps:
        """Upload a workbook and return its steps."""
        by = account or self.office
        upload: Upload = uploads.keep(
            by=by, kind=f"people-{self.campaign.pk}", name="名册.xlsx", data=workbook(sheets)
        )  # fmt: skip
        return PeopleSteps(upload, self.campaign, scope(by, Action.MANAGE_INTERVIEWS))


_MADE: dict[str, bytes] = {}


def workbook(sheets: dict[str, list[tuple[Any, ...]]]) -> bytes:
    """Return a workbook; the first row of each sheet is its head.

    The same sheets give the same file: it carries the second it was made in, and is recognised by its bytes.
    """
    if repr(sheets) not in _MADE:
        _MADE[repr(sheets)] = _made(sheets)
    return _MADE[repr(sheets)]


def _made(sheets: dict[str, list[tuple[Any, ...]]]) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def planned() -> Planned:
    """Make it."""
    figures_kept.forget()
    school = branches.school()
    campaign = branches.CampaignFactory(root=school.root)
    planning.set_up(by=None, campaign=campaign, now=clock.now())
    office = branches.holder(Role.OFFICE, school.root)
    return Planned(school, campaign, office, branches.holder(Role.GENERAL_BRANCH_OFFICER, school.maths))


def staff(unit: str, count: int, prefix: str = "T") -> list[tuple[str, ...]]:
    """Return rows of teachers."""
    return [(f"{prefix}{n}", f"教师{'甲乙丙丁戊己庚辛'[n % 8]}", "教师", unit) for n in range(count)]


def students(
    unit: str, count: int, group: str = "2012级1班", tutor: str = "", focus: str = ""
) -> list[tuple[str, ...]]:
    """Return rows of students."""
    return [
        (f"S{group[:4]}{n}", f"学生{'甲乙丙丁戊己庚辛壬癸'[n % 10]}", unit, group, tutor, "", focus)
        for n in range(count)
    ]
