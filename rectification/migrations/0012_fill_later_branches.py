"""Plans of 党支部 set up after their round was frozen learn what they hung under when the plan was begun."""

from django.db import migrations
from django.db.models import Q
from django.utils import timezone


def _placement(rows, day):
    """Return the placement in force on a day, else the newest one."""
    here = rows.filter(Q(ends_on__isnull=True) | Q(ends_on__gt=day), starts_on__lte=day)
    return here.first() or rows.order_by("-starts_on").first()


def fill(apps, schema_editor):
    """Give each plan of a 党支部 without a frozen copy the superior of then, with its name of then."""
    placements = apps.get_model("branches", "Placement").objects
    plans = apps.get_model("rectification", "Plan").objects.filter(unit__isnull=True, branch__level="branch")
    for plan in plans:
        day = timezone.localdate(plan.created_at)
        placed = _placement(placements.filter(branch=plan.branch_id, parent__isnull=False), day)
        named = placed and _placement(placements.filter(branch=placed.parent_id), day)
        if named:
            plan.under_id, plan.under_name = placed.parent_id, named.name
            plan.save(update_fields=["under", "under_name"])


class Migration(migrations.Migration):
    dependencies = [
        ("branches", "0002_calendar"),
        ("rectification", "0011_later_branches"),
    ]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
