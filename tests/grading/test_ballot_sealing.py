"""Codes, sealing, keys on disk and what may be told of a count: all of it without a database."""

import hashlib
import random
import stat
from collections import Counter
from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.public import PublicKey, SealedBox

from branches import crockford
from grading.ballots import codes, sealing, tally
from grading.ballots.keystore import CODE, SEAL, KeyLost, KeyStore
from grading.ballots.sealing import Ballot
from grading.ballots.tally import Extent
from grading.scoring import GroupRule, OptionRule, SourceKind, SourceRule, add_counts

SEED = bytes(range(32))
KEYS = sealing.keys_of(SEED)
KEY_ID = "0f" * 16


# --- Codes ----------------------------------------------------------------------------------------------------------


def test_a_code_names_its_box_and_holds_eighty_random_bits():
    made = [codes.new_code("7K3") for _ in range(2000)]
    assert len(set(made)) == 2000
    assert all(len(code) == 24 and code.startswith("7K3") and code.count("-") == 4 for code in made)
    secrets_ = [code.replace("-", "")[3:19] for code in made]
    assert codes.SECRET * 5 == 80
    # Each of the 16 places takes each of the 32 characters about 62 times in 2,000 codes.
    assert all(min(Counter(s[n] for s in secrets_).values()) > 30 for n in range(16))
    assert all(set(code) <= set(crockford.ALPHABET + "-") for code in made)


@pytest.mark.parametrize(
    "change",
    [str.lower, lambda c: c.replace("-", ""), lambda c: c.replace("-", " — "), lambda c: f"评议码：{c}",
     lambda c: "".join(chr(ord(x) + 0xFEE0) if x != "-" else "－" for x in c),
     lambda c: c.replace("0", "o").replace("1", "l")],
)  # fmt: skip
def test_a_code_may_be_typed_in_many_ways(change):
    code = codes.new_code("A1B")
    assert codes.read(change(code)) == codes.Typed("A1B", code)


def test_a_slip_of_the_finger_is_noticed_before_anything_is_asked_of_the_database():
    code = codes.new_code("7K3")
    plain = code.replace("-", "")
    wrong = [plain[:n] + c + plain[n + 1 :] for n in range(20) for c in crockford.ALPHABET if c != plain[n]]
    swapped = [
        plain[:a] + plain[b] + plain[a + 1 : b] + plain[a] + plain[b + 1 :]
        for a, b in combinations(range(20), 2)
        if plain[a] != plain[b]
    ]
    assert [text for text in (*wrong, *swapped) if codes.read(text)] == []
    assert codes.problem(wrong[0]) == "评议码有一位不对，请对照纸条逐位再核一遍。"
    assert codes.problem(plain[:-1]) == "评议码应是 20 位，现在是 19 位，请对照纸条再看一遍。"
    assert codes.problem("？！") == "请输入评议码。"
    assert "“票、U”" in codes.problem("票u" + plain[2:])


def test_the_digest_depends_on_a_key_that_is_not_in_the_database():
    code = codes.new_code("7K3")
    assert codes.digest(b"a" * 32, code) != codes.digest(b"b" * 32, code)
    assert codes.digest(b"a" * 32, code) == codes.digest(b"a" * 32, codes.read(code.lower()).code)
    assert hashlib.sha256(code.encode()).digest() != codes.digest(b"a" * 32, code)


# --- Sealing --------------------------------------------------------------------------------------------------------


def seal(*ballots):
    return [sealing.seal(KEYS.public, KEYS.code, ballot) for ballot in ballots]


@given(st.integers(0, 65535), st.integers(0, 65535), st.sets(st.integers(0, 63)))
def test_every_ballot_is_112_bytes_and_comes_out_as_it_went_in(group, choice, problems):
    ballot = Ballot(group, choice, tuple(sorted(problems)))
    (sealed,) = seal(ballot)
    assert len(sealed) == sealing.CIPHERTEXT_BYTES == 112
    assert sealing.open_box(KEYS, [sealed]) == sealing.Opened((ballot,), 0)


def test_equal_ballots_do_not_look_alike():
    sealed = seal(*[Ballot(0, 1, (2,))] * 50)
    assert len(set(sealed)) == len({one[:32] for one in sealed}) == len({one[32:48] for one in sealed}) == 50


def test_a_box_opens_with_its_own_key_only():
    other = sealing.keys_of(bytes(32))
    opened = sealing.open_box(other, seal(Ballot(0, 0)))
    assert opened == sealing.Opened((), 1)
    assert {other.public, other.seal, other.code} & {KEYS.public, KEYS.seal, KEYS.code} == set()


def test_whatever_was_changed_copied_or_made_elsewhere_is_counted_as_unreadable():
    sealed = seal(*(Ballot(0, n) for n in range(6)))
    flipped = sealed[0][:60] + bytes([sealed[0][60] ^ 1]) + sealed[0][61:]
    foreign = sealing.seal(sealing.keys_of(bytes(32)).public, KEYS.code, Ballot(0, 0))
    without_code_key = sealing.seal(KEYS.public, bytes(32), Ballot(0, 0))
    plain = bytes(SealedBox(PublicKey(KEYS.public)).encrypt(bytes(64)))
    opened = sealing.open_box(
        KEYS, [flipped, *sealed[1:], sealed[5], foreign, without_code_key, plain, b"", b"\0" * 112]
    )
    assert sorted(ballot.choice for ballot in opened.ballots) == [1, 2, 3, 4, 5]
    assert opened.unreadable == 7


