"""细则: a 党总支 refines the items of its rubrics before 自评, publishes, takes over those of the last round."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from branches import clock
from branches.models import Branch
from branches.permissions import Action, account_of, can, requires
from branches.versions import ConflictError
from grading import rules
from grading.forms.guidance import GuidanceForm, typed
from grading.models import Criterion, LocalGuidance, Round, Rubric, Section
from grading.scoring.counting import allowed_modes
from grading.services import guidance
from grading.services.errors import RefusedError


@dataclass(slots=True)
class Line:
    """One item on the overview: what is in force, what is drafted."""

    item: Criterion
    published: LocalGuidance | None
    draft: LocalGuidance | None

    @property
    def said(self) -> LocalGuidance | None:
        """What the overview shows: the draft before what is in force."""
        return self.draft or (self.published if self.published and not self.published.empty else None)


@dataclass(slots=True)
class Part:
    """One section of a rubric with its lines."""

    section: Section
    lines: list[Line]


def _round(pk: int) -> Round:
    return get_object_or_404(Round.objects.select_related("campaign__root").prefetch_related("steps", "rubrics"), pk=pk)


def _parents(request: HttpRequest, round_: Round) -> list[Branch]:
    """Return the 党总支 whose 细则 this account may look at; 404 when there is none."""
    found = guidance.parents(round_, request.scope, clock.today())  # type: ignore[attr-defined]
    if not found:
        raise Http404
    return found


def _parent(request: HttpRequest, round_: Round, pk: int) -> Branch:
    found = next((row for row in _parents(request, round_) if row.pk == pk), None)
    if found is None:
        raise Http404
    return found


def _title(parent: Branch) -> str:
    """Return the name of a 党总支; the committee stands for its 直属党支部."""
    name: str = parent.name  # type: ignore[attr-defined]
    return name if parent.level == Branch.Level.GENERAL_BRANCH else f"{name}（直属党支部）"


def _parts(rubric: Rubric, published: dict[int, LocalGuidance], drafts: dict[int, LocalGuidance]) -> list[Part]:
    return [
        Part(
            section,
            [
                Line(item, published.get(item.pk), drafts.get(item.pk))
                for item in section.criteria.all()
                if item.kind != Criterion.Kind.VETO
            ],
        )
        for section in rubric.sections.all()
    ]


def _rows(round_: Round, parent: Branch) -> tuple[dict[int, LocalGuidance], dict[int, LocalGuidance]]:
    """Return what is in force and what is drafted, by item."""
    rows = LocalGuidance.objects.filter(round=round_, parent=parent).order_by("version")
    published = {row.criterion_id: row for row in rows if row.state == LocalGuidance.State.PUBLISHED}
    return published, {row.criterion_id: row for row in rows if row.state == LocalGuidance.State.DRAFT}


@requires(Action.DRAFT_GUIDANCE)
@require_GET
def overview(request: HttpRequest, pk: int) -> HttpResponse:
    """Show every item of the rubrics of one 党总支 with its 细则."""
    round_ = _round(pk)
    parents = _parents(request, round_)
    wanted = request.GET.get("parent", "")
    parent = next((row for row in parents if str(row.pk) == wanted), parents[0])
    published, drafts = _rows(round_, parent)
    closed = guidance.why_closed(round_, clock.today())
    rubrics = guidance.rubrics_of(round_, parent.pk, clock.today())
    context = {
        "round": round_,
        "choices": [(row.pk, _title(row)) for row in parents],
        "parent": parent,
        "title": _title(parent),
        "rubrics": [(rubric, _parts(rubric, published, drafts)) for rubric in rubrics],
        "in_force": sum(not row.empty for row in published.values()),
        "drafts": len(drafts),
        "closed": closed,
        "last_day": guidance.last_day(round_),
        "may_publish": bool(can(request.user, Action.PUBLISH_GUIDANCE, parent)),
        "last": None if closed else guidance.last_round_with(round_, parent.pk),
    }
    return render(request, "grading/guidance.html", context)


def _back(round_: Round, parent: Branch) -> str:
    return f"{reverse('guidance', args=[round_.pk])}?parent={parent.pk}"


def _items(round_: Round, parent: Branch) -> list[Criterion]:
    """Return every item a 细则 may be written for, in order."""
    return [
        item
        for rubric in guidance.rubrics_of(round_, parent.pk, clock.today())
        for section in rubric.sections.all()
        for item in section.criteria.all()
        if item.kind != Criterion.Kind.VETO
    ]


@requires(Action.DRAFT_GUIDANCE)
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, pk: int, parent: int, criterion: int) -> HttpResponse:
    """Write the 细则 of one item; POST saves the draft and goes on to the next item, or throws it away (`do=drop`)."""
    round_ = _round(pk)
    owner = _parent(request, round_, parent)
    items = _items(round_, owner)
    place = next((n for n, item in enumerate(items) if item.pk == criterion), None)
    if place is None:
        raise Http404
    item, published, drafts = items[place], *_rows(round_, owner)
    draft = drafts.get(item.pk)
    if request.method == "POST" and request.POST.get("do") == "drop" and draft is not None:
        guidance.drop_draft(by=account_of(request), guidance=draft)
        messages.success(request, f"{item.code} 的草稿已删除。")
        return redirect(_back(round_, owner))
    modes = allowed_modes(rules.criterion_rule(item))
    shown = draft or published.get(item.pk)
    form = GuidanceForm(request.POST or None, initial=typed(shown), modes=modes)
    following = items[place + 1] if place + 1 < len(items) else None
    if request.method == "POST" and form.is_valid() and _save(request, (round_, owner, item), form):
        if request.POST.get("do") == "next" and following is not None:
            return redirect("guidance-edit", round_.pk, owner.pk, following.pk)
        return redirect(_back(round_, owner))
    context = {
        "round": round_,
        "parent": owner,
        "title": _title(owner),
        "item": item,
        "form": form,
        "draft": draft,
        "published": published.get(item.pk),
        "edits": request.POST.get("edits") or (draft.edits if draft else 0),
        "following": following,
        "only_text": len(modes) == 1,
        "closed": guidance.why_closed(round_, clock.today()),
        "back": _back(round_, owner),
    }
    return render(request, "grading/guidance_edit.html", context, status=422 if form.errors else 200)


def _save(request: HttpRequest, where: tuple[Round, Branch, Criterion], form: GuidanceForm) -> bool:
    """Save the draft; on a refusal the form keeps what was typed and says why."""
    round_, owner, item = where
    edits = request.POST.get("edits", "0")
    data: dict[str, Any] = form.cleaned_data
    try:
        guidance.save(
            by=account_of(request), round_=round_, parent=owner, criterion=item, text=data["text"], mode=data["mode"],
            options=data["options"], edits=int(edits) if edits.isascii() and edits.isdigit() else 0, now=clock.now(),
        )  # fmt: skip
    except RefusedError as error:
        for sentence in error.sentences:
            form.add_error(None, sentence)
        return False
    except ConflictError:
        form.add_error(None, "这一条的草稿刚被他人改过。请另开一页看过新内容，再把您的改动填进去。")
        return False
    messages.success(request, f"{item.code} 的细则已存为草稿，发布后支部才能看到。")
    return True


@requires(Action.PUBLISH_GUIDANCE)
@require_POST
def publish(request: HttpRequest, pk: int, parent: int) -> HttpResponse:
    """Publish every draft of one 党总支."""
    round_ = _round(pk)
    owner = _parent(request, round_, parent)
    try:
        done = guidance.publish(by=account_of(request), round_=round_, parent=owner, now=clock.now())
    except RefusedError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"已发布细则 {done} 条，支部在自评表的条目下面能看到。")
    return redirect(_back(round_, owner))


@requires(Action.DRAFT_GUIDANCE)
@require_POST
def copy_last(request: HttpRequest, pk: int, parent: int) -> HttpResponse:
    """Take over the 细则 of the last round as drafts."""
    round_ = _round(pk)
    owner = _parent(request, round_, parent)
    try:
        copied, left = guidance.copy_last(by=account_of(request), round_=round_, parent=owner, now=clock.now())
    except RefusedError as error:
        messages.error(request, str(error))
    else:
        more = f"，{left} 条因条目变了或已有细则没有沿用" if left else ""
        messages.success(request, f"已沿用 {copied} 条，存为草稿{more}。")
    return redirect(_back(round_, owner))
