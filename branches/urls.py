"""URLs of the organisation, the campaign and the accounts."""

from django.urls import path

from branches.views import drafts, styleguide

urlpatterns = [
    path("styleguide/", styleguide.styleguide, name="styleguide"),
    path("drafts/<slug:form>/<slug:key>/", drafts.save, name="draft"),
]
