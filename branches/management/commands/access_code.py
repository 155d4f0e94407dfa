"""Issue a one-time code on the server itself, for the account that nobody else may manage: a lone administrator's."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from branches import clock, wording
from branches.models import Account, ActivationCode
from branches.services import accounts


class Command(BaseCommand):
    """Print a code with which the holder of an account sets a new password."""

    help = "为账号签发一次性重设码（管理员忘记密码、又没有别的管理员时用）"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the login name."""
        parser.add_argument("username", help="登录名")

    def handle(self, *args: Any, **options: Any) -> None:
        """Issue and print the code; an entry in the audit trail says that it came from the server."""
        account = Account.objects.filter(username=accounts.normal_username(options["username"])).first()
        if account is None or not account.is_active:
            message = f"没有启用中的账号“{options['username']}”。"
            raise CommandError(message)
        purpose = ActivationCode.Purpose.RESET if account.activated else ActivationCode.Purpose.ACTIVATE
        issued = accounts.issue_code(by=None, account=account, purpose=purpose, reason="在服务器上签发")
        self.stdout.write(f"{account.get_full_name()}（{account.username}）的{purpose.label}码：{issued.code}")
        self.stdout.write(
            f"在“激活账号或重设密码”页面输入，{wording.zh_moment(issued.expires_at, clock.now())}前有效，只能用一次。"
        )
