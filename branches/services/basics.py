"""Saving 支部基本情况: profile, the secretary's particulars and the day of founding, all together or not at all."""

from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from branches import audit, basics, clock, drafts
from branches.models import Account, Appointment, Branch, BranchProfile
from branches.services import tree
from branches.versions import ConflictError

DRAFT_FORM = "profile"


@dataclass(frozen=True, slots=True)
class Basics:
    """What a form of 支部基本情况 holds, by the record it goes to."""

    profile: dict[str, Any] = field(default_factory=dict)
    person: dict[str, Any] = field(default_factory=dict)
    branch: dict[str, Any] = field(default_factory=dict)
    post: dict[str, Any] = field(default_factory=dict)


@transaction.atomic
def save(*, by: Account, branch: Branch, version: str, values: Basics, confirm: bool = False) -> basics.Basics:
    """Save what changed if nobody saved since the page with `version`; `confirm` marks the whole as right.

    Raises ConflictError when the profile, the secretary or the branch has changed meanwhile.
    """
    branch = Branch.objects.select_for_update().get(pk=branch.pk)
    BranchProfile.objects.get_or_create(branch=branch)
    stored = basics.read(branch)
    if stored.version != version:
        raise ConflictError(stored.profile, {**values.profile, **values.person, **values.branch, **values.post})
    _save_branch(by, branch, values.branch)
    if stored.secretary is not None:
        _save_secretary(by, stored.secretary, values)
    tree.save_profile(
        by=by, profile=stored.profile, version=stored.profile.version, values=values.profile,
        confirm_at=clock.now() if confirm else None,
    )  # fmt: skip
    drafts.drop(account=by, form=DRAFT_FORM, key=str(branch.pk))
    return basics.read(Branch.objects.get(pk=branch.pk))


def _changed(row: Any, values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if getattr(row, name) != value}


def _save_branch(by: Account, branch: Branch, values: dict[str, Any]) -> None:
    changed = _changed(branch, values)
    if not changed:
        return
    before = {name: tree.text_of(getattr(branch, name)) for name in changed}
    for name, value in changed.items():
        setattr(branch, name, value)
    branch.version += 1
    branch.save(update_fields=[*changed, "version"])
    audit.record(
        by=by, action="branch.edit", thing=branch, branch=branch, summary="修改党组织信息", before=before,
        after={name: tree.text_of(value) for name, value in changed.items()},
    )  # fmt: skip


def _save_secretary(by: Account, post: Appointment, values: Basics) -> None:
    person = _changed(post.person, values.person)
    if person:
        tree.edit_person(by=by, person=post.person, version=post.person.version, values=person)
    changed = _changed(post, values.post)
    if changed:
        before = {name: tree.text_of(getattr(post, name)) for name in changed}
        for name, value in changed.items():
            setattr(post, name, value)
        post.save(update_fields=list(changed))
        audit.record(
            by=by, action="appointment.edit", thing=post, branch=post.branch, summary="更正任职信息", before=before,
            after={name: tree.text_of(value) for name, value in changed.items()},
        )  # fmt: skip
