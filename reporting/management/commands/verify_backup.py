"""`manage.py verify_backup FILE`: read every byte and open the database."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from reporting import backup


class Command(BaseCommand):
    """Changes nothing."""

    help = "逐字节核对一份备份，并打开其中的数据库。"

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the file."""
        parser.add_argument("file", type=Path)

    def handle(self, *_args: Any, file: Path, **_options: Any) -> None:
        """Verify and say what is in it."""
        try:
            held = backup.verify(file)
        except backup.BackupError as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(f"备份完好：{held.made_at} 所做，{held.rows} 行数据，{held.files} 个文件")
