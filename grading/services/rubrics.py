"""Keeping rubrics: items, publishing, copying to a new version. A published version never changes."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Max

from branches import audit
from branches.models import Account
from branches.registries import figure_texts, figures
from branches.versions import ConflictError
from grading import rules, scoring
from grading.models import Criterion, Level, Rubric, Section
from grading.services.errors import RefusedError, refuse

HEADER = ("code", "title", "form_code", "not_applicable", "exceed", "source")


def write_items(rubric: Rubric, sections: list[dict[str, Any]]) -> None:
    """Write sections, items and options of a new rubric from plain values (a preset, or another version)."""
    for ordinal, entry in enumerate(sections, start=1):
        section = Section.objects.create(
            rubric=rubric,
            ordinal=ordinal,
            code=entry["code"],
            name=entry["name"],
            points=Decimal(str(entry["points"])),
        )
        for number, item in enumerate(entry["criteria"], start=1):
            _write_item(section, number, item)


def _write_item(section: Section, number: int, item: dict[str, Any]) -> None:
    """Write one item with its options."""
    criterion = Criterion.objects.create(
        section=section, ordinal=number, code=item["code"], text=item["text"], points=Decimal(str(item["points"])),
        kind=item.get("kind", "points"), step=Decimal(str(item.get("step", "0.5"))),
        guidance=item.get("guidance", ""), evidence_required=item.get("evidence_required", False),
        figure=item.get("figure", ""),
    )  # fmt: skip
    Level.objects.bulk_create(
        [
            Level(
                criterion=criterion, ordinal=place, label=level["label"], points=Decimal(str(level["points"])),
                minimum=None if level.get("minimum") is None else Decimal(str(level["minimum"])),
            )
            for place, level in enumerate(item.get("levels", []), start=1)
        ]
    )  # fmt: skip


def items_of(rubric: Rubric) -> list[dict[str, Any]]:
    """Return sections, items and options as plain values, as `write_items` takes them."""
    sections = rubric.sections.prefetch_related("criteria__levels")
    return [
        {
            "code": section.code,
            "name": section.name,
            "points": str(section.points),
            "criteria": [_item_values(item) for item in section.criteria.all()],
        }
        for section in sections
    ]


def _item_values(item: Criterion) -> dict[str, Any]:
    """Return one item as plain values."""
    return {
        "code": item.code,
        "text": item.text,
        "points": str(item.points),
        "kind": item.kind,
        "step": str(item.step),
        "guidance": item.guidance,
        "evidence_required": item.evidence_required,
        "figure": item.figure,
        "levels": [
            {
                "label": level.label,
                "points": str(level.points),
                "minimum": None if level.minimum is None else str(level.minimum),
            }
            for level in item.levels.all()
        ],
    }


def findings(rubric: Rubric) -> tuple[scoring.Finding, ...]:
    """Return what is wrong or doubtful about a rubric as it stands: totals, steps, options."""
    fresh = Rubric.objects.with_items().get(pk=rubric.pk)
    rule = rules.rubric_rule(fresh)
    return (*scoring.check_rubric(rule), *figure_findings(rule))


def figure_findings(rubric: scoring.RubricRule) -> tuple[scoring.Finding, ...]:
    """Return what is wrong with the figures system-filled items ask for: unknown ones."""
    texts, computed = figure_texts(), figures()
    found = []
    for item in rubric.criteria:
        if item.figure and item.figure not in computed:
            known = "、".join(f"{one.code}（{one.name}）" for one in texts.values())
            found.append(scoring.Finding(f"{item.code} 取数“{item.figure}”没有这个指标，可以用的有 {known}。"))
    return tuple(found)


@transaction.atomic
def publish(*, by: Account | None, rubric: Rubric, now: dt.datetime) -> Rubric:
    """Publish a rubric; from then on this version never changes.

    Raises RefusedError with every sum, step or option that is wrong, and when it is published already.
    """
    row = Rubric.objects.select_for_update().get(pk=rubric.pk)
    if row.published:
        refuse(f"《{row}》已经发布。")
    if fatal := [found.text for found in findings(row) if found.fatal]:
        raise RefusedError(fatal)
    row.state, row.published_at, row.published_by = Rubric.State.PUBLISHED, now, by
    row.save(update_fields=["state", "published_at", "published_by"])
    audit.record(by=by, action="rubric.publish", thing=row, summary=f"发布评分标准：{row}")
    return row


def header_of(rubric: Rubric) -> dict[str, str]:
    """Return the head of a rubric as plain values."""
    return {name: str(getattr(rubric, name)) for name in HEADER}


@transaction.atomic
def import_version(
    *, by: Account | None, header: dict[str, str], sections: list[dict[str, Any]], source: str = ""
) -> Rubric:
    """Store a rubric that was read from a workbook as a draft: the next version of its code.

    Raises RefusedError when the newest version of that code says exactly the same.
    """
    newest = Rubric.objects.filter(code=header["code"]).order_by("-version").first()
    values = {name: header.get(name, "") for name in HEADER}
    if newest is not None and header_of(newest) == values and items_of(newest) == sections:
        refuse(f"与《{newest}》完全相同，不用导入。")
    fresh = Rubric.objects.create(version=newest.version + 1 if newest else 1, **values)
    write_items(fresh, sections)
    summary = f"从 Excel 导入评分标准：{fresh}"
    audit.record(by=by, action="rubric.import", thing=fresh, summary=summary, after={"file": source})
    return fresh


@transaction.atomic
def copy_to_new_version(*, by: Account | None, rubric: Rubric) -> Rubric:
    """Copy a rubric to the next version of its code, as a draft."""
    last = Rubric.objects.filter(code=rubric.code).aggregate(last=Max("version"))["last"] or 0
    fresh = Rubric.objects.create(
        code=rubric.code,
        version=last + 1,
        title=rubric.title,
        form_code=rubric.form_code,
        not_applicable=rubric.not_applicable,
        exceed=rubric.exceed,
        source=f"由第{rubric.version}版复制",
    )
    write_items(fresh, items_of(rubric))
    audit.record(by=by, action="rubric.copy", thing=fresh, summary=f"复制为新版本：{fresh}")
    return fresh


@transaction.atomic
def delete_draft(*, by: Account | None, rubric: Rubric) -> None:
    """Delete a draft that no round uses. Raises RefusedError for a published or used version."""
    row = Rubric.objects.select_for_update().get(pk=rubric.pk)
    if row.published:
        refuse("已发布的评分标准不能删除。")
    if row.uses.exists():
        refuse("有轮次指定了这个评分标准，不能删除。")
    audit.record(by=by, action="rubric.delete", thing=row, summary=f"删除评分标准草稿：{row}")
    row.delete()


@transaction.atomic
def save_draft(*, by: Account | None, rubric: Rubric, edits: int) -> Rubric:
    """Store the header of a draft held in memory (`HEADER` fields); a new one gets the next version of its code.

    Raises RefusedError when the version is published, and ConflictError when somebody saved since `edits`.
    """
    if rubric.pk is None:
        last = Rubric.objects.filter(code=rubric.code).aggregate(last=Max("version"))["last"] or 0
        rubric.version = last + 1
        rubric.save()
        audit.record(by=by, action="rubric.create", thing=rubric, summary=f"新建评分标准：{rubric}")
        return rubric
    stored = Rubric.objects.select_for_update().get(pk=rubric.pk)
    if stored.published:
        refuse("已发布的评分标准不能修改，请复制为新版本。")
    values = {name: getattr(rubric, name) for name in HEADER}
    if stored.edits != edits:
        raise ConflictError(stored, values)
    Rubric.objects.filter(pk=rubric.pk).update(**values, edits=edits + 1)
    rubric.edits = edits + 1
    audit.record(
        by=by,
        action="rubric.edit",
        thing=rubric,
        summary=f"修改评分标准：{rubric}",
        before={name: getattr(stored, name) for name in HEADER},
        after=values,
    )
    return rubric


@transaction.atomic
def replace_items(*, by: Account | None, rubric: Rubric, sections: list[dict[str, Any]]) -> Rubric:
    """Write the sections, items and options of a draft anew. Raises RefusedError for a published version."""
    row = Rubric.objects.select_for_update().get(pk=rubric.pk)
    if row.published:
        refuse("已发布的评分标准不能修改，请复制为新版本。")
    before = items_of(row)
    row.sections.all().delete()
    write_items(row, sections)
    after = items_of(row)
    if before != after:
        audit.record(
            by=by, action="rubric.items", thing=row, summary=f"修改条目：{row}", before={"sections": before},
            after={"sections": after},
        )  # fmt: skip
    return row
