"""Evidence files of a branch: adding, citing for another item, dropping, downloading."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET, require_POST

from branches import clock
from branches.permissions import Action, account_of, enforce, get_or_404, requires
from branches.views.stored_file import hand_out
from grading.models import Criterion, Evidence, RoundUnit
from grading.services import evidence
from grading.services.errors import RefusedError
from grading.views.shared import unit_or_404


def _criterion(unit: RoundUnit, pk: int) -> Criterion:
    return get_object_or_404(Criterion, pk=pk, section__rubric_id=unit.rubric_id)


def _fragment(request: HttpRequest, unit: RoundUnit, criterion: Criterion, error: str = "") -> HttpResponse:
    present = list(unit.evidence.present())
    cited = set(criterion.evidence_uses.filter(evidence__unit=unit).values_list("evidence_id", flat=True))
    context = {
        "unit": unit,
        "criterion": criterion,
        "files": [row for row in present if row.pk in cited],
        "citable": [row for row in present if row.pk not in cited],
        "editable": True,
        "error": error,
    }
    return render(request, "grading/_files.html", context)


def _criteria_of(row: Evidence) -> list[Criterion]:
    return list(row.criteria.all())


@requires(Action.FILL_ASSESSMENT)
@require_POST
def add(request: HttpRequest, pk: int, criterion: int) -> HttpResponse:
    """Keep an uploaded file and cite it for an item."""
    unit = unit_or_404(request, pk)
    item = _criterion(unit, criterion)
    enforce(request, Action.FILL_ASSESSMENT, unit)
    upload = request.FILES.get("file")
    if upload is None:
        return _fragment(request, unit, item, "请选择文件。")
    try:
        evidence.add_evidence(
            by=account_of(request),
            unit=unit,
            name=upload.name or "",
            data=upload.read(),
            criteria=[item],
            now=clock.now(),
        )
    except RefusedError as error:
        return _fragment(request, unit, item, str(error))
    return _fragment(request, unit, item)


@requires(Action.FILL_ASSESSMENT)
@require_POST
def cite(request: HttpRequest, pk: int, criterion: int) -> HttpResponse:
    """Cite a file that is there already for another item too."""
    unit = unit_or_404(request, pk)
    item = _criterion(unit, criterion)
    enforce(request, Action.FILL_ASSESSMENT, unit)
    wanted = request.POST.get("cite", "")
    row = get_object_or_404(unit.evidence.present(), pk=int(wanted) if wanted.isdigit() else 0)
    try:
        evidence.cite(by=account_of(request), evidence=row, criteria=[*_criteria_of(row), item])
    except RefusedError as error:
        return _fragment(request, unit, item, str(error))
    return _fragment(request, unit, item)


@requires(Action.FILL_ASSESSMENT)
@require_POST
def drop(request: HttpRequest, pk: int, criterion: int, file: int) -> HttpResponse:
    """Stop citing a file for an item; a file nothing cites is taken off the list."""
    unit = unit_or_404(request, pk)
    item = _criterion(unit, criterion)
    enforce(request, Action.FILL_ASSESSMENT, unit)
    row = get_object_or_404(unit.evidence.present(), pk=file)
    rest = [other for other in _criteria_of(row) if other.pk != item.pk]
    try:
        if rest:
            evidence.cite(by=account_of(request), evidence=row, criteria=rest)
        else:
            evidence.remove_evidence(by=account_of(request), evidence=row, now=clock.now())
    except RefusedError as error:
        return _fragment(request, unit, item, str(error))
    return _fragment(request, unit, item)


@requires(Action.VIEW_GRADING)
@require_GET
def download(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Hand out a file as an attachment that no browser runs."""
    row = get_or_404(Evidence.objects.present(), request.scope, pk=pk)  # type: ignore[attr-defined]
    return hand_out(request, row.file, name=row.name)
