"""`manage.py interview_keys …`: rotate the master key, back up and restore wrapped keys, replay the erasure journal."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from branches import clock
from interviews.services import erasure, keys, vaults
from interviews.vault.faults import VaultError


class Command(BaseCommand):
    """Keys of sealed talks (docs/interviews.md)."""

    help = "访谈密钥：create 生成首把主密钥，rotate 更换，backup/restore 备份和恢复记录密钥，replay 重放删除登记。"

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what to do, and a file to restore."""
        parser.add_argument("what", choices=["create", "rotate", "backup", "restore", "replay"])
        parser.add_argument("file", type=Path, nargs="?")

    def handle(self, *_args: Any, what: str, file: Path | None = None, **_options: Any) -> None:
        """Do it and say what came of it."""
        try:
            self.stdout.write(getattr(self, f"_{what}")(file))
        except (VaultError, OSError) as problem:
            raise CommandError(str(problem)) from problem

    def _create(self, _file: Path | None) -> str:
        name = vaults.ready().keks.active()
        return f"访谈主密钥 {name} 已就绪。请把主密钥文件另存一份到安全处：丢失后访谈内容无法打开。"

    def _rotate(self, _file: Path | None) -> str:
        done = keys.rotate(by=None, now=clock.now())
        said = (
            f"已换用主密钥 {done.key}，重新包裹 {done.rewrapped} 条记录的密钥，销毁旧主密钥 {len(done.destroyed)} 把。"
        )
        return said + "旧的记录密钥备份已销毁，换成新做的一份。请另存新的主密钥，并销毁旧主密钥的副本。"

    def _backup(self, _file: Path | None) -> str:
        done = keys.back_up(now=clock.now())
        return f"已备份 {done.keys} 条记录的密钥到 {done.path}，粉碎过期备份 {done.shredded} 份。"

    def _restore(self, file: Path | None) -> str:
        if file is None:
            raise CommandError("请写明备份文件。")
        done = keys.restore(path=file, now=clock.now())
        return f"恢复了 {done.keys} 条记录的密钥。" + _said(done.replayed) + _warning()

    def _replay(self, _file: Path | None) -> str:
        return _said(erasure.replay(now=clock.now())) + _warning()


def _said(done: erasure.Replayed) -> str:
    return f"删除登记已重放：又销毁 {done.keys} 把密钥，清除 {done.records} 条记录的密文。"


def _warning() -> str:
    """Say that nothing is known of erasures, which is right only where nothing was ever erased."""
    return "" if keys.journalled() else f"\n{keys.NO_JOURNAL}"
