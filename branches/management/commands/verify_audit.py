"""`manage.py verify_audit`: walk the chain of the audit trail and say whether anything was changed."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from branches import audit


class Command(BaseCommand):
    """Exit code 0 when the chain holds, 1 when anything was changed, removed or put in."""

    help = "核对操作记录的封存链；给出以前留存的链首，还能发现被截去的记录"

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the head that was printed or kept elsewhere."""
        parser.add_argument("--head", default="", help="以前留存的链首，形如 1200:9f3c…")

    def handle(self, *_args: Any, head: str, **_options: Any) -> None:
        """Verify, print the head to keep, and how much is not sealed yet."""
        found = audit.verify(head)
        for fault in found.faults:
            self.stdout.write(f"错误：{fault}")
        self.stdout.write(f"已封存 {found.sealed} 条，未封存 {found.unsealed} 条")
        self.stdout.write(f"链首（请另行留存）：{found.head}")
        if found.faults:
            raise CommandError(f"操作记录有 {len(found.faults)} 处与封存时不符。")
