"""From an office's workbook to the tree: plan (what would change), then apply (everything or nothing)."""

from branches.importers.roster_apply import apply_roster
from branches.importers.roster_plan import plan_roster
from branches.importers.shapes import (
    AbsentEntry,
    BranchEntry,
    FieldChange,
    ImportRefused,
    RosterOutcome,
    RosterPlan,
    Step,
    UnitEntry,
)
from branches.intake.vocabulary import Vocabulary, load_vocabulary
from branches.models import Category, HeaderWord
from branches.services.words import WORDS_FILE

__all__ = [
    "AbsentEntry",
    "BranchEntry",
    "FieldChange",
    "ImportRefused",
    "RosterOutcome",
    "RosterPlan",
    "Step",
    "UnitEntry",
    "apply_roster",
    "plan_roster",
    "site_vocabulary",
]


def site_vocabulary() -> Vocabulary:
    """Return the words of presets/words.toml with the headings and the categories this site has taught."""
    vocabulary = load_vocabulary(WORDS_FILE).extended(HeaderWord.objects.values_list("table", "field", "word"))
    categories = list(Category.objects.values_list("code", "name", "synonyms"))
    return vocabulary.with_categories(categories) if categories else vocabulary
