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
    Card("督办单", "逾期项目一个支部一份，回复和期限在这里跟", "supervision-notices", Action.VIEW_RECTIFICATION),
    Card("延期、暂停等申请", "支部提出的变更，逐件审批", "supervision-changes", Action.APPROVE_PLAN),
    Card("督导记录", "什么时候、谁、看了什么、发现什么", "supervision-visits", Action.VIEW_RECTIFICATION),
    Card("定点联系人", "最低等级的党支部由哪位领导联系", "supervision-contacts", Action.VIEW_RECTIFICATION),
    Card("整改规则", "期限、表决、提醒、问题类别", "rectification-rules-index", Action.MANAGE_RECTIFICATION),
    Card("发送记录", "提醒发给了谁，为什么没有发", "supervision-log", Action.SUPERVISE),
    Card("邮件提醒", "自己多久收一封摘要", "mail-choice", Action.VIEW_RECTIFICATION),
]
