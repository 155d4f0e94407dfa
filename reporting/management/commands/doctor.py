"""`manage.py doctor`: is this installation well, and what to do where it is not."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from reporting import doctor

MARKS = {"ok": "正常", "warn": "注意", "bad": "异常"}


class Command(BaseCommand):
    """The exit code is 1 when something is red."""

    help = "检查数据库、后台进程、字体、磁盘、时钟等，并说明该怎么办。"
    requires_migrations_checks = False

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Print one line per finding."""
        styles = {"ok": self.style.SUCCESS, "warn": self.style.WARNING, "bad": self.style.ERROR}
        findings = doctor.examine()
        for finding in findings:
            line = f"[{MARKS[finding.state]}] {finding.name}：{finding.said}"
            self.stdout.write(styles[finding.state](line))
            if finding.remedy:
                self.stdout.write(f"       怎么办：{finding.remedy}")
        if not doctor.is_well(findings):
            sys.exit(1)
