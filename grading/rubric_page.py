"""One version of a rubric as a page shows it: the blank form, what does not add up, and who may publish it."""

from typing import Any

from branches import clock
from branches.models import Role, RoleGrant
from branches.permissions import Action, can
from grading.models import Rubric
from grading.rubric_form import blank_sheet
from grading.services import rubrics
from reporting.tables.html import render_sheet


def maintainers() -> list[str]:
    """Return the names of those who keep rubrics today."""
    return holders(Role.RUBRIC_MAINTAINER)


def holders(role: Role) -> list[str]:
    """Return the names of those who hold a role today."""
    rows = RoleGrant.objects.on(clock.today()).filter(role=role, account__is_active=True)
    return sorted({row.account.get_full_name() for row in rows.select_related("account__person")})


def others(rubric: Rubric) -> list[Rubric]:
    """Return the other versions of the same code, newest first."""
    return list(Rubric.objects.filter(code=rubric.code).exclude(pk=rubric.pk).order_by("-version"))


def context(rubric: Rubric, account: Any) -> dict[str, Any]:
    """Return what `grading/rubric_preview.html` shows."""
    drawn = render_sheet(blank_sheet(rubric))
    findings = () if rubric.published else rubrics.findings(rubric)
    return {
        "rubric": rubric,
        "body": drawn.body,
        "style": drawn.style,
        "findings": findings,
        "fatal": any(found.fatal for found in findings),
        "others": others(rubric),
        "may_maintain": bool(can(account, Action.MAINTAIN_RUBRICS)),
        "maintainers": maintainers(),
    }
