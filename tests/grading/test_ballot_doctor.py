"""Doctor on the keys of ballot boxes."""

from pathlib import Path

import pytest
from django.conf import settings

from branches import clock
from grading.ballots import sealing
from grading.models import BallotBox
from grading.services import ballot_keys
from reporting import backup, doctor
from tests.grading import ballot_boxes
from tests.grading.ballot_boxes import open_of
from tests.worlds import shared

pytestmark = pytest.mark.once
world = shared(ballot_boxes.world)


@pytest.fixture(autouse=True)
def place(tmp_path, settings):
    """A directory of keys of its own."""
    settings.BALLOT_KEY_DIR = tmp_path / "keys"
    return settings.BALLOT_KEY_DIR


def found():
    finding = doctor.check_ballot_keys()
    assert bool(finding.remedy) == (finding.state != "ok")
    return finding.state, finding.said


def test_all_is_well_with_no_boxes_and_with_an_open_one(world):
    assert found() == ("ok", "未统计的都在，已统计的都已销毁")
    open_of(world)
    assert found()[0] == "ok"


def test_an_open_box_without_its_keys_is_red(world):
    box, _ = open_of(world)
    ballot_keys.store().destroy(box.key_id)
    assert found() == ("bad", "1 个评议箱在服务器上没有密钥：软件工程教研室党支部")


def test_keys_of_a_counted_box_are_a_warning(world):
    box, _ = open_of(world)
    BallotBox.objects.filter(pk=box.pk).update(counted_at=clock.now())
    assert found() == ("warn", "1 个评议箱已统计，密钥还没有销毁：软件工程教研室党支部")


def test_keys_nobody_knows_are_a_warning():
    ballot_keys.store().keep("ab" * 16, sealing.keys_of(bytes(32)))
    assert found() == ("warn", "有 1 个评议箱的密钥，本数据库里没有这些箱")


def test_keys_others_can_read_or_a_backup_takes_are_red(world, place):
    box, _ = open_of(world)
    place.chmod(0o755)
    assert found() == ("bad", "其他用户可以读取：keys")
    settings.BALLOT_KEY_DIR = Path(backup.files_root()) / "keys"
    ballot_keys.store().keep(box.key_id, sealing.keys_of(bytes(32)))
    try:
        assert found() == ("bad", "密钥目录在备份范围内")
    finally:
        ballot_keys.store().destroy(box.key_id)
