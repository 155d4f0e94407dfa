"""Factories of form versions and of the signed copies that came back."""

import factory
from factory.django import DjangoModelFactory

from branches import clock
from reporting import models
from reporting.making.documents import shape_of
from reporting.paper.form_codes import form_code
from tests.factories import branches, grading


class FormVersionFactory(DjangoModelFactory):
    """A form that was made; its digest is of nothing that exists unless it is given."""

    class Meta:
        model = models.FormVersion

    kind = "annex5"
    round = factory.SubFactory(grading.RoundFactory)
    unit = factory.SubFactory(branches.BranchFactory)
    digest = factory.Sequence(lambda n: f"{n:064x}")
    shape = factory.LazyAttribute(lambda made: shape_of(made.kind))
    code = factory.LazyAttribute(lambda made: form_code(made.kind, made.round.pk, made.unit.pk, made.digest))
    first_made_at = factory.LazyFunction(clock.now)


class ScanFactory(DjangoModelFactory):
    """A signed copy that came back; its files come with ScanPageFactory."""

    class Meta:
        model = models.Scan

    form = factory.SubFactory(FormVersionFactory)
    attached_at = factory.LazyFunction(clock.now)


class ScanPageFactory(DjangoModelFactory):
    """A file of a scan, in the rows only."""

    class Meta:
        model = models.ScanPage

    scan = factory.SubFactory(ScanFactory)
    ordinal = factory.Sequence(lambda n: n + 1)
    file = "scans/00/none.pdf"
    name = "附件5盖章.pdf"
    size = 1000
    sha256 = factory.Sequence(lambda n: f"{n:064x}")
    content_type = "application/pdf"
