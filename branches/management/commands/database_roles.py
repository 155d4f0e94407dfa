"""`manage.py database_roles`: make the web's role on PostgreSQL, or give it its rights again."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import Error, connection

from branches import database_roles, guards


class Command(BaseCommand):
    """Reads DATABASE_URL (the web's) and DATABASE_OWNER_URL (this command's own)."""

    help = "在 PostgreSQL 上建立网站用的数据库账号（只能读写数据行），并授予权限；可以反复运行。"

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Create the role when it is missing, grant, and say what it may do."""
        if connection.vendor != "postgresql":
            self.stdout.write("SQLite 没有数据库账号，不需要这一步。")
            return
        role = settings.DATABASE_WEB_ROLE
        if not role:
            raise CommandError("请先设 DATABASE_OWNER_URL（表的所有者）和 DATABASE_URL（网站账号），两者的用户名不同。")
        if role == connection.settings_dict["USER"]:
            raise CommandError("DATABASE_URL 和 DATABASE_OWNER_URL 用了同一个用户名，请给网站另取一个。")
        try:
            if not database_roles.role_exists(connection, role):
                database_roles.create_role(connection, role, settings.DATABASE_WEB_PASSWORD)
                self.stdout.write(f"已建立账号 {role}。")
            database_roles.grant(connection, role)
            guards.install(connection)
        except Error as problem:
            raise CommandError(f"数据库不允许：{problem}请用数据库管理员账号建立 {role}，再运行一次。") from problem
        if more := database_roles.excess(connection, role):
            raise CommandError(f"账号 {role} 的权限过大：{'、'.join(more)}。请数据库管理员收回。")
        self.stdout.write(self.style.SUCCESS(f"账号 {role} 可以读写数据行，不能改表、清空表或停用触发器。"))
