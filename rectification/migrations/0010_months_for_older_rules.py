"""Rules stored before 0006 know nothing of how long a pause lasts and the log is kept: they get what the preset says.

Months that somebody left empty on the page of rules since then stay empty: that was a choice.
"""

import tomllib
from pathlib import Path

from django.conf import settings
from django.db import migrations

FIELDS = ("pause_months", "log_months")


def shipped():
    """Return what is shipped for every campaign; nothing where the file is not there (any more)."""
    path = Path(settings.BASE_DIR) / "presets" / "rectification.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def fill(apps, schema_editor):
    """Give each rule without months those of its campaign's preset, unless somebody saved it so."""
    entries = apps.get_model("branches", "AuditEntry").objects.filter(
        action="rectification.rules", thing="rectification.rectificationrules"
    )
    for rules in apps.get_model("rectification", "RectificationRules").objects.select_related("campaign"):
        content = shipped() | rules.campaign.preset.get("rectification", {})
        saved = entries.filter(thing_id=str(rules.pk))
        empty = [name for name in FIELDS if getattr(rules, name) is None and content.get(name)]
        left = [name for name in empty if not saved.filter(detail__after__has_key=name).exists()]
        for name in left:
            setattr(rules, name, content[name])
        if left:
            rules.save(update_fields=left)


class Migration(migrations.Migration):
    dependencies = [
        ("branches", "0002_calendar"),
        ("rectification", "0009_leaders_verify_nothing"),
    ]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
