"""One talk: what is known about it, the text behind a button, who read it, who may, and what came of it."""

import datetime as dt
from typing import Any

from django.contrib import messages
from django.db.models import OuterRef, Subquery
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST, require_safe

from branches import clock, wording
from branches.models import Account
from branches.permissions import Action, account_of, requires
from branches.versions import ConflictError
from interviews.forms.talks import ReaderForm, TalkForm
from interviews.models import FollowUp, Interview, InterviewSubject, Reader, RosterEntry
from interviews.people import accounts_with
from interviews.services import erasure, interviews, readers
from interviews.services.errors import NotReadableError, RefusedError
from interviews.services.interviews import Read
from interviews.views.shared import choices, day_after, is_own, names_of, own_or_404, refusal, visible_or_404, who

LISTED = 500


def _context(request: HttpRequest, interview: Interview) -> dict[str, Any]:
    account, now = account_of(request), clock.now()
    own = is_own(account, interview)
    planned = FollowUp.objects.of(interview.interviewer).planned().filter(entry=OuterRef("entry"))
    subjects = interview.subjects.select_related("entry__person", "entry__class_group").annotate(
        planned_on=Subquery(planned.values("due_on")[:1])
    )
    named = interview.record.readers.select_related("account__person", "granted_by__person")
    granted = None if own else named.in_force(now).filter(account=account).first()
    return {
        "interview": interview,
        "own": own,
        "subjects": subjects.order_by("entry__person__initials", "pk"),
        "who": who(names_of(interview)),
        "topics": interview.topics.all(),
        "groups": interview.focus_groups.all(),
        "readers": [(row, _standing(row, now), _last_day(row)) for row in named] if own else [],
        "granted": granted,
        "granted_to": _last_day(granted) if granted else None,
        "readings": _readings(interview) if own else [],
        "versions": interview.record.versions.select_related("written_by__person").order_by("-number"),
        "matters": interview.matters.select_related("category", "owner__person") if own else [],
        "follow_ups": interview.follow_ups.select_related("entry__person", "done_by") if own else [],
        "reader_form": ReaderForm(accounts=_readers_for(account)) if own else None,
        "today": now.date(),
    }


def _standing(row: Reader, now: dt.datetime) -> tuple[str, str]:
    if row.revoked_at:
        return "todo", "已收回"
    return ("ok", "有效") if row.until > now else ("todo", "已到期")


def _last_day(row: Reader) -> dt.date:
    """Return the last day on which a reader may read."""
    return wording.last_day(timezone.localtime(row.until))


def _readings(interview: Interview) -> Any:
    return interview.record.readings.select_related("by__person")[:50]


def _readers_for(account: Account) -> Any:
    return accounts_with(Action.READ_INTERVIEW).exclude(pk=account.pk)


