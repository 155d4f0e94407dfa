"""Targets of printed forms: a code, a scan that came back, its file, what a round asks for."""

from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.factories.forms import FormVersionFactory, ScanFactory, ScanPageFactory
from tests.matrix.targets import Call, target
from tests.matrix.targets.grading import _round
from tests.matrix.world import World


def _form(world: World, relation: str):  # type: ignore[no-untyped-def]
    """A version of 附件4 printed before an upgrade: nothing is gathered to compare it."""
    return FormVersionFactory(kind="annex4", round=_round(world), unit=world.branch(relation), shape="0" * 16)


@target("code", "own", "sibling", "other")
def code(world: World, relation: str, _name: str) -> Call:
    """附件4 of a branch by its code, with a signed copy to attach."""
    signed = SimpleUploadedFile("附件4.pdf", b"%PDF-1.4 signed", content_type="application/pdf")
    return Call({"code": _form(world, relation).code}, {"files": signed})


@target("code_typed", "own", "sibling", "other")
def code_typed(world: World, relation: str, _name: str) -> Call:
    """The same code, typed into the form that asks for one."""
    return Call({}, query=f"?code={_form(world, relation).code.lower()}")


@target("scan", "own", "sibling", "other")
def scan(world: World, relation: str, _name: str) -> Call:
    """A signed copy of 附件4 of a branch."""
    return Call({"pk": ScanFactory(form=_form(world, relation)).pk}, {"reason": "盖错章"})


@target("scan_page", "own", "sibling", "other")
def scan_page(world: World, relation: str, _name: str) -> Call:
    """A file of a signed copy."""
    row = ScanPageFactory(scan__form=_form(world, relation))
    row.file.save("x.pdf", ContentFile(b"%PDF-1.4"), save=True)
    return Call({"pk": row.pk})


@target("return_rules")
def return_rules(world: World, _relation: str, _name: str) -> Call:
    """What the round asks for."""
    row = _round(world)
    return Call({"pk": row.pk}, {"option": "annex4", "version": row.version})
