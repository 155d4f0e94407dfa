"""Signing in with an account of our own, and the password rule of 等保."""

import re
from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.password_validation import MinimumLengthValidator
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from branches.models import Account


class AccountBackend(BaseBackend):
    """Check login name and password; an account without a password set cannot sign in."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **_: Any
    ) -> Account | None:
        """Return the account, else None; takes as long for an unknown name as for a wrong password."""
        if username is None or password is None:
            return None
        try:
            account = Account.objects.select_related("person").get(username__iexact=username.strip())
        except Account.DoesNotExist:
            Account().set_password(password)
            return None
        return account if account.check_password(password) and account.is_active else None

    def get_user(self, user_id: int) -> Account | None:
        """Return an active account by its key."""
        return Account.objects.select_related("person").filter(pk=user_id, is_active=True).first()


class LengthValidator(MinimumLengthValidator):
    """Django's rule of length, in our words."""

    def get_error_message(self) -> str:
        """Return what is wrong."""
        return f"密码太短，至少要 {self.min_length} 个字符。"

    def get_help_text(self) -> str:
        """Return the rule in words."""
        return f"密码至少 {self.min_length} 个字符。"


class ThreeKindsValidator:
    """At least three of: lower case, upper case, digits, other signs (等保 8.1.4.1 复杂度)."""

    KINDS = (r"[a-z]", r"[A-Z]", r"\d", r"[^A-Za-z0-9]")

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError when fewer than three kinds meet."""
        if sum(bool(re.search(kind, password)) for kind in self.KINDS) < 3:
            raise ValidationError(self.get_help_text(), code="password_too_simple")

    def get_help_text(self) -> str:
        """Return the rule in words."""
        return "密码须含大写字母、小写字母、数字、其他符号中的至少三种。"


class LocalWordsValidator:
    """Refuses passwords made of the words everybody in this trade would try first, whatever figures follow."""

    WORDS = (
        "dangzongzhi", "dangzhibu", "zongzhi", "zhibu", "dangyuan", "dangwei", "dangjian", "dang", "shuji", "jiaowei",
        "zuzhibu", "zuzhi", "gongchandang", "xuexiao", "daxue", "xueyuan", "shifan", "jichengban", "woaini", "mima",
        "guanliyuan", "password", "admin", "party", "branch", "school", "university", "college", "welcome",
    )  # fmt: skip

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError when its letters are nothing but such words."""
        plain = password.lower()
        for text in (plain, plain.replace("@", "a"), plain.replace("@", "a").replace("0", "o")):
            letters = re.sub(r"[^a-z]", "", text)
            if letters and not re.sub("|".join(self.WORDS), "", letters):
                self._refuse()

    def _refuse(self) -> None:
        message = "密码由“支部”“党委”“学校”一类的常用词拼成，太容易被猜到，请换一个。"
        raise ValidationError(message, code="password_local_word")

    def get_help_text(self) -> str:
        """Return the rule in words."""
        return "密码不能只由常用词和数字拼成。"
