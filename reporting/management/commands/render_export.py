"""`manage.py render_export`: the child process of a worker; people use `render`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from reporting import processes, renderer


class Command(BaseCommand):
    """Make the file of one claimed export and report as one line of JSON."""

    help = "Make the file of one claimed export (started by the worker)."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the row and the token of the claim."""
        parser.add_argument("export", type=int)
        parser.add_argument("--token", type=int, required=True)

    def handle(self, *_args: Any, export: int, token: int, **_options: Any) -> None:
        """Make it."""
        self.stdout.write(processes.as_line(renderer.main(export, token)))
