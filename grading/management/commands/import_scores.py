"""`manage.py import_scores --round N --source S FILE`: results, ballot counts, or points of the sheets of a source."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from branches import clock
from branches.intake.annual import Answer
from branches.intake.uploads import RefusedUpload
from grading import importers, importers_marks
from grading.models import Round, Source
from grading.services.errors import RefusedError

PLANS: dict[str, tuple[Any, Any]] = {
    Source.Kind.ANNUAL: (importers.plan_annual, importers.apply_annual),
    Source.Kind.APPRAISAL: (importers.plan_counts, importers.apply_counts),
    Source.Kind.SHEET: (importers_marks.plan_marks, importers_marks.apply_marks),
}
ANSWERS = "、".join(answer.value for answer in Answer)


class Command(BaseCommand):
    """Read a workbook for one source of a round, say what it would record, and record all of it or nothing."""

    help = "导入一轮某个来源的结果（考核结果、评议票数、评分表得分）；--check 只检查，不写入。"

    def add_arguments(self, parser: CommandParser) -> None:
        """Take round, source, file and the answers to its doubts."""
        parser.add_argument("file", type=Path, help="工作簿（.xlsx、.xls）")
        parser.add_argument("--round", type=int, required=True, help="轮次编号（主键）")
        parser.add_argument("--source", required=True, help="来源代码，如 annual、appraisal、superior")
        parser.add_argument("--check", action="store_true", help="只检查，不写入")
        parser.add_argument(
            "--same",
            action="append",
            default=[],
            metavar="写法=支部",
            help="某个写法指哪个支部，空为不导入",
        )
        parser.add_argument(
            "--answer", action="append", default=[], metavar="工作表!行=取舍", help=f"等次与得分不一致时：{ANSWERS}"
        )
        parser.add_argument("--void", action="store_true", help="票数自相矛盾的行按无效处理")

    def handle(self, *_: Any, **options: Any) -> None:
        """Plan, print, and (without --check) record. Exits with 1 while anything stands against it."""
        source = _source(options["round"], options["source"])
        make, apply = PLANS[source.kind]
        plan = self._plan(make, source, options)
        self._print(plan)
        if not plan.ready:
            raise CommandError("还有错误或待确认的名称，一行也没有写入。")
        if options["check"]:
            self.stdout.write("（只检查，未写入）")
            return
        try:
            done = apply(by=None, plan=plan, now=clock.now())
        except RefusedError as error:
            raise CommandError("\n".join(error.sentences)) from error
        self.stdout.write(f"已录入 {done.recorded} 个支部，免计 {done.exempted} 个，没有变化 {done.unchanged} 个。")
        for draft in done.drafts:
            self.stdout.write(f"[存为草稿，没有提交] {draft}")

    def _plan(self, make: Any, source: Source, options: dict[str, Any]) -> Any:
        path: Path = options["file"]
        try:
            answers = {place: Answer(what) for place, _, what in (text.rpartition("=") for text in options["answer"])}
            workbook = importers.open_workbook(path.name, path.read_bytes())
            given = importers.Doubts({}, answers, void_contradictions=options["void"])
            units = list(source.round.units.select_related("branch", "rubric"))  # without a grade too: they are scored
            plan = make(source=source, units=units, workbook=workbook, doubts=given)
            meant = dict(text.partition("=")[::2] for text in options["same"])
            asked = {line.row.name for line in plan.open_questions}
            if unasked := [f"“{written}”" for written in meant if written not in asked]:
                raise CommandError(f"--same 里的{'、'.join(unasked)}不是待确认的写法，请核对。")
            names = {line.position: _key(line, meant) for line in plan.open_questions if line.row.name in meant}
            given = importers.Doubts(names, answers, void_contradictions=options["void"])
            return make(source=source, units=units, workbook=workbook, doubts=given)
        except OSError as error:
            raise CommandError(f"读不到文件：{path}") from error
        except RefusedUpload as error:
            raise CommandError(str(error)) from error
        except (KeyError, ValueError) as error:
            raise CommandError(f"有一个回答用不上：{error}。--answer 可用 {ANSWERS}。") from error

    def _print(self, plan: Any) -> None:
        for problem in plan.problems:
            self.stdout.write(f"[{problem.level.zh}] {problem.zh()}")
        for line in plan.lines:
            where = f"{line.unit.code} {line.unit.name}" if line.unit is not None else line.row.name
            before = f"，原为{line.before}" if line.before else ""
            offered = "、".join(proposal.name for proposal in line.proposals)
            asked = f'：是否指{offered}？用 --same "{line.row.name}=支部" 回答' if offered else ""
            if line.fate is not importers.Fate.SAME:
                lack = f"；还缺：{plan.lacks[line.position]}" if line.position in plan.lacks else ""
                self.stdout.write(f"[{line.fate.zh}] {where}{before}{asked}{lack}")
        for unit in plan.missing:
            self.stdout.write(f"[文件中没有] {unit.code} {unit.name}")


def _source(round_pk: int, code: str) -> Source:
    """Return the source. Raises CommandError when the round lacks it, or when it is no source of a file."""
    round_ = Round.objects.filter(pk=round_pk).first()
    if round_ is None:
        raise CommandError(f"没有编号为 {round_pk} 的轮次。")
    sources = {source.code: source for source in round_.sources.select_related("round")}
    importable = {known: source for known, source in sources.items() if source.kind in PLANS}
    if code not in importable:
        offered = "、".join(f"{source.code}（{source.name}）" for source in importable.values())
        raise CommandError(f"{round_.name}没有可从文件导入的来源“{code}”。可用：{offered or '无'}。")
    return importable[code]


def _key(line: Any, meant: dict[str, str]) -> str | None:
    """Return the offered branch a person meant by name. Raises ValueError when it was not offered."""
    wanted = meant[line.row.name].strip()
    if not wanted:
        return None
    for proposal in line.proposals:
        if wanted == proposal.name:
            return str(proposal.key)
    raise ValueError(f"“{line.row.name}”没有“{wanted}”这个候选")
