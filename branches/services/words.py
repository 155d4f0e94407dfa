"""Loading the office's words (presets/words.toml) into rows: categories with their synonyms."""

from pathlib import Path

from django.conf import settings
from django.db import transaction

from branches import audit
from branches.intake.vocabulary import Vocabulary, load_vocabulary
from branches.models import Account, Category

WORDS_FILE = Path(settings.BASE_DIR) / "presets" / "words.toml"


@transaction.atomic
def ensure_categories(*, by: Account | None, vocabulary: Vocabulary | None = None) -> list[Category]:
    """Create the categories of the vocabulary that are missing; those a site has changed stay as they are."""
    words = vocabulary or load_vocabulary(WORDS_FILE)
    rows = []
    for position, category in enumerate(words.categories, start=1):
        row, created = Category.objects.get_or_create(
            code=category.code,
            defaults={"name": category.name, "synonyms": list(category.words), "position": position},
        )
        if created:
            audit.record(by=by, action="category.add", thing=row, summary=f"新增支部类别：{row.name}")
        rows.append(row)
    return rows
