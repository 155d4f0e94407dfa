"""`manage.py interview_retention`: erase texts whose retention date has come, and print the proof."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from branches import clock
from interviews.models import SealedRecord
from interviews.services import erasure
from interviews.services.erasure import Erased


class Command(BaseCommand):
    """Safe to run daily; what was recorded as a fact stays and counts."""

    help = "清除保存期满的访谈正文（销毁密钥），并打印证明。"

    def add_arguments(self, parser: CommandParser) -> None:
        """Take a trial run and where to keep the proof."""
        parser.add_argument("--dry-run", action="store_true", help="只列出，不清除")
        parser.add_argument("--proof", type=Path, help="证明另存为这个文件")

    def handle(self, *_args: Any, dry_run: bool = False, proof: Path | None = None, **_options: Any) -> None:
        """Erase batch by batch and say what is proved."""
        day = clock.today()
        due = SealedRecord.objects.expired(day)
        if dry_run:
            self.stdout.write(f"{day:%Y-%m-%d}：有 {due.count()} 条记录保存期满，尚未清除。")
            return
        done: list[Erased] = []
        while batch := erasure.erase_expired(now=clock.now(), day=day):
            done += batch
        text = "\n".join([*map(_line, done), f"{day:%Y-%m-%d}：清除 {len(done)} 条，还剩期满未清除 {due.count()} 条。"])
        self.stdout.write(text)
        if proof is not None:
            proof.touch(mode=0o600)
            proof.write_text(text + "\n", encoding="utf-8")
        if not all(done) or due.exists():
            raise CommandError("有记录没有清除干净，请运行 manage.py doctor。")


def _line(one: Erased) -> str:
    key = "密钥已销毁" if one.key_gone else "密钥还在"
    text = "密文已清空" if one.text_gone else "密文还在"
    return f"{one.record} {key} {text} 登记：{one.line}"
