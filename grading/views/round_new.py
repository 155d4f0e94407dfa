"""Starting a round: a campaign from a printed notice without any preset, or a further round of a campaign."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from branches import clock
from branches.models import Account, Branch, Campaign
from branches.permissions import Action, account_of, enforce, get_or_404, requires
from grading.forms.rounds import BLANK, COPY, BlankCampaignForm, NewRoundForm
from grading.models import Round
from grading.services import presets, round_rules
from grading.services.errors import RefusedError


def roots_of(request: HttpRequest) -> list[tuple[int, str]]:
    """Return the nodes at which the account may hold a campaign."""
    reach = request.scope  # type: ignore[attr-defined]
    nodes = Branch.objects.filter(pk__in=reach.roots).exclude(level=Branch.Level.BRANCH).as_of(clock.today())
    return [(node.pk, node.name) for node in nodes]  # type: ignore[attr-defined]


@requires(Action.MANAGE_CAMPAIGN)
@require_http_methods(["GET", "POST"])
def campaign_blank(request: HttpRequest) -> HttpResponse:
    """Open a campaign with nothing but what is typed here; its rules are written on the following pages."""
    roots = roots_of(request)
    initial = {"year": clock.today().year, "root": roots[0][0] if roots else None}
    form = BlankCampaignForm(request.POST or None, roots=roots, initial=initial)
    if request.method == "POST" and form.is_valid():
        root = get_object_or_404(Branch, pk=form.cleaned_data["root"])
        enforce(request, Action.MANAGE_CAMPAIGN, root)
        try:
            made = round_rules.open_blank_campaign(
                by=account_of(request), root=root, plan=form.plan(), round_name=form.cleaned_data["round_name"]
            )
        except RefusedError as error:
            for sentence in error.sentences:
                form.add_error(None, sentence)
        else:
            messages.success(request, f"已开展“{made.campaign.name}”，请照通知填写规则。")
            return redirect("rule-editor", made.pk, "basics")
    return render(request, "grading/campaign_blank.html", {"form": form}, status=422 if form.is_bound else 200)


@requires(Action.MANAGE_ROUND)
@require_http_methods(["GET", "POST"])
def round_new(request: HttpRequest, pk: int) -> HttpResponse:
    """Add a round to a campaign: copied, from the campaign's preset, or blank."""
    campaign = get_or_404(Campaign.objects.select_related("root"), request.scope, pk=pk)  # type: ignore[attr-defined]
    enforce(request, Action.MANAGE_ROUND, campaign)
    rounds = Round.objects.within(request.scope).select_related("campaign")  # type: ignore[attr-defined]
    sources = [(row.pk, f"{row.campaign.name} {row.name}") for row in rounds.order_by("-campaign__year", "-ordinal")]
    form = NewRoundForm(request.POST or None, sources=sources, waiting=_waiting(campaign))
    if request.method == "POST" and form.is_valid():
        try:
            made = _create(account_of(request), campaign, form)
        except RefusedError as error:
            for sentence in error.sentences:
                form.add_error(None, sentence)
        else:
            messages.success(request, f"已建立“{made.name}”，规则可以在开始自评前修改。")
            return redirect("rule-editor", made.pk, "basics")
    context = {"form": form, "campaign": campaign}
    return render(request, "grading/round_new.html", context, status=422 if form.is_bound else 200)


def _waiting(campaign: Campaign) -> list[tuple[int, str]]:
    """Return the rounds of a campaign's preset that are not there yet."""
    there = set(campaign.rounds.values_list("ordinal", flat=True))
    entries = (campaign.preset or {}).get("rounds", [])
    return [(entry["ordinal"], entry["name"]) for entry in entries if entry["ordinal"] not in there]


def _create(by: Account, campaign: Campaign, form: NewRoundForm) -> Round:
    """Create the round a person asked for. Raises RefusedError."""
    given = form.cleaned_data
    if given["origin"] == BLANK:
        return round_rules.blank_round(by=by, campaign=campaign, name=given["name"])
    if given["origin"] == COPY:
        source = get_object_or_404(Round.objects.select_related("campaign", "scale"), pk=given["source"])
        return round_rules.copy_round(by=by, campaign=campaign, source=source, name=given["name"])
    ordinal = int(given["origin"].rpartition("-")[2])
    return presets.create_round_from_preset(by=by, campaign=campaign, ordinal=ordinal)
