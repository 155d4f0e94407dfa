"""Opening a campaign from a preset: choose the notice, move its dates, look them over, open."""

import datetime as dt
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from branches import clock
from branches.models import Branch, Campaign
from branches.permissions import Action, account_of, enforce, requires
from branches.services.campaigns import DatesRefused
from grading import contents
from grading.forms.campaigns import OpenCampaignForm, first_day
from grading.models import Preset
from grading.presets import PresetError, PresetFile, read_path, read_text
from grading.services.campaigns import open_from_preset
from grading.services.errors import RefusedError
from grading.services.presets import load_files, load_preset

LARGEST_FILE = 512 * 1024
MOST_FILES = 12
PAST = "campaign-"  # how ?preset= names a campaign to take over


def shipped() -> dict[str, Path]:
    """Return the notice families that come with the product, by the name of their directory."""
    found = (Path(settings.BASE_DIR) / "presets").glob("*/campaign.toml")
    return {path.parent.name: path.parent for path in sorted(found)}


def _offered(loaded: Iterable[Preset]) -> list[tuple[str, str]]:
    """Return name and title of the families that may still be loaded."""
    known = {preset.code for preset in loaded}
    titles = {name: str(read_path(path)[-1].content["title"]) for name, path in shipped().items() if name not in known}
    return list(titles.items())


def _roots(request: HttpRequest) -> list[tuple[int, str]]:
    """Return the nodes at which the account may hold a campaign."""
    reach = request.scope  # type: ignore[attr-defined]
    nodes = Branch.objects.filter(pk__in=reach.roots).exclude(level=Branch.Level.BRANCH).as_of(clock.today())
    return [(node.pk, node.name) for node in nodes]  # type: ignore[attr-defined]


def _start(request: HttpRequest, preset: Preset) -> dt.date:
    """Return the day asked for, else the preset's own first day, a year later where a campaign is taken over."""
    try:
        return dt.date.fromisoformat(request.GET.get("start", ""))
    except ValueError:
        first = first_day(preset)
        return first if preset.pk else _a_year_later(first)


def _a_year_later(day: dt.date) -> dt.date:
    leap = (day.month, day.day) == (2, 29)
    return day.replace(year=day.year + 1, day=day.day - leap)


def _past(request: HttpRequest) -> dict[str, Campaign]:
    """Return the campaigns that may be taken over, by what ?preset= calls them."""
    found = Campaign.objects.within(request.scope).exclude(rounds=None)  # type: ignore[attr-defined]
    return {f"{PAST}{campaign.pk}": campaign for campaign in found}


def _as_preset(campaign: Campaign) -> Preset:
    """Return a campaign as it stands in the shape of a preset; it is stored nowhere."""
    version = int(campaign.preset_version) if campaign.preset_version.isdigit() else 1
    return Preset(
        code=campaign.preset_code, version=version, title=campaign.name, content=contents.of_campaign(campaign)
    )


@require_http_methods(["GET", "POST"])
@requires(Action.MANAGE_CAMPAIGN)
def campaign_open(request: HttpRequest) -> HttpResponse:
    """Open a campaign from the preset or the campaign named in ?preset=, its dates moved to ?start=."""
    presets = list(Preset.objects.newest())
    wanted = request.GET.get("preset", "")
    past = _past(request)
    preset = next((one for one in presets if str(one.pk) == wanted), presets[0] if presets else None)
    if wanted in past or (preset is None and past):
        wanted = wanted if wanted in past else next(iter(past))
        preset = _as_preset(past[wanted])
    if preset is None:
        return render(request, "grading/campaign_open_empty.html", {"shipped": _offered(())})
    start = _start(request, preset)
    form = OpenCampaignForm(request.POST or None, preset=preset, start=start, roots=_roots(request))
    if request.method == "POST" and form.is_valid():
        root = get_object_or_404(Branch, pk=form.cleaned_data["root"])
        enforce(request, Action.MANAGE_CAMPAIGN, root)
        try:
            campaign = open_from_preset(preset=preset, root=root, opening=form.opening(), by=account_of(request))
        except RefusedError as error:
            for sentence in error.sentences:
                form.add_error(None, sentence)
        except DatesRefused as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"已开展“{campaign.name}”")
            return redirect("campaign", campaign.pk)
    context = {"form": form, "preset": preset, "presets": presets, "start": start, "shipped": _offered(presets)}
    context |= {"past": past.items(), "taken": wanted if preset.pk is None else ""}
    return render(request, "grading/campaign_open.html", context, status=422 if form.is_bound else 200)


@require_POST
@requires(Action.MANAGE_CAMPAIGN)
def preset_load(request: HttpRequest) -> HttpResponse:
    """Load one of the notice families that come with the product."""
    path = shipped().get(request.POST.get("name", ""))
    if path is None:
        raise Http404
    try:
        loaded = load_preset(by=account_of(request), path=path)
    except PresetError as error:
        messages.error(request, "；".join(error.sentences[:3]))
    else:
        messages.success(request, f"已载入 {len(loaded.new)} 项" if loaded.new else "预设没有变化")
    preset = Preset.objects.newest().filter(code=path.name).first()
    return redirect(f"{reverse('campaign-open')}?preset={preset.pk}" if preset else reverse("campaign-open"))


@require_POST
@requires(Action.MANAGE_CAMPAIGN)
def preset_upload(request: HttpRequest) -> HttpResponse:
    """Load preset files a person has, such as the rules of a round another school handed out; all of them or none."""
    try:
        files = _uploaded(request)
        loaded = load_files(by=account_of(request), files=files, now=clock.now())
    except PresetError as error:
        for sentence in error.sentences[:5]:
            messages.error(request, sentence)
        return redirect("campaign-open")
    for sentence in loaded.warnings[:3]:
        messages.warning(request, sentence)
    messages.success(request, f"已载入 {len(loaded.new)} 项" if loaded.new else "预设没有变化")
    codes = [file.code for file in files if file.kind == "campaign"]
    preset = Preset.objects.newest().filter(code__in=codes).first()
    return redirect(f"{reverse('campaign-open')}?preset={preset.pk}" if preset else reverse("campaign-open"))


def _uploaded(request: HttpRequest) -> list[PresetFile]:
    """Read the files sent along, rubrics first. Raises PresetError with what is wrong with them."""
    sent = request.FILES.getlist("files")
    if not sent or len(sent) > MOST_FILES:
        raise PresetError([f"请选择 1 至 {MOST_FILES} 个 .toml 文件。"])
    files, problems = [], []
    for one in sent:
        name = str(one.name)
        if (one.size or 0) > LARGEST_FILE:
            problems.append(f"{name}：文件超过 {LARGEST_FILE // 1024} KB，不像是一份预设。")
            continue
        try:
            files.append(read_text(name, one.read().decode("utf-8-sig")))
        except UnicodeDecodeError:
            problems.append(f"{name}：请存为 UTF-8 编码。")
        except PresetError as error:
            problems += error.sentences
    if problems:
        raise PresetError(problems)
    return sorted(files, key=lambda file: file.kind != "rubric")
