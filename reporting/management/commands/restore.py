"""`manage.py restore FILE`: fill an empty installation from a backup."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from branches import clock
from interviews.models import SealedRecord
from interviews.services import erasure, keys
from reporting import backup


class Command(BaseCommand):
    """Refuses to overwrite an installation somebody uses."""

    help = "把一份备份恢复到空的系统中。"
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the file."""
        parser.add_argument("file", type=Path)

    def handle(self, *_args: Any, file: Path, **_options: Any) -> None:
        """Restore and say what to do next."""
        try:
            held = backup.restore(file)
        except backup.BackupError as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(f"已恢复 {held.made_at} 的备份：{held.rows} 行数据，{held.files} 个文件")
        self.stdout.write(self._replay())
        self.stdout.write("行数和文件都已核对。下一步：运行 manage.py migrate，再运行 manage.py doctor。")

    def _replay(self) -> str:
        """Carry out again what was erased after the backup was made."""
        try:
            done = erasure.replay(now=clock.now())
        except DatabaseError:
            return "这份备份的表结构较旧：运行 manage.py migrate 后，再运行 manage.py interview_keys replay。"
        said = f"访谈的删除登记已重放：又销毁 {done.keys} 把密钥，清除 {done.records} 条记录的密文。"
        return said if keys.journalled() or not SealedRecord.objects.exists() else f"{said}\n{keys.NO_JOURNAL}"