@requires(Action.READ_INTERVIEW)
@require_safe
def interview_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a talk without its text: that opens by a button, because opening is recorded."""
    interview = visible_or_404(request, pk)
    return render(request, "interviews/interview.html", _context(request, interview))


@requires(Action.READ_INTERVIEW)
@sensitive_variables()
@require_POST
def interview_read(request: HttpRequest, pk: int) -> HttpResponse:
    """Open the text, the newest version or an earlier one, and note who did; who may not is noted too."""
    rows = Interview.objects.select_related("record", "campaign", "unit", "interviewer__person", "channel", "notice")
    return _opened(request, get_object_or_404(rows, pk=pk), _number(request.POST.get("number")) or None)


@sensitive_variables()
def _opened(request: HttpRequest, interview: Interview, wanted: int | None) -> HttpResponse:
    """Show a talk with its text, which is noted: as asked for by a button, or once after it was written anew."""
    found: dict[str, Any] = {}
    status = 200
    try:
        opened = interviews.read_interview(by=account_of(request), interview=interview, version=wanted, now=clock.now())
    except NotReadableError as error:
        raise Http404 from error
    except RefusedError as error:
        found["errors"], status = error.sentences, 422
    else:
        found["opened"] = opened
        if is_own(account_of(request), interview) and opened.version == interview.record.version:
            found |= _amendable(interview, opened)
    context = _context(request, interview) | found
    return render(request, "interviews/interview.html", context, status=status)


@sensitive_variables()
def _amendable(interview: Interview, opened: Read) -> dict[str, Any]:
    """Return what the form of an amendment begins with: the talk as it was read."""
    chosen = QueryDict(mutable=True)
    chosen["channel"] = str(interview.channel_id)
    chosen.setlist("topics", [str(topic.pk) for topic in opened.topics])
    chosen.setlist("groups", [str(group.pk) for group in opened.focus_groups])
    entries = [row.entry for row in interview.subjects.select_related("entry__person")]
    return {
        "picked": entries,
        "choices": choices(interview.campaign, chosen, {entry.kind for entry in entries}),
        "consents": Interview.Consent.choices,
        "notice": interview.notice,
        "version": interview.version,
        "values": {
            "held_on": interview.held_on.isoformat(),
            "mode": "one" if interview.one_to_one else "group",
            "consent": interview.consent,
            "place": opened.place,
            "text": opened.text,
            "problems": opened.problems,
        },
    }


@requires(Action.RECORD_INTERVIEW)
@sensitive_post_parameters("text", "problems", "place", "groups", "topics")
@sensitive_variables()
@require_POST
def interview_amend(request: HttpRequest, pk: int) -> HttpResponse:
    """Write a talk anew and show it; earlier versions stay. A background request gets JSON that says how to open it."""
    interview, account, now = own_or_404(request, pk), account_of(request), clock.now()
    people = RosterEntry.objects.filter(talks__interview=interview)
    form = TalkForm(request.POST, campaign=interview.campaign, people=people, today=now.date())
    wants_json = "application/json" in request.headers.get("Accept", "")
    if form.is_valid():
        try:
            interviews.amend(
                by=account, interview=interview, version=_number(request.POST.get("version")),
                talk=form.talk(interview.notice), now=now,
            )  # fmt: skip
        except RefusedError as error:
            form.refused(error)
        except ConflictError:
            form.add_error(None, "这次访谈已有更新的版本，也可能刚才已经保存成功。请重新打开内容核对。")
        else:
            messages.success(request, "已保存新的版本，原来的版本保留。")
            if wants_json:
                url = reverse("interview-read", args=[interview.pk])
                return JsonResponse({"who": "新的版本", "open": url})
            return _opened(request, own_or_404(request, pk), None)
    if wants_json:
        return JsonResponse({"errors": form.faults()}, status=422)
    context = _context(request, interview) | {"errors": [fault["text"] for fault in form.faults()]}
    return render(request, "interviews/interview.html", context | _posted(request, interview), status=422)


@sensitive_variables()
def _posted(request: HttpRequest, interview: Interview) -> dict[str, Any]:
    """Return the form of an amendment as it was sent, so that nothing typed is lost."""
    entries = [row.entry for row in interview.subjects.select_related("entry__person")]
    names = ("held_on", "mode", "consent", "place", "text", "problems")
    return {
        "amending": True,
        "picked": entries,
        "choices": choices(interview.campaign, request.POST, {entry.kind for entry in entries}),
        "consents": Interview.Consent.choices,
        "notice": interview.notice,
        "version": _number(request.POST.get("version")),
        "values": {name: request.POST.get(name, "") for name in names},
    }


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0


@requires(Action.RECORD_INTERVIEW)
@require_POST
def reader_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Name a reader with a reason and an end."""
    interview, account = own_or_404(request, pk), account_of(request)
    form = ReaderForm(request.POST, accounts=_readers_for(account))
    if form.is_valid():
        given = form.cleaned_data
        try:
            readers.grant_reader(
                by=account, record=interview.record, account=given["account"], reason=given["reason"].strip(),
                until=day_after(given["until"]), now=clock.now(),
            )  # fmt: skip
        except RefusedError as error:
            refusal(form, error)
        else:
            messages.success(request, f"{given['account'].get_full_name()}可以查看这次访谈，查看会留下记录。")
            return redirect("interview", interview.pk)
    context = _context(request, interview) | {"reader_form": form}
    return render(request, "interviews/interview.html", context, status=422 if form.errors else 200)


@requires(Action.RECORD_INTERVIEW)
@require_POST
def reader_end(request: HttpRequest, pk: int, reader: int) -> HttpResponse:
    """Take the access of a reader back."""
    interview = own_or_404(request, pk)
    row = get_object_or_404(interview.record.readers, pk=reader)
    try:
        readers.revoke_reader(by=account_of(request), reader=row, now=clock.now())
    except RefusedError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{row.account.get_full_name()}不能再看这次访谈。")
    return redirect("interview", interview.pk)


@requires(Action.RECORD_INTERVIEW)
@require_POST
def interview_erase(request: HttpRequest, pk: int) -> HttpResponse:
    """Destroy the text of one's own talk at the person's request, or take a talk back that was entered by mistake."""
    interview, account, now = own_or_404(request, pk), account_of(request), clock.now()
    try:
        if request.POST.get("cause") == "mistake":
            interviews.withdraw(by=account, interview=interview, now=now)
            said = "这次访谈已撤回，不再计入，正文已清除。"
        else:
            erasure.erase(by=account, record=interview.record, cause="request", now=now)
            said = "正文已清除，密钥已销毁，不能恢复。谈过的次数仍然计入。"
    except RefusedError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, said)
    return redirect("interview", interview.pk)


@requires(Action.READ_INTERVIEW)
@require_safe
def shared_interviews(request: HttpRequest) -> HttpResponse:
    """List the talks one was named a reader of: open ones first, then those whose time is over."""
    account, now = account_of(request), clock.now()
    rows = Reader.objects.filter(account=account, record__kind="interview").select_related(
        "record__interview__interviewer__person", "record__interview__channel", "granted_by__person"
    )
    now_open, over = rows.in_force(now)[:LISTED], rows.exclude(pk__in=rows.in_force(now).values("pk"))[:LISTED]
    names = _subjects([row.record.interview.pk for row in now_open])
    context = {
        "open": [(row, _last_day(row), who(names.get(row.record.interview.pk, []))) for row in now_open],
        "over": [(row, _standing(row, now), _last_day(row)) for row in over],
    }
    return render(request, "interviews/shared.html", context)


def _subjects(talks: list[int]) -> dict[int, list[str]]:
    """Return whom these talks were with."""
    rows = InterviewSubject.objects.filter(interview__in=talks).order_by("entry__person__initials", "pk")
    found: dict[int, list[str]] = {}
    for talk, name in rows.values_list("interview", "entry__person__name"):
        found.setdefault(talk, []).append(name)
    return found
