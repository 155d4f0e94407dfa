"""`manage.py worker`: everything that works in the background."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from reporting.workers import supervisor as worker


class Command(BaseCommand):
    """Supervise one light and N heavy Celery workers; SIGTERM or Ctrl-C stops them all."""

    help = "运行后台进程，生成报表；按 Ctrl-C 停止。"
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the number of heavy workers; --role is what the supervisor starts its members with."""
        parser.add_argument("--heavy", type=int, default=settings.HEAVY_WORKERS, help="生成报表的进程数")
        parser.add_argument("--role", choices=("light", "heavy"), help="只运行一个进程，不设监护")
        parser.add_argument("--number", type=int, default=1, help="这一个进程的序号")

    def handle(self, *_args: Any, heavy: int, role: str | None, number: int, **_options: Any) -> None:
        """Run until asked to stop."""
        if role is None:
            worker.Supervisor(heavy=heavy).run()
            return
        worker.run_member(role, number)
