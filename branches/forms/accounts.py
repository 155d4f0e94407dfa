"""Forms of signing in, one-time codes, passwords, new accounts, roles, and the first run."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from branches import clock
from branches.forms_base import ZhForm
from branches.models import Account, Branch, Person, Role
from branches.permissions import HANDS_OUT, hand_out_scope, roles
from branches.role_texts import levels_of
from branches.services import accounts
from branches.services.account_office import Newcomer

CODE_WIDGET = forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"})
RULE = "至少 10 个字符，含大写字母、小写字母、数字、其他符号中的三种；不要用单位名、姓名拼音或生日。"


def _password(label: str, autocomplete: str, help_text: str = "") -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": autocomplete})
    return forms.CharField(label=label, help_text=help_text, strip=False, max_length=256, widget=widget)


class SignInForm(ZhForm):
    """Login name and password."""

    username = forms.CharField(
        label="登录名",
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )
    password = _password("密码", "current-password")

    def clean_username(self) -> str:
        """Bring the login name to the form in which it is stored and counted."""
        return accounts.normal_username(self.cleaned_data["username"])


class CodeForm(ZhForm):
    """The code from the printed slip."""

    code = forms.CharField(
        label="激活码", max_length=60, widget=CODE_WIDGET, help_text="印在激活码条上；横线、空格和大小写都不影响。"
    )


class _TwoPasswords(ZhForm):
    """A new password, typed twice."""

    def clean(self) -> dict[str, Any]:
        """Ask for the same password twice."""
        given = super().clean() or {}
        if "password" in given and "again" in given and given["password"] != given["again"]:
            self.add_error("again", "两次输入的密码不一样，请重新输入。")
        return given


class NewPasswordForm(_TwoPasswords):
    """The holder's password for an account opened by code; the code travels in the body, never in an address."""

    code = forms.CharField(widget=forms.HiddenInput)
    password = _password("设置密码", "new-password", RULE)
    again = _password("再输一次", "new-password")


class ChangePasswordForm(_TwoPasswords):
    """The present password, then a new one twice."""

    present = _password("现在的密码", "current-password")
    password = _password("新密码", "new-password", RULE)
    again = _password("再输一次新密码", "new-password")

    def __init__(self, account: Account, *args: Any, **kwargs: Any) -> None:
        """Remember whose password it is."""
        super().__init__(*args, **kwargs)
        self.account = account

    def clean_present(self) -> str:
        """Check the present password."""
        if not self.account.check_password(self.cleaned_data["present"]):
            raise ValidationError("现在的密码不对，请重新输入。")
        return str(self.cleaned_data["present"])


class FirstRunForm(_TwoPasswords):
    """The school, its committee, and the administrator."""

    token = forms.CharField(
        label="启动口令", max_length=60, widget=CODE_WIDGET, help_text="打印在启动服务的终端里，只能用一次。"
    )
    school = forms.CharField(label="学校名称", max_length=60, help_text="如 刺桐师范学院，页面和附件的表头都用它。")
    committee = forms.CharField(label="党委名称", max_length=100, help_text="全称，如 中共刺桐师范学院委员会。")
    code = forms.CharField(
        label="党委编号", max_length=20, initial="DW", help_text="字母或数字；党总支、党支部的编号在名册里给。"
    )
    name = forms.CharField(label="您的姓名", max_length=60)
    username = forms.CharField(
        label="登录名",
        max_length=60,
        help_text="小写字母和数字，如 chenlihua。",
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )
    password = _password("密码", "new-password", RULE)
    again = _password("再输一次密码", "new-password")
    also_office = forms.BooleanField(label="我同时负责活动办公室工作（小学校常见）", required=False, initial=True)

    def clean_code(self) -> str:
        """Take letters, digits and hyphens only."""
        code = str(self.cleaned_data["code"]).strip().upper()
        if not code.replace("-", "").isalnum() or not code.isascii():
            raise ValidationError("党委编号只能用字母、数字和横线。")
        return code


class ReasonForm(ZhForm):
    """How the identity of the holder was checked before a reset."""

    reason = forms.CharField(
        label="怎样核对了本人身份",
        max_length=120,
        help_text="如 本人持工作证到办公室，或 由党总支书记电话确认。会写进操作记录。",
    )


def node_choices(by: Account) -> list[tuple[str, str]]:
    """Return (code, name) of every node at which `by` may give some role, in the order of the tree."""
    wanted = {role for grant in roles(by) for role in HANDS_OUT.get(Role(grant.role), ())}
    found: dict[str, str] = {}
    day = clock.today()
    for reach in {hand_out_scope(by, role) for role in wanted}:
        nodes: Any = Branch.objects.as_of(day).within(reach).order_by("position", "code")
        found |= {node.code: node.name for node in nodes}
        if reach.everything:
            break
    return list(found.items())


