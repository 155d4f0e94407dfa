"""`manage.py load_preset FILE_OR_DIR`: load a notice family, or say why it cannot be used."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from grading.presets import PresetError
from grading.services.presets import load_preset


class Command(BaseCommand):
    """Load rubrics, scales and campaigns of a preset; a changed one becomes a new version."""

    help = "载入预设（一个 .toml 文件，或整个目录，如 presets/2012）"

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the path."""
        parser.add_argument("path", type=Path, help="文件或目录")

    def handle(self, *_: Any, **options: Any) -> None:
        """Load, and say what is new, what was there, and what is doubtful."""
        path: Path = options["path"]
        if not path.exists():
            raise CommandError(f"没有找到 {path}。")
        try:
            loaded = load_preset(by=None, path=path)
        except PresetError as error:
            raise CommandError("\n".join(error.sentences)) from error
        for title in loaded.new:
            self.stdout.write(f"已载入：{title}")
        for title in loaded.unchanged:
            self.stdout.write(f"没有变化：{title}")
        for warning in loaded.warnings:
            self.stdout.write(f"请留意：{warning}")
