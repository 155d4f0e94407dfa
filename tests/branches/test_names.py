"""Pinyin of names: initials for search, login names."""

import pytest

from branches import names


@pytest.mark.parametrize(
    ("name", "expected"),
    [("林志远", "lzy"), ("欧阳喆", "oyz"), ("单雄信", "sxx"), ("曾国荃", "zgq"), ("解晓东", "xxd"), ("Anna", "")],
)
def test_initials(name, expected):
    assert names.initials(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("吴勇", "wuyong"), ("单雄信", "shanxiongxin"), ("曾巩", "zenggong"), ("", "user"), ("Anna", "user")],
)
def test_login_name(name, expected):
    assert names.login_name(name) == expected


def test_initials_fit_their_column():
    assert len(names.initials("长" * 50)) == 30
