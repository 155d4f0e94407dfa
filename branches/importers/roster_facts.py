"""The facts of a branch that a roster may state, on both sides in the same words, so that they can be compared."""

from collections.abc import Mapping

from branches.importers.roster_tree import Node
from branches.importers.shapes import FieldChange
from branches.intake.matching import name_key
from branches.intake.shapes import RosterRow
from branches.models import Person
from branches.partial_dates import PartialDate

LABELS = {
    "code": "编号", "name": "党支部名称", "unit": "所属党总支", "category": "支部类别", "short_name": "简称",
    "founded": "成立时间", "full_members": "正式党员", "probationary_members": "预备党员", "mobile_members": "流动党员",
    "last_election": "最近换届时间", "term_ends": "届满时间", "committee": "支委人数及分工", "venue": "固定活动场所",
    "remarks": "备注", "secretary": "书记", "secretary_gender": "书记性别", "secretary_title": "书记职务/职称",
    "secretary_since": "书记任职时间", "secretary_phone": "联系电话", "secretary_education": "书记学历",
    "secretary_birth": "书记出生年月", "secretary_email": "书记邮箱",
}  # fmt: skip
PLACE = ("name", "unit", "category", "short_name")
PROFILE = (
    "full_members", "probationary_members", "mobile_members", "last_election", "term_ends", "committee", "venue",
    "remarks",
)  # fmt: skip
PERSON = {
    "secretary_gender": "gender", "secretary_title": "title", "secretary_phone": "phone",
    "secretary_education": "education", "secretary_birth": "birth", "secretary_email": "email",
}  # fmt: skip
DATES = ("founded", "last_election", "term_ends", "secretary_birth")
ROOT = "（直属）"
_GENDERS = {"男": Person.Gender.MALE, "女": Person.Gender.FEMALE}

Facts = dict[str, object]


def gender_of(text: str) -> str:
    """Return the stored value of 男 or 女, "" for nothing."""
    return str(_GENDERS.get(text, ""))


def date_of(text: str) -> PartialDate | None:
    """Return the date that a reading put down as text, or None for nothing."""
    return PartialDate.parse(text) if text else None


def facts_of_row(row: RosterRow, categories: Mapping[str, str]) -> Facts:
    """Return what the row states; what it leaves open is not in the answer and stays as it is."""
    stated: Facts = {
        "code": row.code,
        "name": row.name,
        "unit": row.general_branch or ROOT,
        "category": categories.get(row.category or "", ""),
        "full_members": row.formal,
        "probationary_members": row.probationary,
        "mobile_members": row.mobile,
        "remarks": row.remark,
        "secretary": row.secretary_name,
        "secretary_gender": gender_of(row.secretary_gender),
        "secretary_title": row.secretary_post,
        "secretary_since": row.secretary_since,
        "secretary_phone": "、".join(row.phones),
    }
    texts = {
        "short_name": "short_name", "founded": "founded", "last_election": "last_election", "term_ends": "term_ends",
        "committee": "committee", "venue": "venue", "secretary_education": "secretary_education",
        "secretary_birth": "secretary_birth", "secretary_email": "email",
    }  # fmt: skip
    for fact, column in texts.items():
        text = row.extra.get(column, "")
        stated[fact] = date_of(text) if fact in DATES and text else text
    if not row.secretary_name:
        stated = {fact: value for fact, value in stated.items() if not fact.startswith("secretary")}
    return {fact: value for fact, value in stated.items() if value not in (None, "")}


def facts_of_node(node: Node) -> Facts:
    """Return what the system knows of the same facts."""
    facts: Facts = {
        "code": node.branch.code,
        "name": node.name,
        "unit": node.unit or ROOT,
        "category": node.branch.category_name,
        "short_name": node.branch.short_name,
        "founded": node.branch.founded,
    }
    if node.profile is not None:
        facts |= {fact: getattr(node.profile, fact) for fact in PROFILE}
    if node.secretary is not None:
        person = node.secretary.person
        facts |= {"secretary": person.name, "secretary_since": node.secretary.starts}
        facts |= {fact: getattr(person, attribute) for fact, attribute in PERSON.items()}
    return facts


def changes_between(known: Facts, stated: Facts) -> tuple[FieldChange, ...]:
    """Return the stated facts that differ from the known ones, in the order of the form."""
    return tuple(
        FieldChange(fact, label, shown(known.get(fact)), shown(stated[fact]))
        for fact, label in LABELS.items()
        if fact in stated and not _same(fact, known.get(fact), stated[fact])
    )


def _same(fact: str, known: object, stated: object) -> bool:
    if fact in {"name", "unit"}:
        return name_key(str(known or "")) == name_key(str(stated))
    return known == stated


def shown(value: object) -> str:
    """Return a fact as a person reads it."""
    if value is None:
        return ""
    if isinstance(value, PartialDate):
        return value.dotted()
    if value in Person.Gender.values:
        return str(Person.Gender(str(value)).label)
    return str(value)
