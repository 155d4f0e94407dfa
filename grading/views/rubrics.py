"""评分标准: the list, one version as it prints, what differs between two, Excel out and in, publishing and copying."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from django.contrib import messages
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from branches import clock
from branches.forms.roster import WorkbookForm
from branches.intake.uploads import RefusedUpload
from branches.intake.workbook import read_workbook
from branches.models import Role, Upload
from branches.permissions import Action, account_of, can, requires
from branches.services import uploads
from grading import importers_rubric, presets, rubric_diff, rubric_workbook, scoring
from grading.importers_rubric import Reading
from grading.models import RoundRubric, Rubric
from grading.rubric_page import context as rubric_page_context
from grading.rubric_page import holders, maintainers
from grading.rubric_page import others as other_versions
from grading.services import rubrics
from grading.services.errors import RefusedError

UPLOAD = "rubric"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class RubricFileForm(WorkbookForm):
    """One workbook of a rubric."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Name the file for what it is."""
        super().__init__(*args, **kwargs)
        self.fields["file"].label = "评分标准工作簿"


@dataclass(slots=True)
class Version:
    """One version on the list: the rounds that use it, and the version before it."""

    rubric: Rubric
    rounds: list[str]
    before: Rubric | None = None

    @property
    def total(self) -> str:
        """Full marks."""
        return scoring.plain(sum((section.points for section in self.rubric.sections.all()), Decimal(0)))

    @property
    def items(self) -> int:
        """How many items it has."""
        return sum(len(section.criteria.all()) for section in self.rubric.sections.all())


@dataclass(slots=True)
class Family:
    """All versions of one code, newest first."""

    code: str
    title: str
    versions: list[Version]


def _families(rows: Iterable[Rubric]) -> list[Family]:
    found: dict[str, Family] = {}
    for row in rows:
        family = found.setdefault(row.code, Family(row.code, row.title, []))
        named = [use.round.dated for use in row.uses.all()]
        if family.versions:
            family.versions[-1].before = row
        family.versions.append(Version(row, list(dict.fromkeys(named))))
    return list(found.values())


@requires(Action.VIEW_RUBRICS)
@require_GET
def rubric_list(request: HttpRequest) -> HttpResponse:
    """List every rubric with its versions, newest first."""
    uses = Prefetch("uses", RoundRubric.objects.select_related("round__campaign").order_by("round"))
    rows = Rubric.objects.prefetch_related("sections__criteria", uses).order_by("code", "-version")
    families = _families(rows)
    drafts = sum(not version.rubric.published for family in families for version in family.versions)
    named = maintainers()
    context = {
        "families": families,
        "drafts": drafts,
        "may_maintain": bool(can(request.user, Action.MAINTAIN_RUBRICS)),
        "maintainers": named,
        "administrators": [] if named else holders(Role.ADMINISTRATOR),
    }
    return render(request, "grading/rubrics.html", context)


@requires(Action.VIEW_RUBRICS)
@require_GET
def rubric_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one version as it prints, with what does not add up and what can be done with it."""
    rubric = get_object_or_404(Rubric, pk=pk)
    return render(request, "grading/rubric_preview.html", rubric_page_context(rubric, request.user))


def plain_of(rubric: Rubric) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """Return a version as plain values: its head and its sections."""
    return rubrics.header_of(rubric), rubrics.items_of(rubric)


@requires(Action.VIEW_RUBRICS)
@require_GET
def rubric_compare(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what differs between this version and another of the same code (`with`; else the one before it)."""
    rubric = get_object_or_404(Rubric, pk=pk)
    others = other_versions(rubric)
    wanted = request.GET.get("with", "")
    if wanted:
        other = next((row for row in others if str(row.pk) == wanted), None)
        if other is None:
            raise Http404
    else:
        other = next((row for row in others if row.version < rubric.version), others[0] if others else None)
    old, new = sorted((other, rubric), key=lambda row: row.version) if other else (None, rubric)
    found = rubric_diff.compare(plain_of(old), plain_of(new)) if old else None
    context: dict[str, Any] = {
        "rubric": rubric, "old": old, "new": new, "other": other, "others": others, "diff": found,
    }  # fmt: skip
    context |= {"old_name": f"第 {old.version} 版" if old else "", "new_name": f"第 {new.version} 版"}
    return render(request, "grading/rubric_diff.html", context)


def _workbook(data: bytes, name: str) -> HttpResponse:
    response = HttpResponse(data, content_type=XLSX)
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return response


