"""What a round's notice calls its forms: nothing that is graded depends on it, so it may be put right at any time."""

from collections.abc import Mapping

from django.db import transaction

from branches import audit
from branches.models import Account
from grading.models import PLAIN_TITLES, FormName, Round, RoundForm, form_names
from grading.services.errors import RefusedError, refuse


@transaction.atomic
def set_forms(*, by: Account | None, round_: Round, version: int, names: Mapping[str, FormName]) -> Round:
    """Say what the forms of a round are called, by kind; one with neither number nor title has its plain one.

    Stamped forms the round asks for are called by their new names, too. Raises RefusedError when somebody changed the
    round meanwhile, or two forms would bear one number.
    """
    row = Round.objects.select_for_update().select_related("campaign__root").get(pk=round_.pk)
    if row.version != version:
        refuse("本轮的设置刚被他人改过，您填的内容还在，请核对后再保存。")
    before = form_names(row)
    wanted = {kind: FormName(name.number, name.title or PLAIN_TITLES[kind]) for kind, name in names.items()}
    after = before | wanted
    numbers = [name.number for name in after.values() if name.number]
    if twice := sorted({number for number in numbers if numbers.count(number) > 1}):
        raise RefusedError([f"“{number}”用在了两张表上。" for number in twice])
    if before == after:
        return row
    row.forms.all().delete()
    RoundForm.objects.bulk_create(
        RoundForm(round=row, kind=kind, number=name.number, title=name.title)
        for kind, name in sorted(after.items())
        if name != FormName("", PLAIN_TITLES[kind])
    )
    for asked in row.returns.filter(kind__in=after):
        if asked.name == before[asked.kind].label:
            asked.name = after[asked.kind].label
            asked.save(update_fields=["name"])
    if row.state != Round.State.FINAL:  # a final round stands as it is; what its forms are called may still change
        row.version += 1
        row.save(update_fields=["version"])
    audit.record(
        by=by, action="round.forms", thing=row, branch=row.campaign.root, summary="修改报表的编号和名称",
        before={kind: name.label for kind, name in before.items()},
        after={kind: name.label for kind, name in after.items()},
    )  # fmt: skip
    return row
