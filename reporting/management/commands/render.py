"""`manage.py render`: an annex into a file, without the queue."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from branches.models import Branch
from grading.models import Round
from reporting.making.kinds import BY_SLUG, named
from reporting.making.orders import NothingToShowError, Order, stamp_for
from reporting.making.rendering import make_bytes


class Command(BaseCommand):
    """Render annex4, annex5 or scoring_sheet of a round for a unit."""

    help = "不经排队，直接把报表生成到文件：render annex5 --round 1 --unit ZZ01 --format pdf --output 汇总表.pdf"

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what, of which round, for whom, how, where to."""
        kinds = "，".join(f"{slug} {kind.label}" for slug, kind in BY_SLUG.items())
        parser.add_argument("kind", choices=sorted(BY_SLUG), help=kinds)
        parser.add_argument("--round", type=int, required=True, help="轮次编号（主键）")
        parser.add_argument("--unit", required=True, help="党委、党总支或党支部的编号")
        parser.add_argument("--format", choices=("xlsx", "pdf"), required=True, help="格式")
        parser.add_argument("--output", type=Path, required=True, help="写到哪个文件")
        parser.add_argument("--each", action="store_true", help="每个单位一份，打成压缩包")
        parser.add_argument("--merged", action="store_true", help="多份合订成一个带书签的 PDF")

    def handle(self, *_args: Any, kind: str, unit: str, output: Path, **options: Any) -> None:
        """Render, and say where the file is."""
        round_ = Round.objects.select_related("campaign__root", "scale").filter(pk=options["round"]).first()
        if round_ is None:
            raise CommandError(f"没有编号为 {options['round']} 的轮次。")
        node = Branch.objects.filter(code=unit).first()
        if node is None:
            raise CommandError(f"没有编号为 {unit} 的党组织。")
        chosen = named(round_)[kind]
        if node.level not in chosen.levels:
            raise CommandError(f"{chosen.label}不能按{node.get_level_display()}导出。")
        if not output.parent.is_dir():
            raise CommandError(f"没有 {output.parent} 这个目录。")
        if options["merged"] and options["format"] != "pdf":
            raise CommandError("只有 PDF 能合订。")
        order = Order(chosen, round_, node, options["format"], options["each"], options["merged"])
        try:
            content, name = make_bytes(order, stamp_for())
        except NothingToShowError as problem:
            raise CommandError(str(problem)) from problem
        output.write_bytes(content)
        self.stdout.write(f"{output}（{name}，{len(content)} 字节）")
