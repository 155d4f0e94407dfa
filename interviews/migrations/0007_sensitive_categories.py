"""Categories of problems loaded before 0006 had no mark: they get the preset's, where nobody has changed them since.

Whoever saved a category on its page has seen the mark there and left it: that was a choice. Sections of a report's
sheet that bear one name, which only a preset can have made, are told apart, so that 0008 can ask for it.
"""

import tomllib
from pathlib import Path

from django.conf import settings
from django.db import migrations


def shipped():
    """Return name by code of the categories that are shipped as sensitive; nothing where the file is gone."""
    path = Path(settings.BASE_DIR) / "presets" / "interviews-matters.toml"
    content = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {row["code"]: row["name"] for row in content.get("categories", ()) if row.get("sensitive")}


def mark(apps, schema_editor):
    """Mark each category as it was shipped, unless somebody saved it."""
    names = shipped()
    rows = apps.get_model("interviews", "MatterCategory").objects.filter(sensitive=False, version=1, code__in=names)
    found = [row.pk for row in rows if row.name == names[row.code]]
    rows.filter(pk__in=found).update(sensitive=True)


def tell_apart(apps, schema_editor):
    """Number sections of one name within a campaign."""
    seen = {}
    for row in apps.get_model("interviews", "ReportSection").objects.order_by("campaign", "position", "pk"):
        names = seen.setdefault(row.campaign_id, set())
        name, number = row.name, 2
        while name in names:
            name, number = f"{row.name[:55]}（{number}）", number + 1
        names.add(name)
        if name != row.name:
            row.name = name
            row.save(update_fields=["name"])


class Migration(migrations.Migration):
    dependencies = [
        ("branches", "0002_calendar"),
        ("interviews", "0006_words_in_use"),
    ]

    operations = [
        migrations.RunPython(mark, migrations.RunPython.noop),
        migrations.RunPython(tell_apart, migrations.RunPython.noop),
    ]
