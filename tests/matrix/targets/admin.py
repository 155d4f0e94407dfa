"""Targets of the admin site: a row of whatever model the address is about, and an app's label."""

from django.apps import apps
from django.contrib.contenttypes.models import ContentType

from tests.factories.registry import model_factories
from tests.matrix.targets import Call, target
from tests.matrix.world import World


@target("admin_app")
def admin_app(_world: World, _relation: str, _name: str) -> Call:
    """The page of one app; `grading` stands for all."""
    return Call({"app_label": "grading"})


@target("admin_object")
def admin_object(_world: World, _relation: str, name: str) -> Call:
    """A row of the model in `admin:app_model_action`; made anew when the world has none."""
    label, rest = name.removeprefix("admin:").split("_", 1)
    models = {model._meta.model_name: model for model in apps.get_app_config(label).get_models()}
    model = models[max((known for known in models if rest.startswith(known)), key=len)]
    made = model._default_manager.first() or model_factories()[model]()
    return Call({"object_id": made.pk})


@target("admin_autocomplete")
def admin_autocomplete(_world: World, _relation: str, _name: str) -> Call:
    """The autocomplete of an arbitrary field."""
    return Call(query="?app_label=branches&model_name=rolegrant&field_name=account")


@target("admin_view_on_site")
def admin_view_on_site(world: World, _relation: str, _name: str) -> Call:
    """The page of a branch outside the maintenance site."""
    kind = ContentType.objects.get_for_model(world.school.root)
    return Call({"content_type_id": kind.pk, "object_id": str(world.school.root.pk)})