class RoleForm(ZhForm):
    """A role, where, from when until when."""

    role = forms.ChoiceField(label="角色")
    node = forms.CharField(
        label="范围",
        max_length=140,
        help_text="输入编号或名称，从提示中选。书记、填报员选党支部，党总支书记、组织员选党总支，其余选学校党委。",
        widget=forms.TextInput(attrs={"list": "nodes", "autocomplete": "off"}),
    )
    starts_on = forms.DateField(label="起始日期", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    ends_on = forms.DateField(
        label="截止日期", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="从这一天起不再有效；不填就是一直有效。",
    )  # fmt: skip

    def __init__(self, by: Account, *args: Any, **kwargs: Any) -> None:
        """Offer only roles and places that `by` may hand out."""
        super().__init__(*args, **kwargs)
        self.by = by
        self.offered = [role for role in Role if hand_out_scope(by, role)]
        self.fields["role"].choices = [("", "请选择"), *((role.value, role.label) for role in self.offered)]  # type: ignore[attr-defined]
        self.fields["starts_on"].initial = clock.today()

    def clean_node(self) -> Branch:
        """Find the node by its code, or by its name when only one is called so."""
        text = str(self.cleaned_data["node"]).strip()
        code = text.split()[0].split("　")[0]
        placed: Any = Branch.objects.as_of(clock.today())
        found = list(placed.filter(code=code)[:1]) or list(placed.filter(name=text)[:2])
        found = [node for node in found if any(self._reaches(role, node) for role in self.offered)]
        if not found:
            raise ValidationError(f"范围内没有找到“{text}”，请从提示中选。")
        if len(found) > 1:
            raise ValidationError(f"有几个党组织都叫“{text}”，请填编号。")
        return found[0]

    def _reaches(self, role: Role, node: Branch) -> bool:
        reach = hand_out_scope(self.by, role)
        return reach.everything or Branch.objects.within(reach).filter(pk=node.pk).exists()

    def clean(self) -> dict[str, Any]:
        """Check that the role can be held there, and that the days are in order."""
        given = super().clean() or {}
        role, node = given.get("role"), given.get("node")
        if role and node and node.level not in levels_of(Role(role)):
            levels = "、".join(level.label for level in Branch.Level if level in levels_of(Role(role)))
            self.add_error("node", f"“{Role(role).label}”的范围应是{levels}，{node.name}是{node.get_level_display()}。")
        starts, ends = given.get("starts_on"), given.get("ends_on")
        if starts and ends and ends <= starts:
            self.add_error("ends_on", "截止日期应晚于起始日期。")
        return given

    def dates(self) -> dict[str, Any]:
        """Return the days of a valid form."""
        return {"starts_on": self.cleaned_data["starts_on"], "ends_on": self.cleaned_data["ends_on"]}


class NewAccountForm(RoleForm):
    """Whom a new account is for, and its first role."""

    name = forms.CharField(label="姓名", max_length=60)
    number = forms.CharField(label="工号/学号", max_length=40, required=False, help_text="名册中有同名的人时必须填。")
    username = forms.CharField(
        label="登录名",
        max_length=60,
        required=False,
        help_text="不填就用姓名的拼音。",
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}),
    )
    field_order = ("name", "number", "username", "role", "node", "starts_on", "ends_on")

    def clean_username(self) -> str:
        """Refuse a login name that is taken."""
        username = accounts.normal_username(self.cleaned_data["username"])
        if username and Account.objects.filter(username__iexact=username).exists():
            raise ValidationError(f"登录名“{username}”已被使用。")
        return username

    def clean(self) -> dict[str, Any]:
        """Find the person in the register, or make room for a new one."""
        given = super().clean()
        if given.get("name") and given.get("node"):
            given["newcomer"] = self._newcomer(given["name"].strip(), given.get("number", "").strip())
        return given

    def _newcomer(self, name: str, number: str) -> Newcomer | None:
        people = Person.objects.select_related("account")
        people = people.filter(number=number) if number else people.filter(name=name)
        found = [person for person in people[:20] if number or self._known_here(person)]
        if len(found) > 1:
            self.add_error("number", f"名册中有 {len(found)} 位{name}，请填工号或学号。")
            return None
        person = found[0] if found else None
        if person and person.name != name:
            self.add_error("number", f"工号/学号 {number} 不是{name}的，请核对。")
            return None
        if person and getattr(person, "account", None):
            self.add_error(
                "name", f"{name}已有账号 {person.account.username}，请到该账号的页面增加角色；找不到时请上级办理。"
            )
            return None
        return Newcomer(name, number, person, self.cleaned_data.get("username", ""))

    def _known_here(self, person: Person) -> bool:
        """Return whether the person belongs, or holds a post, where this account may give roles."""
        ids = {person.unit_id, *person.appointments.filter(ends_on__isnull=True).values_list("branch_id", flat=True)}
        nodes = Branch.objects.filter(pk__in=[pk for pk in ids if pk])
        return any(self._reaches(role, node) for node in nodes for role in self.offered)
