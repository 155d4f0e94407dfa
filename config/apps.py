"""The admin application, apart from its site: the site imports models, which exist only once all apps are loaded."""

from django.contrib.admin.apps import AdminConfig


class ZhibuAdminConfig(AdminConfig):
    """Makes ZhibuAdminSite the default site."""

    default_site = "config.admin.ZhibuAdminSite"
