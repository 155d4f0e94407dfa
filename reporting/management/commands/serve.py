"""`manage.py serve`: what `make run` calls after set-up."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from reporting import serving


class Command(BaseCommand):
    """Migrate, fill a new demo, then run web and worker in the foreground until Ctrl-C."""

    help = "在前台运行网站和后台进程；按 Ctrl-C 停止。"
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the port."""
        parser.add_argument("--port", type=int, default=8000)

    def say(self, line: str) -> None:
        """Print a line at once, also into a pipe."""
        self.stdout.write(line)
        self.stdout.flush()

    def handle(self, *_args: Any, port: int, **_options: Any) -> None:
        """Serve; the exit code tells whether it was stopped on purpose."""
        try:
            code = serving.serve(port=port, say=self.say)
        except serving.CannotStart as problem:
            raise CommandError(str(problem)) from problem
        sys.exit(code)
