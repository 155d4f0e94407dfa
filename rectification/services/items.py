"""整改项目 while they are drawn up: saved, removed, handed in singly, taken to the level above."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.db.models import Max

from branches import audit, clock
from branches.models import Account, Branch, Person
from branches.transitions import advance
from branches.versions import ConflictError, save_versioned
from grading.services.errors import RefusedError, refuse
from rectification import terms
from rectification.models import Checkpoint, Item, Plan, RectificationRules
from rectification.permissions import superior_of
from rectification.services.checks import term_of
from rectification.services.settings import ensure_rules, rules_of

TEXTS = ("problem", "goal", "task", "measures", "leader", "owner_name", "term_reason", "source", "source_key", "term")
OTHERS = ("category", "dimension", "owner_person", "due_on", "review_on", "files_required")
FIELDS = (*TEXTS, *OTHERS)
MAX_ITEMS = 60


def next_dates(item: Item, rules: RectificationRules) -> dict[str, dt.date | None]:
    """Return the day that counts next and the day from which an item is at risk, from its term and check-points."""
    following = terms.counts_on(term_of(item))
    return {"counts_on": following, "risk_on": following and following - dt.timedelta(days=rules.at_risk_days)}


def renew_dates(item: Item) -> Item:
    """Write the day that counts next anew, after dates or check-points changed; return the fresh row."""
    fresh = Item.objects.select_related("plan__campaign").get(pk=item.pk)
    dates = next_dates(fresh, rules_of(fresh.plan.campaign))
    Item.objects.filter(pk=item.pk).update(**dates)
    fresh.counts_on, fresh.risk_on = dates["counts_on"], dates["risk_on"]
    return fresh


@transaction.atomic
def save_item(
    *, by: Account | None, plan: Plan, item: Item | None, version: int, values: Mapping[str, Any],
    checkpoints: Iterable[dt.date] | None = None, now: dt.datetime,
) -> Item:  # fmt: skip
    """Add an item to a plan, or change one that is a draft or was returned; it may still lack things.

    `checkpoints` replaces those not done yet; None leaves them. To an approved plan an item may be added too.

    Raises:
        RefusedError: no problem named, a deadline after the campaign's, or the plan does not take changes now.
        ConflictError: somebody saved since `version`.
    """
    plan = Plan.objects.select_for_update().select_related("campaign", "branch").get(pk=plan.pk)
    rules = ensure_rules(by=by, campaign=plan.campaign, now=now)
    _refuse_closed(plan, item)
    given = _cleaned(plan, values)
    if item is not None:
        given |= let_go(item, given)
    saved = _create(plan, rules, given) if item is None else _change(item, version, given, rules)
    if checkpoints is not None:
        set_checkpoints(saved, checkpoints)
    saved = renew_dates(saved)
    audit.record(
        by=by, action="item.add" if item is None else "item.save", thing=saved, branch=plan.branch,
        summary="列入整改项目" if item is None else "修改整改项目",
        before=None if item is None else plain(item, given), after=plain(saved, given),
    )  # fmt: skip
    return saved


def let_go(item: Item, given: Mapping[str, Any]) -> dict[str, None]:
    """Return the people chosen for names that are now typed anew, as nobody: another name means somebody else."""
    named = (("owner_name", "owner_person"), ("leader", "leader_person"))
    return {
        person: None
        for name, person in named
        if name in given and person not in given and given[name] != getattr(item, name)
    }


def _refuse_closed(plan: Plan, item: Item | None) -> None:
    if item is None:
        if plan.state in (Plan.State.SUBMITTED, Plan.State.CLOSED):
            refuse(f"方案{plan.get_state_display()}，现在不能增加项目。")
        if plan.items.count() >= MAX_ITEMS:
            refuse(f"一个方案最多 {MAX_ITEMS} 项。")
    elif not item.editable:
        refuse(f"这一项{item.get_state_display()}，不能直接修改；要调整请提出变更申请。")


def plain(item: Item, fields: Iterable[str]) -> dict[str, Any]:
    """Return fields of an item as the trail keeps them."""
    return {field: getattr(item, f"{field}_id", getattr(item, field, None)) for field in sorted(fields)}


def _cleaned(plan: Plan, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values trimmed; refuse unknown fields, foreign categories and words that are not offered."""
    if unknown := set(values) - set(FIELDS):
        message = f"unknown fields: {sorted(unknown)}"
        raise ValueError(message)
    given: dict[str, Any] = {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}
    wrong = {}
    for name in ("category", "dimension"):
        chosen = given.get(name)
        if chosen is not None and chosen.campaign_id != plan.campaign_id:
            wrong[name] = "请从本次活动的选项里选择。"
    if "term" in given and given["term"] not in Item.Term.values:
        wrong["term"] = "请选择期限类型。"
    if "source" in given and given["source"] not in Item.Source.values:
        wrong["source"] = "请选择来源。"
    if "problem" in given and not given["problem"]:
        wrong["problem"] = "请写明存在的问题。"
    person: Person | None = given.get("owner_person")
    if person is not None and not given.get("owner_name"):
        given["owner_name"] = person.name
    if wrong:
        raise RefusedError(wrong.values(), wrong)
    return given


def refuse_beyond(item: Item) -> None:
    """Refuse a deadline after the campaign's, or after an approved extension, unless the term allows it."""
    if problem := terms.beyond(term_of(item), item.limit_on, item.extended_to):
        raise RefusedError([problem], {"due_on": problem})


