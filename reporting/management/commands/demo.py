"""`manage.py demo`: fill an empty demo database with an invented university and a campaign under way."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from branches.models import Branch
from reporting.demo import build
from reporting.demo.world import SCALES


class Command(BaseCommand):
    """Only ever writes into a demo database that holds no organisation yet."""

    help = "在空的演示数据库里装入一所虚构的高校。"

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the scale."""
        parser.add_argument("--scale", choices=sorted(SCALES), default="small")

    def handle(self, *_args: Any, scale: str, **_options: Any) -> None:
        """Build the world of that scale."""
        if not (settings.DEMO or settings.TESTING):
            message = "Not a demo database: set ZHIBU_DEMO=1 (it is a database of its own)."
            raise CommandError(message)
        if Branch.objects.exists():
            message = "This database already holds an organisation."
            raise CommandError(message)
        for line in build.build(scale):
            self.stdout.write(line)
