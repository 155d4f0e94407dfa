"""Rounds opened before returns were rows ask for what the notice asks for: the stamped 附件5 of each 党总支."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def ask_for_annex5(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    returns = apps.get_model("grading", "RoundReturn")
    rounds = apps.get_model("grading", "Round").objects.filter(returns__isnull=True)
    returns.objects.bulk_create(
        returns(round=round_, ordinal=1, kind="annex5", level="general_branch", name="附件5 党支部分类定级汇总表")
        for round_ in rounds
    )


class Migration(migrations.Migration):
    dependencies = [("grading", "0002_round_returns")]

    operations = [migrations.RunPython(ask_for_annex5, migrations.RunPython.noop)]
