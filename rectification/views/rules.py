"""What the office fixes about a campaign's rectification: dates, the meeting, reminders, categories."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from branches import clock
from branches.models import Campaign
from branches.permissions import Action, account_of, enforce, get_or_404, requires, scope
from branches.versions import ConflictError
from grading.services.errors import RefusedError
from rectification.forms.rules import RulesForm, lines_of
from rectification.models import YearClosing
from rectification.services.settings import rules_of, save_rules, save_words


@require_safe
@requires(Action.MANAGE_RECTIFICATION)
def rules_index(request: HttpRequest) -> HttpResponse:
    """Open the rules of the newest campaign; without one say where to begin."""
    newest = Campaign.objects.within(request.scope).first()  # type: ignore[attr-defined]
    if newest is not None:
        return redirect("rectification-rules", newest.pk)
    return render(request, "rectification/rules.html", {"campaign": None})


@require_http_methods(["GET", "POST"])
@requires(Action.MANAGE_RECTIFICATION)
def rules(request: HttpRequest, pk: int) -> HttpResponse:
    """Show and change the rules of a campaign; what is wrong is said and what was typed stays."""
    campaign: Campaign = get_or_404(Campaign.objects.all(), scope(request.user, Action.VIEW_CAMPAIGN), pk=pk)
    enforce(request, Action.MANAGE_RECTIFICATION, campaign)
    present = rules_of(campaign)
    form = RulesForm(request.POST or None, initial=RulesForm.start(present))
    if request.method == "POST" and form.is_valid() and _saved(request, campaign, form):
        messages.success(request, "已保存，未办结项目的期限和提示日期已跟着更新。")
        return redirect("rectification-rules", campaign.pk)
    context = {
        "campaign": campaign,
        "form": form,
        "stored": present.pk is not None,
        "closed": YearClosing.objects.filter(campaign=campaign).exists(),
        "others": Campaign.objects.within(request.scope).exclude(pk=campaign.pk)[:5],  # type: ignore[attr-defined]
    }
    return render(request, "rectification/rules.html", context, status=422 if form.errors else 200)


def _saved(request: HttpRequest, campaign: Campaign, form: RulesForm) -> bool:
    """Save rules and words together; what is refused goes to its field."""
    by, now, data = account_of(request), clock.now(), form.cleaned_data
    try:
        with transaction.atomic():
            save_words(
                by=by, campaign=campaign, now=now,
                categories=lines_of(data["categories"]), dimensions=lines_of(data["dimensions"]),
            )  # fmt: skip
            save_rules(by=by, rules=rules_of(campaign), version=data["version"], values=form.values(), now=now)
    except RefusedError as error:
        for sentence in error.sentences:
            field = next((name for name, text in error.fields.items() if text == sentence), None)
            form.add_error(field, sentence)
    except ConflictError:
        form.add_error(None, "规则刚被他人修改过，您填的还在下面；请在新窗口打开核对，再刷新本页重填。")
    return not form.errors
