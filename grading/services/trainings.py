"""学习培训 of a branch: recording who should have come and who came."""

import datetime as dt

from django.db import transaction

from branches import audit
from branches.models import Account, Branch
from grading.models import Training
from grading.services.errors import RefusedError, refuse


@transaction.atomic
def record(
    *, by: Account | None, branch: Branch, held_on: dt.date, topic: str, due: int, present: int, now: dt.datetime
) -> Training:
    """Record one 学习培训. Raises RefusedError (`.fields` by field) for a day to come, wrong numbers, or one twice."""
    problems: dict[str, str] = {}
    topic = topic.strip()
    if held_on > now.date():
        problems["held_on"] = "这一天还没到，办过之后再登记。"
    if not topic:
        problems["topic"] = "请写明学习培训的内容。"
    if due < 1:
        problems["due"] = "应到人数至少 1 人。"
    if present > due:
        problems["present"] = f"实到 {present} 人，多于应到 {due} 人，请核对。"
    if not problems and Training.objects.filter(branch=branch, held_on=held_on, topic=topic).exists():
        problems["topic"] = "这一天已登记过同样内容的学习培训。"
    if problems:
        raise RefusedError(problems.values(), problems)
    row = Training.objects.create(
        branch=branch, held_on=held_on, topic=topic, due=due, present=present, entered_by=by, entered_at=now
    )
    audit.record(
        by=by, action="training.record", thing=row, branch=branch, summary=f"登记学习培训，实到 {present}/{due} 人",
        after={"held_on": str(held_on), "topic": topic, "due": due, "present": present},
    )  # fmt: skip
    return row


@transaction.atomic
def remove(*, by: Account | None, training: Training) -> None:
    """Take a record back that was entered by mistake. Raises RefusedError when it is gone already."""
    row = Training.objects.select_for_update().filter(pk=training.pk).select_related("branch").first()
    if row is None:
        refuse("这条登记已经删除。")
        return
    audit.record(
        by=by, action="training.remove", thing=row, branch=row.branch, summary="删除一条学习培训登记",
        before={"held_on": str(row.held_on), "topic": row.topic, "due": row.due, "present": row.present},
    )  # fmt: skip
    row.delete()
