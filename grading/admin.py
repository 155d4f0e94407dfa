"""Maintenance of rubrics: one page per version, publishing, copying; published versions can only be looked at."""

from typing import Any

from django.contrib import admin, messages
from django.forms.models import modelformset_factory
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST, require_safe

from branches import clock
from branches.permissions import Action, account_of, can
from branches.versions import ConflictError
from grading import rubric_page
from grading.forms.rubrics import (
    CriterionForm,
    CriterionFormSet,
    RubricForm,
    SectionForm,
    SectionFormSet,
    levels_text,
    sections_of,
)
from grading.models import Criterion, Grade, GradeScale, Preset, Rubric, Section
from grading.services import rubrics
from grading.services.errors import RefusedError


def may_maintain(request: HttpRequest) -> bool:
    """Tell whether the visitor keeps rubrics."""
    return bool(can(request.user, Action.MAINTAIN_RUBRICS))


class MaintainedAdmin(admin.ModelAdmin):
    """Rights come from `branches.permissions.can`, never from Django's own permissions."""

    actions = None

    @method_decorator(require_safe)
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the list; it has no actions, so nothing is posted to it."""
        return super().changelist_view(request, extra_context)

    @method_decorator(require_safe)
    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Show what was done through this site."""
        return super().history_view(request, object_id, extra_context)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the model to maintainers."""
        return may_maintain(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let maintainers look."""
        return may_maintain(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let nobody add."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let nobody change."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let nobody delete."""
        return False


class DraftInline(admin.TabularInline):
    """Rows of a draft; a published rubric only shows them."""

    extra = 0

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let maintainers look."""
        return may_maintain(request)

    def _open(self, request: HttpRequest, obj: Rubric | None) -> bool:
        return may_maintain(request) and (obj is None or not obj.published)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let maintainers add to drafts."""
        return self._open(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let maintainers change drafts."""
        return self._open(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let maintainers strike rows of drafts."""
        return self._open(request, obj)


class SectionInline(DraftInline):
    """The sections (五个好)."""

    model = Section
    form = SectionForm
    formset = SectionFormSet


class CriterionChecks(admin.checks.InlineModelAdminChecks):
    """Items hang on sections, not on the rubric: the check for a foreign key to the parent does not apply."""

    def _check_exclude_of_parent_model(self, obj: Any, parent_model: Any) -> list[Any]:
        return []

    def _check_relation(self, obj: Any, parent_model: Any) -> list[Any]:
        return []

    def _check_formset(self, obj: Any) -> list[Any]:
        return []


class CriterionInline(DraftInline):
    """All items of the rubric in one table, each naming its section by code."""

    model = Criterion
    form = CriterionForm
    checks_class = CriterionChecks
    verbose_name_plural = "条目"
    fields = (
        "section_code", "ordinal", "code", "text", "points", "kind", "step", "levels_text", "guidance",
        "evidence_required", "figure",
    )  # fmt: skip

    @admin.display(description="项目编号")
    def section_code(self, criterion: Criterion) -> str:
        """Return the section's code, for a published rubric that shows no fields."""
        return criterion.section.code

    @admin.display(description="档次")
    def levels_text(self, criterion: Criterion) -> str:
        """Return the options as they are typed, for a published rubric that shows no fields."""
        return levels_text(criterion) or "—"

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """Return a form set over the items of all sections."""
        return modelformset_factory(
            Criterion, form=CriterionForm, formset=CriterionFormSet, extra=0, can_delete=self._open(request, obj)
        )


@admin.register(Rubric)
class RubricAdmin(MaintainedAdmin):
    """Rubrics: drafts are edited on one page, with totals beside."""

    form = RubricForm
    inlines = (SectionInline, CriterionInline)
    list_display = ("title", "code", "version", "state", "form_code", "total", "published_at")
    list_filter = ("state", "code")
    search_fields = ("title", "code")
    change_form_template = "admin/grading/rubric/change_form.html"

    class Media:
        js = ("js/rubric-admin.js",)

    @admin.display(description="满分")
    def total(self, rubric: Rubric) -> str:
        """Return the sum of the sections."""
        return f"{sum(section.points for section in rubric.sections.all()):g}"

    def get_queryset(self, request: HttpRequest) -> Any:
        """Read sections along for the totals."""
        return super().get_queryset(request).prefetch_related("sections")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let maintainers start a rubric."""
        return may_maintain(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let maintainers change drafts."""
        return may_maintain(request) and (obj is None or not obj.published)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let maintainers delete drafts that no round uses."""
        return may_maintain(request) and obj is not None and not obj.published and not obj.uses.exists()

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show state and version beside the fields."""
        fields = ["code", "title", "form_code", "not_applicable", "exceed", "source", "edits"]
        if obj is not None and obj.published:
            fields = fields[:-1]
        return [(None, {"fields": [*fields, *self.get_readonly_fields(request, obj)]})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Version and state are never typed."""
        return () if obj is None else ("version", "state")

    def save_model(self, request: HttpRequest, obj: Rubric, form: Any, change: bool) -> None:
        """Store the header through the service."""
        rubrics.save_draft(by=account_of(request), rubric=obj, edits=form.cleaned_data.get("edits") or 1)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Store sections and items through the service, then say what does not add up yet."""
        sections, criteria = formsets
        sections.save()
        criteria.save()
        rubric = form.instance
        rubrics.replace_items(by=account_of(request), rubric=rubric, sections=sections_of(sections, criteria))
        for finding in rubrics.findings(rubric):
            messages.warning(request, finding.text)

    def delete_model(self, request: HttpRequest, obj: Rubric) -> None:
        """Delete a draft through the service."""
        rubrics.delete_draft(by=account_of(request), rubric=obj)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Turn a refusal of the service into a message on the page."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except RefusedError as error:
            messages.error(request, "；".join(error.sentences))
        except ConflictError:
            messages.error(request, "这个评分标准刚被他人修改过，您的改动没有保存。")
        return HttpResponseRedirect(request.get_full_path())

    def get_urls(self) -> list[URLPattern]:
        """Add publishing, copying and the printed form."""
        wrap = self.admin_site.admin_view
        own = [
            path("<int:object_id>/publish/", wrap(require_POST(self.publish)), name="grading_rubric_publish"),
            path("<int:object_id>/copy/", wrap(require_POST(self.copy)), name="grading_rubric_copy"),
            path("<int:object_id>/preview/", wrap(require_safe(self.preview)), name="grading_rubric_preview"),
        ]
        return [*own, *super().get_urls()]

    def _rubric(self, request: HttpRequest, object_id: int) -> Rubric:
        """Return the rubric, or raise Http404 for visitors who keep none."""
        rubric = Rubric.objects.filter(pk=object_id).first()
        if rubric is None or not may_maintain(request):
            raise Http404
        return rubric

    def publish(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Publish a draft, or say what does not add up."""
        rubric = self._rubric(request, object_id)
        try:
            rubric = rubrics.publish(by=account_of(request), rubric=rubric, now=clock.now())
        except RefusedError as error:
            for sentence in error.sentences:
                messages.error(request, sentence)
        else:
            messages.success(request, f"《{rubric}》已发布，此版本不再改动。")
        return redirect("admin:grading_rubric_change", object_id)

    def copy(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Copy to the next version and go there."""
        fresh = rubrics.copy_to_new_version(by=account_of(request), rubric=self._rubric(request, object_id))
        messages.success(request, f"已复制为《{fresh}》，可以修改。")
        return redirect("admin:grading_rubric_change", fresh.pk)

    def preview(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Show the rubric as the printed form."""
        rubric = self._rubric(request, object_id)
        return render(request, "grading/rubric_preview.html", rubric_page.context(rubric, request.user))


class GradeInline(admin.TabularInline):
    """The grades of a scale, to look at."""

    model = Grade
    extra = 0

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let maintainers look."""
        return may_maintain(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let nobody add."""
        return False

    has_change_permission = has_delete_permission = has_add_permission


@admin.register(GradeScale)
class GradeScaleAdmin(MaintainedAdmin):
    """Scales as presets brought them: rounds rest on them, so they are only looked at; a change is a new version."""

    inlines = (GradeInline,)
    list_display = ("name", "code", "version")


@admin.register(Preset)
class PresetAdmin(MaintainedAdmin):
    """Presets that were loaded."""

    list_display = ("title", "code", "version", "loaded_at")
    fields = ("title", "code", "version", "loaded_at", "digest")
