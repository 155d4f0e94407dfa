"""URLs of rectification: plans and their items; supervision and boards add theirs."""

from django.urls import URLPattern, URLResolver, include, path

from rectification import board_urls
from rectification.views import approval, changes, item, item_acts, items, landing, meetings, plans, rules

urlpatterns: list[URLPattern | URLResolver] = [
    path("", landing.landing, name="rectification"),
    path("supervision/", include("rectification.urls_supervision")),
    path("rules/", rules.rules_index, name="rectification-rules-index"),
    path("rules/<int:pk>/", rules.rules, name="rectification-rules"),
    path("plans/", landing.plan_list, name="plans"),
    path("units/<int:pk>/start/", plans.plan_start, name="plan-start"),
    path("rounds/<int:pk>/start/<int:branch>/", plans.plan_start_own, name="plan-start-own"),
    path("plans/<int:pk>/", plans.plan, name="plan"),
    path("plans/<int:pk>/take/", plans.plan_take, name="plan-take"),
    path("plans/<int:pk>/goal/", plans.plan_goal, name="plan-goal"),
    path("plans/<int:pk>/meeting/", meetings.plan_meeting, name="plan-meeting"),
    path("plans/<int:pk>/submit/", plans.plan_submit, name="plan-submit"),
    path("plans/<int:pk>/withdraw/", plans.plan_withdraw, name="plan-withdraw"),
    path("plans/<int:pk>/approve/", approval.plan_approve, name="plan-approve"),
    path("plans/<int:pk>/items/new/", items.item_new, name="item-new"),
    path("receipts/<int:pk>/", plans.plan_receipt, name="plan-receipt"),
    path("items/<int:pk>/", item.item, name="item"),
    path("items/<int:pk>/edit/", items.item_edit, name="item-edit"),
    path("items/<int:pk>/remove/", items.item_remove, name="item-remove"),
    path("items/<int:pk>/escalate/", items.item_escalate, name="item-escalate"),
    path("items/<int:pk>/submit/", items.item_submit, name="item-submit"),
    path("items/<int:pk>/progress/", item_acts.item_progress, name="item-progress"),
    path("items/<int:pk>/complete/", item_acts.item_complete, name="item-complete"),
    path("items/<int:pk>/complete/withdraw/", item_acts.item_withdraw, name="item-withdraw"),
    path("items/<int:pk>/verify/", item_acts.item_verify, name="item-verify"),
    path("items/<int:pk>/recheck/", item_acts.item_recheck, name="item-recheck"),
    path("items/<int:pk>/recheck/plan/", item_acts.item_recheck_plan, name="item-recheck-plan"),
    path("items/<int:pk>/checkpoint/", item_acts.item_checkpoint, name="item-checkpoint"),
    path("items/<int:pk>/person/", item_acts.item_person, name="item-person"),
    path("items/<int:pk>/change/", changes.item_change, name="item-change"),
    path("files/<int:pk>/", item_acts.item_file, name="item-file"),
    path("files/<int:pk>/remove/", item_acts.item_file_remove, name="item-file-remove"),
    path("changes/<int:pk>/decide/", changes.change_decide, name="change-decide"),
    path("changes/<int:pk>/withdraw/", changes.change_withdraw, name="change-withdraw"),
    *board_urls.urlpatterns,
]
