"""`manage.py import_roster FILE [--check] [--json]`: the same import as in the browser."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from branches import clock
from branches.importers import ImportRefused, RosterPlan, apply_roster, plan_roster, site_vocabulary
from branches.importers.roster_tree import load_tree
from branches.intake.roster import read_roster
from branches.intake.uploads import RefusedUpload
from branches.intake.workbook import read_workbook
from branches.models import Branch


class Command(BaseCommand):
    """Import a roster of Party branches, or only say what importing it would change."""

    help = "导入党支部花名册（.xlsx、.xls）；--check 只检查并预览，不写入。"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("file", type=Path, help="花名册文件")
        parser.add_argument("--check", action="store_true", help="只检查，不写入")
        parser.add_argument("--json", action="store_true", help="以 JSON 输出")
        parser.add_argument(
            "--same", action="append", default=[], metavar="写法=名称", help="确认某个名称指的是哪一个，可多次使用"
        )

    def handle(self, **options: Any) -> None:
        """Read, plan and (without --check) write. Exits with 1 when the file has errors."""
        plan, vocabulary = self._plan(options)
        written = False
        if plan.ok and not options["check"]:
            try:
                apply_roster(plan, by=None, now=clock.now(), vocabulary=vocabulary)
            except ImportRefused as error:
                raise CommandError(str(error)) from error
            written = not plan.changes_nothing
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(plan, written=written), ensure_ascii=False, indent=2))
        else:
            self._print(plan, check=options["check"])
        if not plan.ok:
            errors = sum(problem.level == "error" for problem in plan.problems)
            raise CommandError(f"有{errors}条错误，一行也没有写入。")

    def _plan(self, options: dict[str, Any]) -> tuple[RosterPlan, Any]:
        path: Path = options["file"]
        root = Branch.objects.filter(placements__parent__isnull=True, placements__ends_on__isnull=True).first()
        if root is None:
            raise CommandError("还没有党委。请先完成首次设置，再导入花名册。")
        decisions = dict(text.partition("=")[::2] for text in options["same"])
        vocabulary, today = site_vocabulary(), clock.today()
        try:
            workbook = read_workbook(path.name, path.read_bytes())
        except OSError as error:
            raise CommandError(f"读不到文件：{path}") from error
        except RefusedUpload as error:
            raise CommandError(str(error)) from error
        known = load_tree(root, today).unit_names()
        reading = read_roster(workbook, vocabulary, known_units=known, decisions=decisions)
        return plan_roster(reading, root=root, today=today, vocabulary=vocabulary, decisions=decisions), vocabulary

    def _print(self, plan: RosterPlan, *, check: bool) -> None:
        for problem in plan.problems:
            self.stdout.write(f"[{problem.level.zh}] {problem.zh()}")
        for note in plan.notes:
            self.stdout.write(f"[说明] {note}")
        for entry in plan.changed:
            changes = "；".join(f"{c.label}：{c.before or '空'} → {c.after}" for c in entry.changes)
            self.stdout.write(f"[变更] {entry.row.name}：{changes}")
        if plan.ok:
            self.stdout.write(("（只检查，未写入）" if check else "") + plan.summary())


def _as_json(plan: RosterPlan, *, written: bool) -> dict[str, Any]:
    return {
        "ok": plan.ok,
        "written": written,
        "summary": plan.summary(),
        "totals": asdict(plan.reading.totals),
        "problems": [
            {"sheet": p.sheet, "cell": p.cell, "level": p.level.value, "reason": p.reason, "suggestions": p.suggestions}
            for p in plan.problems
        ],
        "notes": plan.notes,
        "new_units": [unit.name for unit in plan.new_units],
        "new": [entry.row.name for entry in plan.new],
        "changed": [
            {
                "name": entry.row.name,
                "changes": [{"label": c.label, "before": c.before, "after": c.after} for c in entry.changes],
            }
            for entry in plan.changed
        ],
        "unchanged": len(plan.unchanged),
        "absent": [entry.name for entry in plan.absent],
    }