def test_what_comes_out_is_in_no_order_that_means_anything():
    """Of 6,000 ballots in the order cast, as many stay in their place as chance leaves there (200 ± 28)."""
    sealed = seal(*(Ballot(0, choice) for choice in range(30)))
    stayed = 0
    for n in range(200):
        opened = sealing.open_box(KEYS, sealed, shuffle=random.Random(n)).ballots
        stayed += sum(ballot.choice == place for place, ballot in enumerate(opened))
    assert 172 <= stayed <= 228
    control = sealing.open_box(KEYS, sealed, shuffle=Unshuffled()).ballots
    assert [ballot.choice for ballot in control] == list(range(30))


class Unshuffled(random.Random):
    def shuffle(self, x):
        """Leave everything where it is."""


def test_the_random_source_of_a_real_opening_is_the_systems(monkeypatch):
    asked = []

    class Watched(random.SystemRandom):
        def shuffle(self, x):
            asked.append(len(x))
            super().shuffle(x)

    monkeypatch.setattr(random, "SystemRandom", Watched)
    sealing.open_box(KEYS, seal(Ballot(0, 0), Ballot(0, 1)))
    assert asked == [2]


def test_a_ballot_has_at_most_64_problems():
    with pytest.raises(ValueError, match="64"):
        seal(Ballot(0, 0, (64,)))


def test_a_ballot_that_says_what_no_paper_has_is_left_out():
    ballots = [Ballot(0, 0), Ballot(1, 0), Ballot(0, 3), Ballot(0, 0, (2,))]
    assert sealing.known(ballots, groups=1, options=3, problems=2) == ((Ballot(0, 0),), 3)


# --- Copies of a key ------------------------------------------------------------------------------------------------


@given(st.binary(min_size=32, max_size=32))
def test_a_copy_brings_the_seed_back_however_it_is_typed(seed):
    text = sealing.copy_text(seed)
    assert len(text.split("-")) == 14
    assert sealing.seed_of(text) == sealing.seed_of(text.lower().replace("-", " ")) == seed


def test_a_copy_with_one_wrong_character_is_refused():
    plain = sealing.copy_text(SEED).replace("-", "")
    wrong = [plain[:n] + c + plain[n + 1 :] for n in range(56) for c in "07ZK" if c != plain[n]]
    assert [text for text in wrong if sealing.seed_of(text) is not None] == []
    assert sealing.seed_of("") is sealing.seed_of(plain[:-1]) is sealing.seed_of("票" * 56) is None


# --- Keys on disk ---------------------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path):
    return KeyStore(tmp_path / "keys", ["present"])


