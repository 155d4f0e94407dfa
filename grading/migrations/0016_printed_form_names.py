"""Rounds begun before names of forms were rows keep those that were printed on them."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def keep_printed_names(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    forms = apps.get_model("grading", "RoundForm")
    steps = apps.get_model("grading", "RoundStep")
    surveyed = set(steps.objects.filter(code="survey").values_list("round_id", flat=True))
    names = []
    for pk in apps.get_model("grading", "Round").objects.values_list("pk", flat=True):
        survey = "调查摸底与" if pk in surveyed else ""
        names += [
            forms(round_id=pk, kind="annex4", number="附件4", title=f"党支部{survey}分类定级表"),
            forms(round_id=pk, kind="annex5", number="附件5", title="党支部分类定级汇总表"),
            forms(round_id=pk, kind="annex6", number="附件6", title="党支部整改汇总表"),
        ]
    forms.objects.bulk_create(names)


class Migration(migrations.Migration):
    dependencies = [("grading", "0015_form_names")]

    operations = [migrations.RunPython(keep_printed_names, migrations.RunPython.noop)]
