"""Form versions: given out when a form is made, looked up by the code on paper, compared with the data as it is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction

from branches import audit, clock
from branches.models import Account, Branch
from branches.scopes import Scope
from grading.models import Round, RoundUnit
from reporting.making.documents import known_kind, present_digests, shape_of
from reporting.making.kinds import Kind
from reporting.models import FormVersion
from reporting.paper.form_codes import form_code, normalise


@transaction.atomic
def issue(*, kind: str, round_: Round, documents: Sequence[tuple[Branch, str]], by: Account | None) -> list[str]:
    """Return the codes of documents, given as unit and digest of their facts, in order; new ones are written down.

    Idempotent, in a number of queries that does not grow with the documents, and safe under two at once: whoever comes
    second finds the rows of the first.
    """
    codes = [form_code(kind, round_.pk, unit.pk, digest) for unit, digest in documents]
    there = set(FormVersion.objects.filter(code__in=codes).values_list("code", flat=True))
    now, shape = clock.now(), shape_of(kind)
    new = {
        code: FormVersion(
            code=code, kind=kind, round=round_, unit=unit, digest=digest, shape=shape, first_made_at=now, made_by=by
        )
        for code, (unit, digest) in zip(codes, documents, strict=True)
        if code not in there
    }
    if new:
        FormVersion.objects.bulk_create(new.values(), ignore_conflicts=True, batch_size=500)
        kept = FormVersion.objects.filter(code__in=new).order_by("pk")
        audit.record(
            by=by, action="form.issued", thing=kept[0], branch=next(iter(new.values())).unit,
            summary=f"生成表单编码 {len(new)} 个", after={"kind": kind, "round": round_.pk, "codes": list(new)},
        )  # fmt: skip
    return codes


def look_up(code: str) -> FormVersion | None:
    """Return the form version of a code however it was typed; None when there is none. Asks no permission."""
    wanted = normalise(code)
    rows = FormVersion.objects.select_related("round__campaign__root", "round__scale", "unit", "made_by")
    return rows.filter(code=wanted).first() if wanted else None


def find(code: str, reach: Scope) -> FormVersion | None:
    """Return the form version of a code when it lies within `reach`; a foreign one does not seem to exist."""
    row = look_up(code)
    return row if row is not None and FormVersion.objects.within(reach).filter(pk=row.pk).exists() else None


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a form stands against the data: `current` is None when that cannot be told any more.

    `codes` are those the form would bear if it were made now; a committee's 附件5 may be either of two.
    """

    current: bool | None
    codes: tuple[str, ...] = ()


def current(form_version: FormVersion) -> bool | None:
    """Return whether the data still gives what the form shows; None when that cannot be told any more."""
    return compared([form_version])[form_version.pk].current


def compared(rows: Iterable[FormVersion]) -> dict[int, Comparison]:
    """Return how forms stand against the data, by primary key: one gathering for each kind and round."""
    answers: dict[int, Comparison] = {}
    groups: dict[tuple[str, int], list[FormVersion]] = {}
    for row in rows:
        groups.setdefault((row.kind, row.round_id), []).append(row)
    for (slug, _), together in groups.items():
        kind = known_kind(slug)
        shape = shape_of(slug) if kind else ""
        comparable = [row for row in together if kind is not None and row.shape == shape]
        answers |= {row.pk: Comparison(None) for row in together}
        if kind is not None and comparable:
            round_, units = comparable[0].round, [row.unit for row in comparable]
            present = present_digests(kind=kind, round_=round_, units=units, top=_common_parent(round_, kind, units))
            answers |= {row.pk: _comparison(row, present.get(row.unit_id, frozenset())) for row in comparable}
    return answers


def _comparison(row: FormVersion, digests: frozenset[str]) -> Comparison:
    codes = sorted(form_code(row.kind, row.round_id, row.unit_id, digest) for digest in digests)
    return Comparison(row.digest in digests, tuple(codes))


def _common_parent(round_: Round, kind: Kind, units: Sequence[Branch]) -> Branch | None:
    """Return the 党总支 that all branches hang under, so that no more than its branches are gathered."""
    if len(units) < 2 or Branch.Level.BRANCH not in kind.levels:
        return None
    rows = RoundUnit.objects.filter(round=round_, branch__in=units)
    parents = set(rows.values_list("parent_id", "direct"))
    if len(parents) != 1 or any(direct for _, direct in parents):
        return None
    return Branch.objects.get(pk=parents.pop()[0])
