"""Rotation of the master key: make a new one, re-wrap every record key, then destroy the old one. Pure but for disk.

Killed anywhere it goes on where it stopped: what is wrapped under the newest key is done. The old key goes only when no
record key is wrapped under it.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from interviews.vault import disk
from interviews.vault.faults import KeyLost
from interviews.vault.keks import name_of
from interviews.vault.store import SHARDS, Vault, wrapped_under


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation did: the key that wraps now, how many record keys it re-wrapped, the keys it destroyed."""

    key: str
    rewrapped: int
    destroyed: tuple[str, ...]


def rotate(vault: Vault, *, before_destroying: Callable[[], object] = lambda: None) -> Rotated:
    """Rotate, or finish a rotation that was interrupted. Raises KeyLost; the old key then stays.

    `before_destroying` runs when everything is re-wrapped and the old key still there.
    """
    with vault.alone():
        known = vault.keks.ids()
        if not known:
            raise KeyLost("服务器上没有访谈主密钥。")
        # From here on whoever seals something new takes the new key.
        name = vault.keks.create() if len(known) == 1 else known[-1]
    rewrapped = 0
    for shard in SHARDS:
        with vault.alone():
            rewrapped += _rewrap(vault, shard, name)
    before_destroying()
    with vault.alone():
        if left := {other: count for other, count in wrapped_under(vault).items() if other != name}:
            raise KeyLost(f"还有 {sum(left.values())} 条记录的密钥没有换到新的主密钥，旧主密钥没有销毁。")
        vault.clear_parts()
        old = tuple(other for other in vault.keks.ids() if other != name)
        for other in old:
            vault.keks.destroy(other)
    return Rotated(name, rewrapped, old)


def _rewrap(vault: Vault, shard: str, name: str) -> int:
    """Re-wrap one part of the directory; new files are on the disk before any takes the place of an old one."""
    staged: list[tuple[Path, Path]] = []
    for path in vault.shard(shard):
        line = path.read_bytes()
        if name_of(line) == name:
            continue
        if vault.journal.holds(path.name):
            disk.shred(path)
            continue
        key = vault.keks.unwrap(path.name, line)
        staged.append((disk.stage(path, vault.keks.wrap(name, path.name, key), sync=False), path))
    if staged:
        os.sync()
        for part, path in staged:
            part.replace(path)
        disk.sync(staged[0][1].parent)
    return len(staged)
