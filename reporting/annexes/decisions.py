"""How 附件4 says what was decided about a branch: by whom, at which meeting, and whether people changed the grade."""

from branches.wording import zh_date
from grading.models import Confirmation, Result


def by_hand(result: Result | None, name: str) -> bool:
    """Tell whether people chose another grade than was computed, as the proposal or as the decision (`name`)."""
    chosen = getattr(result, name, None)
    return result is not None and chosen is not None and chosen != result.computed_grade


def _chosen(result: Result) -> str:
    """Return the decided grade with its mark."""
    label = result.decided_grade.label if result.decided_grade is not None else ""
    return f"{label}（人工调整）" if by_hand(result, "decided_grade") else label


def _met(row: Result | Confirmation) -> str:
    return zh_date(row.met_on) if row.met_on else ""


def of_general_branch(result: Result | None, *, decides: bool) -> str:
    """Return how the 党总支 decided, where the round lets it decide; "" otherwise."""
    if result is None or result.decided_grade is None or not decides:
        return ""
    return f"经{result.body}{_met(result)}研究，定级为{_chosen(result)}。"


def of_committee(result: Result | None, confirmation: Confirmation | None, *, decides: bool) -> str:
    """Return how the committee decided, or confirmed what the 党总支 had decided; "" is left for the pen."""
    if result is None or result.decided_grade is None:
        return ""
    if decides:
        return f"经{result.body}{_met(result)}研究，审定为{_chosen(result)}。{result.document_number}"
    if confirmation is None:
        return ""
    grade, number = result.decided_grade.label, confirmation.document_number
    return f"经{confirmation.body}{_met(confirmation)}研究，同意定为{grade}。{number}"