@requires(Action.VIEW_RUBRICS)
@require_GET
def rubric_export(request: HttpRequest, pk: int) -> HttpResponse:  # noqa: ARG001
    """Send one version as an Excel workbook that can be imported again."""
    rubric = get_object_or_404(Rubric, pk=pk)
    header, sections = plain_of(rubric)
    return _workbook(rubric_workbook.write(header, sections), f"{rubric.title} 第{rubric.version}版.xlsx")


@requires(Action.VIEW_RUBRICS)
@require_GET
def rubric_template(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Send the workbook to fill in, with an item of every kind as an example."""
    data = rubric_workbook.write(rubric_workbook.TEMPLATE_HEADER, rubric_workbook.TEMPLATE_SECTIONS)
    return _workbook(data, "评分标准模板.xlsx")


@requires(Action.MAINTAIN_RUBRICS)
@require_http_methods(["GET", "POST"])
def rubric_import(request: HttpRequest) -> HttpResponse:
    """Take a workbook in; it is looked at on the next page before anything is written."""
    form = RubricFileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        name = form.cleaned_data["file"].name
        upload = uploads.keep(by=account_of(request), kind=UPLOAD, name=name, data=form.content)
        return redirect("rubric-import-check", upload.key)
    return render(request, "grading/rubric_import.html", {"form": form}, status=422 if form.is_bound else 200)


def _reading(upload: Upload) -> Reading:
    return importers_rubric.read(read_workbook(upload.name, uploads.read(upload=upload)))


@requires(Action.MAINTAIN_RUBRICS)
@require_http_methods(["GET", "POST"])
def rubric_import_check(request: HttpRequest, key: str) -> HttpResponse:
    """Show faults by sheet and cell, or what would change against the newest version; POST writes a new draft."""
    account = account_of(request)
    waiting = Upload.objects.filter(account=account, kind=UPLOAD, state=Upload.State.WAITING)
    upload = get_object_or_404(waiting, key=key)
    try:
        reading = _reading(upload)
    except (RefusedUpload, FileNotFoundError) as error:
        messages.error(request, str(error) if isinstance(error, RefusedUpload) else "文件已清理，请重新上传。")
        return redirect("rubric-import")
    if request.method == "POST" and reading.ok:
        try:
            fresh = rubrics.import_version(
                by=account, header=reading.header, sections=reading.sections, source=upload.name
            )
        except RefusedError as error:
            messages.error(request, str(error))
            return redirect("rubric-import-check", key)
        uploads.finish(upload=upload, state=Upload.State.DONE, result={"rubric": fresh.pk})
        messages.success(request, f"已存为草稿《{fresh}》，核对后再发布。")
        return redirect("rubric", fresh.pk)
    context = {"upload": upload, "reading": reading, **_against(reading)}
    return render(request, "grading/rubric_import_check.html", context, status=200 if reading.ok else 422)


def _against(reading: Reading) -> dict[str, Any]:
    """Return what a reading that has no fault would become: the next version, its difference, what to mend later."""
    if not reading.ok:
        return {}
    newest = Rubric.objects.filter(code=reading.header["code"]).order_by("-version").first()
    value = presets.rubric_value({**reading.header, "sections": reading.sections})
    findings = (*scoring.check_rubric(value), *rubrics.figure_findings(value))
    before = plain_of(newest) if newest else (reading.header, [])
    same = newest is not None and before == (reading.header, reading.sections)
    return {
        "newest": newest,
        "version": newest.version + 1 if newest else 1,
        "diff": rubric_diff.compare(before, (reading.header, reading.sections)),
        "same": same,
        "findings": findings,
        "old_name": f"第 {newest.version} 版" if newest else "现在",
        "new_name": "工作簿",
    }


@requires(Action.MAINTAIN_RUBRICS)
@require_POST
def rubric_publish(request: HttpRequest, pk: int) -> HttpResponse:
    """Publish a draft, or say what does not add up."""
    rubric = get_object_or_404(Rubric, pk=pk)
    try:
        rubric = rubrics.publish(by=account_of(request), rubric=rubric, now=clock.now())
    except RefusedError as error:
        for sentence in error.sentences:
            messages.error(request, sentence)
    else:
        messages.success(request, f"《{rubric}》已发布，此版本不再改动。")
    return redirect("rubric", pk)


@requires(Action.MAINTAIN_RUBRICS)
@require_POST
def rubric_copy(request: HttpRequest, pk: int) -> HttpResponse:
    """Copy a version to the next one, as a draft, and go to where it is edited."""
    fresh = rubrics.copy_to_new_version(by=account_of(request), rubric=get_object_or_404(Rubric, pk=pk))
    messages.success(request, f"已复制为《{fresh}》，可以修改。")
    return redirect("admin:grading_rubric_change", fresh.pk)
