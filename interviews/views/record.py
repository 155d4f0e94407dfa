"""My list, and recording a talk: a page that sends itself in the background and keeps nothing."""

import datetime as dt
import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from branches import clock
from branches.listing import render_list
from branches.models import Campaign
from branches.permissions import Action, account_of, requires
from interviews.forms.talks import FOLLOW_DAYS, TalkForm
from interviews.lists_record import MINE, TALKS
from interviews.mine import for_page, my_entries, tally
from interviews.models import FollowUp, Interview, Notice, RosterEntry
from interviews.services import talks
from interviews.services.errors import RefusedError
from interviews.views.shared import choices, my_campaign, names_of, who

PAGE_LIMIT = 2000


@requires(Action.RECORD_INTERVIEW)
@require_http_methods(["GET", "POST"])
def my_interviewees(request: HttpRequest) -> HttpResponse:
    """List whom I am to talk with, late ones first; ticked people go to the entry page together."""
    account, day = account_of(request), clock.today()
    campaign, mine = my_campaign(request)
    rows = my_entries(account, campaign, day) if campaign else RosterEntry.objects.none()
    context = {
        "campaign": campaign,
        "campaigns": mine,
        "tally": tally(account, campaign, day) if campaign else None,
        "page": MINE,
    }
    if campaign is None:
        return render(request, "interviews/mine_empty.html", context)
    return render_list(request, MINE, rows, template="interviews/mine.html", context=context)


@requires(Action.RECORD_INTERVIEW)
@require_POST
def pick(request: HttpRequest) -> HttpResponse:
    """Take the ticked people of my list to the entry page."""
    picked = [key for key in request.POST.getlist("pick") if key.isascii() and key.isdigit()]
    if not picked:
        messages.error(request, "请先在名单里勾选。")
        return redirect("my-interviewees")
    chosen = QueryDict(mutable=True)
    chosen.setlist("person", picked[:200])
    return redirect(f"{reverse('interview-new')}?{chosen.urlencode()}")


@requires(Action.RECORD_INTERVIEW)
@sensitive_post_parameters("text", "problems", "place", "groups", "topics")
@sensitive_variables()
@require_http_methods(["GET", "POST"])
def interview_new(request: HttpRequest) -> HttpResponse:
    """Record a talk. A background request gets JSON: what was taken, or what to put right."""
    campaign, _ = my_campaign(request)
    if campaign is None:
        return render(request, "interviews/mine_empty.html", {"campaign": None})
    if request.method == "POST":
        return _taken(request, campaign)
    return _page(request, campaign, None)


def _wants_json(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")


@sensitive_variables()
def _taken(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """Record what was posted, once however often it comes."""
    account, now = account_of(request), clock.now()
    if request.POST.get("account") not in (None, "", str(account.pk)):
        text = "现在登录的是另一个账号，这条没有送出。请用记录时的账号重新登录。"
        return JsonResponse({"error": text}, status=403)
    people = my_entries(account, campaign, now.date())
    form = TalkForm(request.POST, campaign=campaign, people=people, today=now.date())
    notice = Notice.objects.current(campaign)
    if notice is None:
        form.add_error(None, "还没有发布告知书，暂时不能记录，请联系活动办公室。")
    if notice is not None and form.is_valid():
        given = form.cleaned_data
        entered = talks.Entered(given["client_id"], form.talk(notice), given["follow_due"])
        try:
            taken = talks.record(by=account, campaign=campaign, entered=entered, now=now)
        except RefusedError as error:
            form.refused(error)
        else:
            return _answer(request, taken)
    if _wants_json(request):
        return JsonResponse({"errors": form.faults()}, status=422)
    return _page(request, campaign, form)


def _answer(request: HttpRequest, taken: Interview) -> HttpResponse:
    url = reverse("interview", args=[taken.pk])
    name = who(names_of(taken))
    if _wants_json(request):
        return JsonResponse({"who": name, "url": url})
    messages.success(request, f"已记下 {name}")
    return redirect(url)


@sensitive_variables()
def _page(request: HttpRequest, campaign: Campaign, form: TalkForm | None) -> HttpResponse:
    """Draw the entry page; everything it needs to go on without a connection lies in it."""
    account, day = account_of(request), clock.today()
    posted = request.POST if form is not None else request.GET
    listed = list(my_entries(account, campaign, day)[:PAGE_LIMIT])
    wanted = set(posted.getlist("people") or posted.getlist("person"))
    follow_up = FollowUp.objects.of(account).planned().filter(pk=_number(posted.get("follow_up"))).first()
    if follow_up is not None:
        wanted.add(str(follow_up.entry_id))
    context = {
        "campaign": campaign,
        "people": for_page(listed),
        "picked": [row for row in listed if str(row.pk) in wanted],
        "choices": choices(campaign, posted, {row.kind for row in listed}),
        "values": {
            "client_id": posted.get("client_id") or str(uuid.uuid4()),
            "held_on": posted.get("held_on") or day.isoformat(),
            "mode": posted.get("mode") or ("group" if len(wanted) > 1 else "one"),
            **{name: posted.get(name, "") for name in ("consent", "place", "text", "problems", "follow", "follow_on")},
        },
        "errors": form.faults() if form is not None else [],
        "days": [("今天", day.isoformat()), ("昨天", (day - dt.timedelta(days=1)).isoformat())],
        "follow_days": FOLLOW_DAYS,
        "follow_up": follow_up,
        "notice": Notice.objects.current(campaign),
        "consents": Interview.Consent.choices,
    }
    return render(request, "interviews/new.html", context, status=422 if form is not None else 200)


@requires(Action.RECORD_INTERVIEW)
@require_http_methods(["GET", "POST"])
def my_talks(request: HttpRequest) -> HttpResponse:
    """List the talks I recorded."""
    rows = Interview.objects.filter(interviewer=account_of(request)).select_related("channel", "record")
    rows = rows.prefetch_related("subjects__entry__person")
    return render_list(request, TALKS, rows, template="interviews/talks.html")


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else 0
