"""`manage.py grade --round N [--json]`: what every branch of a round gets, and why. Nothing is written."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from grading import scoring
from grading.models import Result, Round, RoundUnit, VetoReview
from grading.scoring.explain import Step
from grading.services.results import derivation_of, derive, flags_of, graded_units


class Command(BaseCommand):
    """Print composites, grades and flags, with the steps that led there; --json prints whole derivations.

    A proposed, decided or frozen grade is printed from what was stored with it, the others as the inputs stand now.
    """

    help = "打印一轮的综合得分、等级、标记和推算过程；--json 输出完整推算。不写入任何数据。"

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the round and how to print."""
        parser.add_argument("--round", type=int, required=True, help="轮次编号（主键）")
        parser.add_argument("--unit", help="只打印一个党支部（编号）")
        parser.add_argument("--steps", action="store_true", help="每个支部后附推算过程")
        parser.add_argument("--json", action="store_true", help="以 JSON 输出")

    def handle(self, *_: Any, **options: Any) -> None:
        """Compute, choose and print."""
        round_ = Round.objects.select_related("campaign", "scale").filter(pk=options["round"]).first()
        if round_ is None:
            known = "；".join(f"{row.pk} {row.campaign.name} {row.name}" for row in Round.objects.order_by("pk"))
            raise CommandError(f"没有编号为 {options['round']} 的轮次。现有：{known or '无'}。")
        units = graded_units(round_)
        fresh = derive(round_, units)
        stored = {result.unit_id: result for result in Result.objects.filter(unit__round=round_).current()}
        chosen = [unit for unit in units if options["unit"] in (None, unit.branch.code)]
        if options["unit"] and not chosen:
            raise CommandError(f"{round_.name}里没有编号为 {options['unit']} 的党支部。")
        checked = set(VetoReview.objects.filter(unit__in=chosen).values_list("unit_id", flat=True))
        lines = [_line(unit, stored.get(unit.pk), fresh[unit.pk], checked=unit.pk in checked) for unit in chosen]
        if options["json"]:
            document = {"campaign": round_.campaign.name, "round": round_.name, "state": round_.state, "units": lines}
            self.stdout.write(json.dumps(document, ensure_ascii=False, indent=2))
            return
        for line in lines:
            self._print(line, steps=options["steps"] or bool(options["unit"]))
        self.stdout.write(_closing(lines))

    def _print(self, line: dict[str, Any], *, steps: bool) -> None:
        grade = line["decided"] or line["proposed"] or line["computed"] or "—"
        manual = f"（人工，测算为{line['computed'] or '—'}）" if line["manual"] else ""
        flags = "　".join(line["flags"])
        self.stdout.write(f"{line['code']}\t{line['composite'] or '—'}\t{grade}{manual}\t{line['name']}\t{flags}")
        for sentence in (*line["blockers"], *(line["steps"] if steps else ())):
            self.stdout.write(f"\t{sentence}")


def _line(unit: RoundUnit, result: Result | None, fresh: scoring.Derivation, *, checked: bool) -> dict[str, Any]:
    """Return one branch as it is printed."""
    settled = result is not None and result.state != Result.State.COMPUTED and bool(result.derivation)
    derivation = derivation_of(result) if result is not None and settled else fresh
    composite = derivation.composite.rounded
    return {
        "code": unit.branch.code,
        "name": unit.name,
        "composite": None if composite is None else str(composite),
        "computed": derivation.grade.label if derivation.grade is not None else None,
        "proposed": result.proposed_grade.label if result is not None and result.proposed_grade is not None else None,
        "decided": result.decided_grade.label if result is not None and result.decided_grade is not None else None,
        "manual": result is not None and result.manual,
        "flags": list(flags_of(derivation)),
        "blockers": list(derivation.blockers),
        "steps": [_step(step) for step in scoring.explain_steps(derivation, vetoes_checked=checked)],
        "derivation": derivation.to_data(),
    }


def _step(step: Step) -> str:
    """Return one step as a line: what, how, and what came of it."""
    return f"{step.title}：{step.text}" + (f" → {step.result}" if step.result else "")


def _closing(lines: list[dict[str, Any]]) -> str:
    """Return how many branches stand in each grade, in the order they first occur."""
    counts: dict[str, int] = {}
    for line in lines:
        label = line["decided"] or line["proposed"] or line["computed"] or "未定"
        counts[label] = counts.get(label, 0) + 1
    parts = "，".join(f"{label} {count}" for label, count in counts.items())
    return f"共 {len(lines)} 个支部" + (f"：{parts}。" if parts else "。")
