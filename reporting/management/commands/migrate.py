"""As Django's, but an empty database gets its tables straight from the models: seconds, where the steps take minutes.

tests/test_migrations.py holds that both ways lead to the same tables; `--one-by-one` runs the steps all the same.
"""

from typing import Any

from django.apps import apps
from django.core.management.base import CommandParser
from django.core.management.commands import migrate
from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

ASKED = ("app_label", "fake", "fake_initial", "plan", "check_unapplied", "run_syncdb", "prune", "one_by_one")


class Command(migrate.Command):
    """`manage.py migrate`, quick on an empty database."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the way through every step."""
        super().add_arguments(parser)
        parser.add_argument("--one-by-one", action="store_true", help="Run every migration, on an empty database too.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the tables of an empty database at once; then let Django do what is left, signals included."""
        connection = connections[options["database"]]
        if not any(options.get(name) for name in ASKED) and not connection.introspection.table_names():
            make_tables(connection)
        options.pop("one_by_one", None)
        super().handle(*args, **options)


def make_tables(connection: BaseDatabaseWrapper) -> None:
    """Make the table of every model and note every migration as applied, in one transaction."""
    recorder = MigrationRecorder(connection)
    with connection.schema_editor() as editor:
        editor.create_model(recorder.Migration)
        for app in apps.get_app_configs():
            for model in router.get_migratable_models(app, connection.alias, include_auto_created=False):
                if model._meta.can_migrate(connection):
                    editor.create_model(model)
        steps = sorted(MigrationLoader(None).graph.nodes)
        recorder.migration_qs.bulk_create(recorder.Migration(app=label, name=name) for label, name in steps)
