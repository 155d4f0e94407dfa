"""URLs of the organisation, the campaign and the accounts."""

from django.urls import path

from branches.views import accounts, drafts, first_run, session, styleguide
from branches.views import help as help_views

urlpatterns = [
    path("login/", session.sign_in, name="login"),
    path("logout/", session.sign_out, name="logout"),
    path("activate/", session.activate, name="activate"),
    path("password/", session.password, name="password"),
    path("my-role/", accounts.my_role, name="my-role"),
    path("help/", help_views.help_page, name="help"),
    path("first-run/", first_run.first_run, name="first-run"),
    path("accounts/", accounts.account_list, name="accounts"),
    path("accounts/new/", accounts.account_new, name="account-new"),
    path("accounts/codes/", accounts.account_codes, name="account-codes"),
    path("accounts/<int:pk>/", accounts.account_page, name="account"),
    path("accounts/<int:pk>/reset/", accounts.account_reset, name="account-reset"),
    path("accounts/<int:pk>/active/", accounts.account_active, name="account-active"),
    path("accounts/<int:pk>/roles/", accounts.account_grant, name="account-grant"),
    path("accounts/<int:pk>/roles/<int:grant_pk>/revoke/", accounts.account_revoke, name="account-revoke"),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
    path("drafts/<slug:form>/<slug:key>/", drafts.save, name="draft"),
]
