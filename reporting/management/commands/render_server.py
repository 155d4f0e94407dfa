"""`manage.py render_server`: the warm process a heavy worker's children are forked from; people use `render`."""

import socket
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import connections

from reporting import scratch
from reporting.making import drawing
from reporting.tables import pdf
from reporting.workers import nursery, processes, renderer


class Command(BaseCommand):
    """Load everything, then fork a child for each order that comes over a socket."""

    help = "Fork renderers (started by the worker)."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the descriptor of the socket."""
        parser.add_argument("channel", type=int)

    def handle(self, *_args: Any, channel: int, **_options: Any) -> None:
        """Serve until the worker goes."""
        processes.die_with_parent()
        scratch.own()
        pdf.warm(settings.FONT_DIRS)
        drawing.maker()
        connections.close_all()
        with socket.socket(fileno=channel) as opened:
            nursery.serve(opened, renderer.work)
