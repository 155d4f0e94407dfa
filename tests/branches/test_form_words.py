"""No form says anything in the framework's words: each kind of mistake has a sentence that names the field."""

import re
from pathlib import Path

import pytest
from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.functional import Promise

from branches.forms_base import ZhForm
from branches.templatetags.zhibu import error_links

pytestmark = pytest.mark.unit
APPS = ("branches", "grading", "rectification", "interviews", "reporting")
ADMIN = {"RubricForm", "SectionForm", "CriterionForm"}  # shown by the admin site, in its own manner


class Everything(ZhForm):
    """A field of every kind our forms have."""

    percent = forms.IntegerField(label="进度（%）", min_value=0, max_value=100)
    days = forms.IntegerField(label="天数", min_value=1)
    points = forms.DecimalField(label="得分", max_value=9, max_digits=3, decimal_places=1)
    name = forms.CharField(label="名称", min_length=2, max_length=4)
    grade = forms.ChoiceField(label="等级", choices=[("a", "先进")])
    groups = forms.MultipleChoiceField(label="类别", choices=[("a", "教师")])
    on = forms.DateField(label="日期")
    at = forms.DateTimeField(label="截止时间")
    hour = forms.TimeField(label="钟点")
    email = forms.EmailField(label="电子邮箱")
    own = forms.IntegerField(label="人数", max_value=3, error_messages={"max_value": "人数太多了。"})
    sheet = forms.FileField(label="表格", max_length=5)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["later"] = forms.CharField(label="后加的", max_length=1)


WRONG = {
    "percent": "120", "days": "0", "points": "10", "name": "一二三四五", "grade": "z", "groups": ["z"], "on": "昨天",
    "at": "昨天", "hour": "早上", "email": "a@", "own": "4", "later": "两字",
}  # fmt: skip
SAID = {
    "percent": "进度填 0 到 100。",
    "days": "天数不能小于 1。",
    "points": "得分不能大于 9。",
    "name": "名称最多 4 字，现在有 5 字，请精简。",
    "grade": "等级请在列表中选择。",
    "groups": "类别请在列表中选择。",
    "on": "日期请写成 2012-03-30 的样子。",
    "at": "截止时间请写成 2012-03-30 09:30 的样子。",
    "hour": "钟点请写成 09:30 的样子。",
    "email": "电子邮箱写得不对，请检查。",
    "own": "人数太多了。",
    "sheet": "这个文件是空的，请重新选择。",
    "later": "后加的最多 1 字，现在有 2 字，请精简。",
}


def said(data, name, **files):
    return Everything(data, files).errors[name][0]


def test_each_mistake_is_said_in_our_words():
    empty = SimpleUploadedFile("a.xls", b"")
    assert {name: said(WRONG, name, sheet=empty) for name in SAID} == SAID


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("percent", "-1", "进度填 0 到 100。"),
        ("percent", "两成", "进度（%）请填数字。"),
        ("points", "1.25", "得分最多 1 位小数。"),
        ("points", "", "请填写得分。"),
        ("name", "一", "名称至少 2 字，现在有 1 字。"),
        ("name", "一\0二", "名称里有不能保存的字符，请重新输入。"),
        ("grade", "", "请选择等级。"),
    ],
)
def test_and_so_are_other_mistakes_of_the_same_field(name, value, sentence):
    assert said(WRONG | {name: value}, name) == sentence


def test_the_summary_does_not_name_a_field_twice():
    links = {link.text for link in error_links(Everything(WRONG, {}))}
    assert {"进度填 0 到 100。", "天数不能小于 1。", "人数太多了。"} <= links


def test_no_sentence_of_the_framework_is_left_in_a_field():
    """Whatever the classes of the framework could say (their texts are lazy) was replaced by ours."""
    form = Everything(WRONG)
    form.full_clean()
    never = {"incomplete", "overflow", "contradiction", "invalid_image"}
    left = [
        (name, code)
        for name, field in form.fields.items()
        for code, text in field.error_messages.items()
        if isinstance(text, Promise) and code not in never
    ]
    assert left == []


def test_every_form_is_one_of_ours():
    """Each form derives from ZhForm or ZhModelForm, or asks for our words itself."""
    found = set()
    for path in (file for app in APPS for file in Path(app).rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "polish(self)" not in text:
            found.update(re.findall(r"^class (\w+)\(forms\.(?:Form|ModelForm)\)", text, flags=re.MULTILINE))
    assert found == ADMIN
