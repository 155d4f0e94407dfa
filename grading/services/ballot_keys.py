"""Keys of ballot boxes: where they lie, copies on paper, and that they are destroyed."""

import datetime as dt
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import transaction

from branches import audit
from branches.models import Account
from grading.ballots import keystore, sealing
from grading.models import BallotBox, KeyCustody
from grading.services.errors import refuse

S = BallotBox.State


@dataclass(frozen=True, slots=True)
class KeyHealth:
    """What is wrong with the directory of keys; all empty when nothing is."""

    missing: Sequence[str]  # branches whose votes nobody could count now
    left: Sequence[str]  # branches whose box is done, its keys still there
    unknown: int  # keys of boxes this database does not know
    readable: Sequence[str]  # names other users of the machine can read
    copied: bool  # lies where a backup takes it along


def store() -> keystore.KeyStore:
    """Return the directory of keys of this installation."""
    return keystore.KeyStore(settings.BALLOT_KEY_DIR, [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS])


def new_id() -> str:
    """Return a fresh name for a box's keys."""
    return secrets.token_hex(16)


def code_key(*, box: BallotBox) -> bytes:
    """Return the key codes of a box are digested with. Raises RefusedError."""
    try:
        return store().read(box.key_id, keystore.CODE)
    except keystore.KeyLost as fault:
        refuse(f"{fault}请用保管件恢复密钥。")
        raise


def keys_present(box: BallotBox) -> bool:
    """Tell whether the server has both keys of a box."""
    return store().holds(box.key_id)


@transaction.atomic
def restore_keys(*, by: Account, box: BallotBox, copy: str, now: dt.datetime) -> None:  # noqa: ARG001
    """Put the keys of a box back from a keeper's copy. Raises RefusedError."""
    row = BallotBox.objects.select_for_update(of=("self",)).select_related("unit__branch").get(pk=box.pk)
    if row.state not in (S.DRAFT, S.OPEN, S.CLOSING):
        refuse(f"评议箱现在是“{row.get_state_display()}”，密钥已按规定销毁，不能恢复。")
    seed = sealing.seed_of(copy)
    if seed is None:
        refuse("保管件有抄错的字，请逐组再核一遍（共 14 组，每组 4 位）。")
        return
    keys = sealing.keys_of(seed)
    if keys.public != bytes(row.public_key):
        refuse("这不是这个评议箱的保管件。")
    audit.record(
        by=by, action="ballot.restore_keys", thing=row, branch=row.unit.branch, summary="用保管件恢复评议箱密钥"
    )
    row.error, row.lease_until = "", None
    row.save(update_fields=["error", "lease_until"])
    store().keep(row.key_id, keys)


@transaction.atomic
def confirm_copy_destroyed(*, by: Account, custody: KeyCustody, now: dt.datetime) -> KeyCustody:
    """Record that a keeper's copy was destroyed after closing. Raises RefusedError."""
    row = KeyCustody.objects.select_for_update(of=("self",)).select_related("box__unit__branch").get(pk=custody.pk)
    if row.box.state not in (S.CLOSED, S.VOID):
        refuse("评议箱统计完毕后才销毁保管件：服务器密钥丢失时还要用它。")
    if row.destroyed_at is not None:
        refuse(f"{row.keeper}的保管件已登记销毁。")
    row.destroyed_at, row.destroyed_by = now, by
    row.save(update_fields=["destroyed_at", "destroyed_by"])
    audit.record(
        by=by, action="ballot.copy_destroyed", thing=row.box, branch=row.box.unit.branch,
        summary=f"登记第 {row.ordinal} 份密钥保管件已销毁",
    )  # fmt: skip
    return row


def health(*, backed_up: Path) -> KeyHealth:
    """Look at the directory of keys beside the boxes of the database; `backed_up` is what a backup takes along."""
    keys = store()
    lying = keys.ids()
    rows = BallotBox.objects.order_by("pk").values_list("key_id", "counted_at", "unit__name")
    missing = [name for key_id, counted_at, name in rows if counted_at is None and not keys.holds(key_id)]
    left = [name for key_id, counted_at, name in rows if counted_at is not None and key_id in lying]
    unknown = len(lying - {key_id for key_id, _, _ in rows})
    return KeyHealth(missing, left, unknown, keys.open_to_others(), keys.inside([backed_up]))
