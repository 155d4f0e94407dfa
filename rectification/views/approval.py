"""Consenting to a plan item by item."""

from dataclasses import dataclass, field

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from branches import clock
from branches.permissions import Action, account_of, requires
from branches.transitions import BlockedError, IllegalMoveError
from grading.services.errors import RefusedError
from grading.views.shared import Fault
from rectification.models import Item, MeetingRecord, Plan
from rectification.permissions import may_decide
from rectification.services import plans
from rectification.services.settings import rules_of
from rectification.views.plans import hints_of
from rectification.views.shared import allowed, plan_or_404, superior_name

APPROVE, RETURN = "approve", "return"


@dataclass(slots=True)
class Line:
    """One item on the page of consent."""

    item: Item
    hints: list[str] = field(default_factory=list)
    choice: str = ""
    reason: str = ""
    leader: str = ""
    owner_name: str = ""
    error: str = ""

    @property
    def ruling(self) -> plans.Ruling:
        """What the service is told; consenting to an item of 暂不具备条件 consents to that."""
        agreed = self.choice == APPROVE
        return plans.Ruling(agreed, self.reason, agreed, None, self.leader, self.owner_name)


def _lines(plan: Plan) -> list[Line]:
    rules = rules_of(plan.campaign)
    rows = plan.items.filter(state=Item.State.SUBMITTED).select_related("category", "dimension")
    return [Line(row, hints_of(row.measures, row, rules)) for row in rows.prefetch_related("checkpoints")]


@requires(Action.APPROVE_PLAN)
@require_http_methods(["GET", "POST"])
def plan_approve(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the items that wait; POST consents to or returns each."""
    plan = plan_or_404(request, pk)
    allowed(may_decide(request.user, plan))
    lines = _lines(plan)
    faults: list[Fault] = []
    if request.method == "POST":
        faults = _read(request, lines) or _decide(request, plan, lines)
        if not faults:
            return redirect("plan", plan.pk)
    context = {
        "plan": plan, "lines": lines, "errors": faults, "superior": superior_name(plan),
        "record": MeetingRecord.objects.prefetch_related("absences").filter(plan=plan).first(),
    }  # fmt: skip
    return render(request, "rectification/approve.html", context, status=422 if faults else 200)


def _read(request: HttpRequest, lines: list[Line]) -> list[Fault]:
    """Take what was posted onto the lines; return what is missing."""
    for line in lines:
        line.choice = request.POST.get(f"do-{line.item.pk}", "")
        line.reason = request.POST.get(f"reason-{line.item.pk}", "").strip()[:500]
        line.leader = request.POST.get(f"leader-{line.item.pk}", "").strip()[:60]
        line.owner_name = request.POST.get(f"owner-{line.item.pk}", "").strip()[:60]
        if line.choice not in (APPROVE, RETURN):
            line.error = "请选择同意或退回。"
        elif line.choice == RETURN and not line.reason:
            line.error = "请写明退回的理由。"
        elif line.choice == APPROVE and line.item.escalated_to_id and not line.owner_name:
            line.error = "支部提请上级解决，请写明上级的责任人；不接手的请退回。"
    if not lines:
        return [Fault("没有待审批的项目。")]
    return [Fault(f"第 {one.item.ordinal} 项：{one.error}", f"line-{one.item.pk}") for one in lines if one.error]


def _decide(request: HttpRequest, plan: Plan, lines: list[Line]) -> list[Fault]:
    rulings = {line.item.pk: line.ruling for line in lines}
    try:
        plans.decide_items(by=account_of(request), plan=plan, rulings=rulings, now=clock.now())
    except RefusedError as error:
        return [Fault(text) for text in error.sentences]
    except BlockedError as error:
        return [Fault(text) for text in error.blockers]
    except IllegalMoveError as error:
        return [Fault(str(error))]
    returned = sum(line.choice == RETURN for line in lines)
    agreed = len(lines) - returned
    if returned:
        messages.success(request, f"同意 {agreed} 项，退回 {returned} 项，方案已退回支部修改。")
    else:
        messages.success(request, f"{agreed} 项都已同意，支部可以开始整改。")
    return []