def test_keys_lie_wrapped_and_for_this_user_only(store):
    store.keep(KEY_ID, KEYS)
    assert store.keys(KEY_ID) == KEYS
    assert store.holds(KEY_ID)
    assert store.ids() == {KEY_ID}
    files = sorted(store.directory.iterdir())
    assert [path.name for path in files] == [f"{KEY_ID}.code", f"{KEY_ID}.seal"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE(store.directory.stat().st_mode) == 0o700
    content = b"".join(path.read_bytes() for path in files)
    assert not any(key in content for key in (KEYS.seal, KEYS.code, SEED))
    assert store.open_to_others() == []
    files[0].chmod(0o644)
    assert store.open_to_others() == [files[0].name]


def test_keys_need_the_secret_of_the_installation_or_a_former_one(store):
    store.keep(KEY_ID, KEYS)
    assert KeyStore(store.directory, ["new", "present"]).keys(KEY_ID) == KEYS
    with pytest.raises(KeyLost, match="SECRET_KEY"):
        KeyStore(store.directory, ["new"]).read(KEY_ID, SEAL)
    with pytest.raises(KeyLost, match="没有"):
        store.read("00" * 16, CODE)
    with pytest.raises(KeyLost):
        store.read("../../etc/passwd", CODE)


def test_destroyed_keys_are_overwritten_first_and_whatever_a_killed_process_left_goes_too(store, monkeypatch):
    store.keep(KEY_ID, KEYS)
    left = store.directory / f".{KEY_ID}.seal.abcd"
    left.write_bytes(b"wrapped")
    before = {path.name: path.read_bytes() for path in store.directory.iterdir()}
    last = {}
    unlink = type(left).unlink
    monkeypatch.setattr(
        type(left), "unlink", lambda path: (last.update({path.name: path.read_bytes()}), unlink(path))[1]
    )
    assert store.destroy(KEY_ID) == 3
    assert last.keys() == before.keys()
    assert all(last[name] != before[name] and len(last[name]) == len(before[name]) for name in before)
    assert list(store.directory.iterdir()) == []
    assert store.destroy(KEY_ID) == 0


def test_a_directory_that_a_backup_takes_is_noticed(tmp_path):
    files = tmp_path / "files"
    assert KeyStore(files / "keys", ["x"]).inside([files])
    assert not KeyStore(tmp_path / "keys", ["x"]).inside([files])


# --- What may be told -----------------------------------------------------------------------------------------------

OPTIONS = ("good", "fair", "poor")
PAPER = tally.Paper(OPTIONS, ("study", "funds"))


def rule(*groups):
    return SourceRule(
        "appraisal", "群众评议", SourceKind.APPRAISAL, Decimal(30),
        options=tuple(OptionRule(code, code, Decimal(100)) for code in OPTIONS),
        groups=tuple(GroupRule(code, code, Decimal(1)) for code in groups),
    )  # fmt: skip


def released(ballots, groups=("",), floor=5):
    given_ = [tally.Given(code, 40, sum(b.group == n for b in ballots)) for n, code in enumerate(groups)]
    return tally.release(rule(*(g for g in groups if g)), floor, given_, PAPER, ballots)


def test_four_ballots_are_not_told_and_five_are():
    assert released([Ballot(0, 0)] * 4) == tally.Release((), ())
    (group,) = released([Ballot(0, 0)] * 4 + [Ballot(0, 2)]).groups
    assert (group.code, group.counts.returned, group.counts.valid) == ("", 5, 5)
    assert group.counts.options == (("good", 4), ("fair", 0), ("poor", 1))


@pytest.mark.parametrize(
    ("ticked", "extent", "number"),
    [(0, "few", None), (4, "few", None), (5, "counted", 5), (15, "counted", 15), (16, "nearly_all", None),
     (20, "nearly_all", None)],
)  # fmt: skip
def test_a_problem_is_a_number_only_with_five_for_and_five_against(ticked, extent, number):
    ballots = [Ballot(0, 0, (1,) if n < ticked else ()) for n in range(20)]
    study, funds = released(ballots).problems
    assert funds == tally.Told("funds", Extent(extent), number)
    assert study == tally.Told("study", Extent.FEW)


@pytest.mark.parametrize(
    ("sizes", "parts"),
    [
        ((10, 8, 6), {("a",): 10, ("b",): 8, ("c",): 6}),
        ((10, 3, 2), {("a",): 10, ("b", "c"): 5}),  # two small ones together reach five
        ((10, 3, 1), {("a", "b", "c"): 14}),  # together they do not: they join the largest
        ((10, 8, 4), {("a", "c"): 14, ("b",): 8}),
        ((2, 2, 1), {("a", "b", "c"): 5}),
        ((2, 1, 1), {}),
    ],
)
def test_small_groups_are_joined(sizes, parts):
    ballots = [Ballot(n, 0) for n, size in enumerate(sizes) for _ in range(size)]
    assert {group.codes: group.counts.valid for group in released(ballots, "abc").groups} == parts


@given(st.lists(st.integers(0, 14), min_size=1, max_size=5), st.integers(5, 9), st.randoms(use_true_random=False))
def test_no_two_released_views_differ_by_fewer_ballots_than_the_floor(sizes, floor, dice):
    groups = [chr(ord("a") + n) for n in range(len(sizes))]
    ballots = [
        Ballot(n, dice.randrange(3), tuple(p for p in (0, 1) if dice.random() < dice.random()))
        for n, size in enumerate(sizes)
        for _ in range(size)
    ]
    told = released(ballots, groups if len(groups) > 1 else [""], floor)
    if len(ballots) < floor:
        assert told == tally.Release((), ())
        return
    assert add_counts(group.counts for group in told.groups).valid == len(ballots)
    # Every view is a sum of parts, so the smallest difference of two is one part: none, or at least the floor.
    sizes_of_views = {0}
    for group in told.groups:
        assert group.counts.valid == 0 or group.counts.valid >= floor
        sizes_of_views |= {size + group.counts.valid for size in sizes_of_views}
    assert all(abs(a - b) >= floor or a == b or not nested(told, a, b) for a, b in combinations(sizes_of_views, 2))
    for problem in told.problems:
        assert problem.number is None or floor <= problem.number <= len(ballots) - floor


def nested(told, a, b):
    """Whether a view of `a` ballots may lie within one of `b`: the parts of one are among the parts of the other."""
    parts = [group.counts.valid for group in told.groups if group.counts.valid]
    subsets = [set(chosen) for n in range(len(parts) + 1) for chosen in combinations(range(len(parts)), n)]
    size = {frozenset(s): sum(parts[n] for n in s) for s in subsets}
    return any(size[x] == a and size[y] == b and (x < y or y < x) for x in size for y in size)


def test_the_control_without_joining_tells_groups_of_one(monkeypatch):
    monkeypatch.setattr(tally, "merge_groups", lambda _rule, groups: tuple(groups))
    ballots = [Ballot(0, 0)] * 9 + [Ballot(1, 2)]
    assert [group.counts.valid for group in released(ballots, "ab").groups] == [9, 1]
