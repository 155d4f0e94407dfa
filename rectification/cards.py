"""Pages below the landing page of 整改提高: each part of the app adds a line here."""

from dataclasses import dataclass

from branches.permissions import Action


@dataclass(frozen=True, slots=True)
class Card:
    """A page with its title, what it is for, and the action without which it is not shown."""

    title: str
    text: str
    url_name: str
    action: Action


CARDS: list[Card] = [
    Card("各支部方案", "谁已提交、谁待审批", "plans", Action.VIEW_RECTIFICATION),
    Card("整改进度", "各党总支、各类问题、逾期和燃尽图", "rectification-boards", Action.VIEW_RECTIFICATION),
]
