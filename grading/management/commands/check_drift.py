"""`manage.py check_drift`: compute final rounds again and report which frozen results would differ; writes nothing."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from grading.models import Result, Round
from grading.services import freezing


class Command(BaseCommand):
    """Exit code 0 when every frozen result still comes out, 1 otherwise."""

    help = "重新计算已定级的轮次，报告与固定结果的出入；只报告，不改动"

    def add_arguments(self, parser: CommandParser) -> None:
        """Take one round; all final ones without it."""
        parser.add_argument("--round", type=int, help="轮次编号；不写则核对全部")

    def handle(self, *_args: Any, round: int | None = None, **_options: Any) -> None:  # noqa: A002
        """Print one line per round, and one per branch and difference."""
        rounds = Round.objects.filter(state=Round.State.FINAL).select_related("campaign", "scale")
        if round is not None:
            rounds = rounds.filter(pk=round)
            if not rounds.exists():
                raise CommandError("没有这一轮，或者它还没有定级。")
        total = 0
        for one in rounds.order_by("finalised_at"):
            found = freezing.drift(one)
            frozen = Result.objects.filter(unit__round=one, frozen_at__isnull=False).current().count()
            ending = f"有出入 {len(found)} 个" if found else "没有出入"
            self.stdout.write(f"{one.campaign.name}{one.name}：{frozen} 个支部，{ending}")
            for row in found:
                for text in row.sentences:
                    self.stdout.write(f"  {row.unit.name}：{text}")
            total += len(found)
        if total:
            raise CommandError(f"{total} 个支部的定级结果有出入。系统没有改动任何结果，请先查明原因。")