def _create(plan: Plan, rules: RectificationRules, given: dict[str, Any]) -> Item:
    if not given.get("problem"):
        raise RefusedError(["请写明存在的问题。"], {"problem": "请写明存在的问题。"})
    key = given.get("source_key")
    if key and plan.items.filter(source_key=key).exists():
        refuse("这一条已经列入方案。")
    last = plan.items.aggregate(last=Max("ordinal"))["last"] or 0
    defaults = {"files_required": rules.files_required}
    item = Item(plan=plan, ordinal=last + 1, limit_on=rules.item_due_on, **defaults | given)
    refuse_beyond(item)
    item.save()
    return item


def _change(item: Item, version: int, given: dict[str, Any], rules: RectificationRules) -> Item:
    row = Item.objects.select_for_update().get(pk=item.pk)
    if not row.editable:
        raise ConflictError(row, given)
    wished = Item.objects.get(pk=item.pk)
    for name, value in given.items():
        setattr(wished, name, value)
    wished.limit_on = rules.item_due_on
    refuse_beyond(wished)
    return save_versioned(row, version=version, values={**given, "limit_on": rules.item_due_on})


def set_checkpoints(item: Item, days: Iterable[dt.date]) -> None:
    """Replace the check-points that are not done yet."""
    wanted = sorted(set(days))
    kept = set(item.checkpoints.filter(done_on__isnull=False).values_list("due_on", flat=True))
    item.checkpoints.filter(done_on__isnull=True).exclude(due_on__in=wanted).delete()
    there = set(item.checkpoints.values_list("due_on", flat=True)) | kept
    Checkpoint.objects.bulk_create(Checkpoint(item=item, due_on=day) for day in wanted if day not in there)


@transaction.atomic
def remove_item(*, by: Account | None, item: Item, now: dt.datetime) -> None:  # noqa: ARG001
    """Take an item out of a plan; once handed in it stays on record. Raises RefusedError then."""
    row = Item.objects.select_for_update().select_related("plan__branch").get(pk=item.pk)
    if row.state != Item.State.DRAFT or row.changes.exists() or row.progress.exists():
        refuse("这一项已经提交过，不能删除；确实不需要的，请上级在审核时终止。")
    audit.record(
        by=by,
        action="item.remove",
        thing=row,
        branch=row.plan.branch,
        summary="删除整改项目",
        before=plain(row, FIELDS),
    )
    row.delete()


@transaction.atomic
def submit_item(*, by: Account | None, item: Item, now: dt.datetime) -> Item:
    """Hand in one item added to an approved plan. Raises RefusedError while the plan itself is open, BlockedError."""
    if item.plan.state != Plan.State.APPROVED:
        refuse("方案还没有批准，请随方案一起提交。")
    return advance(item, Item.State.SUBMITTED, by=by, now=now)


@transaction.atomic
def escalate(*, by: Account | None, item: Item, reason: str, now: dt.datetime) -> Item:
    """提请上级解决: ask the node above to take an item over; it does so by approving it. Empty `reason` takes it back.

    Raises RefusedError once it is handed in (then ask for a change), or where there is no level above.
    """
    row = Item.objects.select_for_update().select_related("plan__branch").get(pk=item.pk)
    if not row.editable:
        refuse("这一项已经提交；要提请上级解决，请提出变更申请。")
    reason = reason.strip()
    row.escalated_to = superior_or_refuse(row.plan.branch, now) if reason else None
    row.escalation_reason = reason
    row.version += 1
    row.save(update_fields=["escalated_to", "escalation_reason", "version"])
    audit.record(
        by=by, action="item.escalate", thing=row, branch=row.plan.branch,
        summary="提请上级解决" if reason else "不再提请上级解决", after={"to": row.escalated_to_id, "reason": reason},
    )  # fmt: skip
    return row


def superior_or_refuse(branch: Branch, now: dt.datetime) -> Branch:  # noqa: ARG001
    """Return the node above. Raises RefusedError at the top of the tree."""
    above = superior_of(branch.pk)
    if above is None:
        refuse("已是最上级党组织，没有可以提请的上级。")
    return Branch.objects.get(pk=above or 0)


@transaction.atomic
def record_checkpoint(
    *, by: Account | None, checkpoint: Checkpoint, on: dt.date, finding: str, now: dt.datetime
) -> Checkpoint:
    """Write down what a check-point of a 长期性项目 found; the next one counts from then on.

    After the last one of an item without an end the rules set the next, so that it is never forgotten.
    """
    row = Checkpoint.objects.select_for_update().select_related("item__plan__branch").get(pk=checkpoint.pk)
    if row.done_on is not None:
        refuse("这个检查点已经登记过。")
    if row.item.state not in Item.UNDER_WAY:
        refuse(f"这一项{row.item.get_state_display()}，不能登记检查情况。")
    wrong = {}
    if on > clock.day_of(now):
        wrong["on"] = "检查日期还没有到。"
    if not finding.strip():
        wrong["finding"] = "请写明检查情况。"
    if wrong:
        raise RefusedError(wrong.values(), wrong)
    row.done_on, row.finding, row.done_by = on, finding.strip(), by
    row.save(update_fields=["done_on", "finding", "done_by"])
    _keep_looking(row)
    renew_dates(row.item)
    audit.record(
        by=by, action="checkpoint.record", thing=row, branch=row.item.plan.branch, summary="登记年度检查情况",
        after={"on": on, "finding": row.finding},
    )  # fmt: skip
    return row


def _keep_looking(done: Checkpoint) -> None:
    """Set the next check-point where none is left and the item has no end of its own."""
    item = done.item
    if item.due_on is None and not item.checkpoints.filter(done_on__isnull=True).exists():
        months = rules_of(item.plan.campaign).checkpoint_months
        Checkpoint.objects.create(item=item, due_on=terms.add_months(done.due_on, months), task=done.task)
