"""One uploaded list of people on its way in: read as a long list, compared with the roster, imported at one stroke."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from branches import clock
from branches.intake.plain import read_plain
from branches.intake.shapes import Problem, Severity, Workbook
from branches.mapping_steps import MappingSteps
from branches.models import Account, Campaign, Upload
from branches.roster_steps import Question
from branches.scopes import Scope
from branches.services import uploads
from interviews.people_plan import PeoplePlan, known, plan_people
from interviews.people_sheet import TABLE, PeopleReading, read_people
from interviews.services.roster import PeopleOutcome, apply_people

KIND = "people"


@dataclass(frozen=True, slots=True)
class UnitLine:
    """One line of the preview's counts: a unit and its people by category."""

    name: str
    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.counts)


class PeopleSteps(MappingSteps):
    """The steps of a list of people."""

    table = TABLE

    def __init__(self, upload: Upload, campaign: Campaign, reach: Scope) -> None:
        """Keep where the list goes and how far the importer reaches."""
        super().__init__(upload)
        self.campaign, self.reach = campaign, reach

    @cached_property
    def workbook(self) -> Workbook:
        """The stored workbook. Raises RefusedUpload, or FileNotFoundError once it was purged."""
        return read_plain(self.upload.name, uploads.read(upload=self.upload))

    @property
    def complete(self) -> bool:
        """Whether the list names everybody of its units, so that who is missing leaves."""
        return bool(self.upload.choices.get("complete"))

    def say_complete(self, *, complete: bool) -> None:
        """Remember whether the list is complete."""
        uploads.choose(upload=self.upload, choices={**self.upload.choices, "complete": complete})

    @cached_property
    def reading(self) -> PeopleReading:
        """What the workbook says, by the mapping and the decisions."""
        return read_people(
            self.workbook,
            self.vocabulary,
            known(self.campaign, self.reach),
            mapping=self.chosen,
            decisions=self.decisions,
        )

    @cached_property
    def plan(self) -> PeoplePlan:
        """What importing would change."""
        return plan_people(self.campaign, self.reading, self.reach, complete=self.complete)

    def apply(self, by: Account) -> PeopleOutcome:
        """Import everything or nothing. Raises ImportRefused."""
        return apply_people(by=by, campaign=self.campaign, plan=self.plan, now=clock.now())

    def problems(self, level: str = "") -> list[Problem]:
        """Return the problems, errors first, in the order of the file; `level` keeps one kind."""
        ordered = sorted(self.plan.problems, key=lambda problem: problem.level is not Severity.ERROR)
        return [problem for problem in ordered if not level or problem.level.value == level]

    def questions(self) -> list[Question]:
        """Return the doubtful unit names with what may be meant, each once."""
        found: dict[str, Question] = {}
        for problem in self.plan.problems:
            if problem.code == "unit_unknown" and problem.suggestions:
                written = problem.reason.split("“", 1)[1].split("”", 1)[0]
                found.setdefault(written, Question(written, problem))
        return list(found.values())

    def counts(self) -> tuple[list[str], list[UnitLine], UnitLine]:
        """Return the categories met, the lines by unit, and their total."""
        met = Counter((row.unit, row.category) for row in self.reading.rows)
        codes = [code for code in self.plan.stored.categories if any(code == other for _, other in met)]
        names = {unit.key: unit.names[0] for unit in known(self.campaign, self.reach).units if unit.names}
        units = list(dict.fromkeys(row.unit for row in self.reading.rows))
        lines = [UnitLine(names.get(unit, ""), tuple(met[unit, code] for code in codes)) for unit in units]
        total = UnitLine("合计", tuple(sum(met[unit, code] for unit in units) for code in codes))
        return [self.plan.stored.categories[code].name for code in codes], lines, total
