"""The audit trail as a page: who did what, when and from where, and whether the chain still holds."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from branches import audit
from branches.listing import render_list
from branches.lists import AUDIT, AUDIT_WITHOUT_NUMBERS
from branches.models import AuditEntry
from branches.permissions import Action, can, requires
from branches.registries import confided


@require_http_methods(["GET", "POST"])
@requires(Action.VIEW_AUDIT)
def audit_trail(request: HttpRequest) -> HttpResponse:
    """List the entries in reach, newest first; say how far they are sealed and what the head is.

    Who plans talks is not to count them here: entries about them are left out, and with them what would tell how many
    there are or that there is a new one (numbers of entries, how many are sealed, the head of the chain).
    """
    entries = AuditEntry.objects.within(request.scope)  # type: ignore[attr-defined]
    if can(request.user, Action.MANAGE_INTERVIEWS):
        facts = ["记录访谈、交办问题和紧急上报的条目只有审计员看得到，编号、封存条数和链首也由审计员核对"]
        return render_list(request, AUDIT_WITHOUT_NUMBERS, entries.without(confided()), context={"facts": facts})
    sealed, head = audit.head()
    facts = [f"已封存 {sealed} 条", f"链首 {head[:20]}"] if sealed else ["还没有封存"]
    return render_list(request, AUDIT, entries, context={"facts": facts})
