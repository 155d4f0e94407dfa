"""`manage.py backup`: the database and every stored file into one archive."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from branches import clock
from interviews.services import keys
from interviews.vault.faults import VaultError
from reporting import backup


class Command(BaseCommand):
    """Runs while the product does; the copy is consistent."""

    help = "把数据库和全部文件备份成一个文件。"

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the directory."""
        parser.add_argument("--to", type=Path, default=None, help="放备份的目录，默认 var/backups")

    def handle(self, *_args: Any, to: Path | None = None, **_options: Any) -> None:
        """Back up and say where it is."""
        try:
            made = backup.backup(to)
            # After the database: a record's key is there before its row.
            sealed = keys.back_up(now=clock.now())
        except (backup.BackupError, VaultError, OSError) as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(f"已备份到 {made.path}：{made.rows} 行数据，{made.files} 个文件，{made.size / 2**20:.1f} MB")
        self.stdout.write("备份未加密，含个人信息，请只放在办公室可读的地方；密钥 var/secret_key 请另行保存。")
        if sealed.keys:
            self.stdout.write(f"访谈记录的密钥另备份在 {sealed.path}（{sealed.keys} 条，不能和数据库备份放在一起）。")
