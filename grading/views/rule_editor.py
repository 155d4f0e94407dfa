"""Writing the rules of a round in plain words, part by part, with a sample branch worked through them beside."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from branches.permissions import Action, account_of, enforce, requires
from grading import contents, preset_text, worked_example
from grading.forms import rule_parts, rules
from grading.forms.rule_sections import BY_CODE, PARTS, Part
from grading.models import Round
from grading.presets import Content
from grading.services import round_rules
from grading.services.errors import RefusedError
from grading.views.shared import Fault, posted_version, round_or_404


@dataclass(slots=True)
class Page:
    """One part of the rules as a person sees it: what is typed, what stands, what is wrong."""

    round: Round
    part: Part
    stored: Content
    row: rules.Row
    version: int
    faults: list[Fault]

    @property
    def entry(self) -> Content:
        """The rules as they would be with what is typed, as far as it can be read."""
        return self.stored | rule_parts.changes_from(self.part, self.row, self.stored).content


def _part_or_404(code: str) -> Part:
    if code not in BY_CODE:
        raise Http404
    return BY_CODE[code]


def _typed(request: HttpRequest, part: Part) -> rules.Row:
    posted: Mapping[str, str] = request.POST.dict()  # type: ignore[assignment]
    return rules.typed_row(posted, rule_parts.columns_of(part), part.tables, "")


@requires(Action.MANAGE_ROUND)
@require_http_methods(["GET", "POST"])
def rule_editor(request: HttpRequest, pk: int, part: str) -> HttpResponse:
    """Show or save one part of the rules of a round in preparation."""
    round_ = round_or_404(request, pk)
    enforce(request, Action.MANAGE_ROUND, round_)
    chosen = _part_or_404(part)
    if round_.state != Round.State.PREPARING:
        messages.warning(request, "本轮已经开始，规则不再改动。")
        return redirect("round-rules", round_.pk)
    stored = contents.of_round(round_)
    if request.method == "GET":
        row = rule_parts.typed_from(chosen, stored)
        return _draw(request, Page(round_, chosen, stored, row, round_.version, []))
    page = Page(round_, chosen, stored, _typed(request, chosen), posted_version(request), [])
    command = request.POST.get("do", "save")
    if command not in ("save", "next"):
        rules.operate(page.row, chosen.tables, command)
        return _draw(request, page)
    status = _save(request, page)
    if status:
        return _draw(request, page, status)
    messages.success(request, f"{chosen.title}已保存。")
    return redirect("rule-editor", round_.pk, _next(chosen).code if command == "next" else chosen.code)


def _next(part: Part) -> Part:
    place = PARTS.index(part) + 1
    return PARTS[place] if place < len(PARTS) else part


def _save(request: HttpRequest, page: Page) -> int:
    """Save what was typed; return the status of a refusal, 0 when it is stored. Everything typed stays on the page."""
    changes = rule_parts.changes_from(page.part, page.row, page.stored)
    if changes.faults:
        page.faults = [Fault(text, target) for target, text in changes.faults]
        return 422
    try:
        round_rules.change_rules(
            by=account_of(request), round_=page.round, version=page.version, changes=changes.content
        )
    except round_rules.StaleError as error:
        page.faults = [Fault(text) for text in error.sentences]
        page.version = Round.objects.values_list("version", flat=True).get(pk=page.round.pk)
        return 409
    except RefusedError as error:
        page.faults = [Fault(text) for text in error.sentences]
        return 422
    return 0


def _draw(request: HttpRequest, page: Page, status: int = 200) -> HttpResponse:
    """Draw the editor: parts, form, sample."""
    row, part = page.row, page.part
    choices = rule_parts.choices_for(page.stored if part.code != "grades" else page.entry)
    columns = rule_parts.columns_of(part)
    parts = [(one, *rule_parts.summary_of(one, page.stored)) for one in PARTS]
    context = {
        "round": page.round,
        "part": part,
        "parts": parts,
        "next_part": _next(part) if _next(part) is not part else None,
        "cells": rules.cells(row, columns, "", choices),
        "tables": rules.drawn(row, part.tables, "", choices),
        "version": page.version,
        "errors": page.faults,
        **_example(page, request.POST.dict() if request.method == "POST" else {}),  # type: ignore[dict-item]
    }
    return render(request, "grading/rules/editor.html", context, status=status)


def _example(page: Page, typed: Mapping[str, str]) -> dict[str, Any]:
    """Return the sample branch and what is wrong with the rules as they stand typed."""
    faults = rule_parts.changes_from(page.part, page.row, page.stored).faults
    if faults:
        return {"example": None, "unread": [text for _, text in faults]}
    entry = page.entry
    checked = round_rules.check(entry, round_rules.rubrics_of(page.round))
    example = worked_example.work(contents.rules_of(entry), typed)
    return {"example": example, "checked": checked, "grade_count": len(entry["grades"])}


@requires(Action.MANAGE_ROUND)
@require_POST
def rule_try(request: HttpRequest, pk: int, part: str) -> HttpResponse:
    """Work the sample through what is typed just now; nothing is stored."""
    round_ = round_or_404(request, pk)
    enforce(request, Action.MANAGE_ROUND, round_)
    chosen = _part_or_404(part)
    page = Page(round_, chosen, contents.of_round(round_), _typed(request, chosen), round_.version, [])
    posted: Mapping[str, str] = request.POST.dict()  # type: ignore[assignment]
    return render(request, "grading/rules/_result.html", {"round": round_, **_example(page, posted)})


@requires(Action.MANAGE_ROUND)
@require_GET
def rule_file(request: HttpRequest, pk: int) -> HttpResponse:
    """Hand out the rules of a round as a preset file."""
    round_ = round_or_404(request, pk)
    enforce(request, Action.MANAGE_ROUND, round_)
    text = preset_text.write(contents.campaign_content(round_))
    response = HttpResponse(text, content_type="application/toml; charset=utf-8")
    name = f"{round_.campaign.name}{round_.name}规则.toml"
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name) or ""
    return response
