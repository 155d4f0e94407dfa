"""Rows of the lists of supervision, for `test_registered`, on top of `noticed_world`."""

from rectification.lists_supervision import dispatch_rows, notice_rows, visit_rows
from rectification.models import Dispatch, SupervisionNotice, Visit
from tests.factories.supervision import VisitFactory, VisitFindingFactory


def visited(made):
    """One visit with a finding, one without anything."""
    VisitFindingFactory(visit=VisitFactory(campaign=made.campaign, unit=made.school.software))
    VisitFactory(campaign=made.campaign, unit=made.school.algebra, looked_at=["整改方案是否可行"])
    return visit_rows(Visit.objects.order_by("pk"))


def issued(made):
    """A 督办单 that is answered, and one that is late."""
    made.issue(branch=made.school.algebra)
    return notice_rows(SupervisionNotice.objects.order_by("pk"))


ROWS = {
    "supervision-notices": issued,
    "supervision-visits": visited,
    "supervision-log": lambda _made: dispatch_rows(Dispatch.objects.order_by("pk")),
}
