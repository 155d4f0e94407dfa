"""URLs of planning talks and of counting them."""

from django.urls import path

from interviews.views import assigning, classes, coverage, people_import, periods, planning, reports, visit_rules, words

urlpatterns = [
    path("plan/", planning.plan_start, name="visit-plan-start"),
    path("plan/tasks/hand-over/", assigning.hand_over, name="visit-hand-over"),
    path("plan/tasks/give/", assigning.give, name="visit-give"),
    path("plan/tasks/back/", assigning.back_to_rules, name="visit-back"),
    path("plan/<int:campaign>/", planning.plan, name="visit-plan"),
    path("plan/<int:campaign>/set-up/", planning.plan_set_up, name="visit-set-up"),
    path("plan/<int:campaign>/roster/", planning.people_roster, name="people-roster"),
    path("plan/<int:campaign>/roster/import/", people_import.people_import, name="people-import"),
    path("plan/<int:campaign>/roster/template/", people_import.people_template, name="people-template"),
    path("plan/<int:campaign>/roster/import/<slug:key>/<slug:step>/", people_import.people_step, name="people-step"),
    path("plan/<int:campaign>/roster/<int:pk>/", planning.people_entry, name="people-entry"),
    path("plan/<int:campaign>/rules/", visit_rules.rule_list, name="visit-rules"),
    path("plan/<int:campaign>/rules/new/", visit_rules.rule_new, name="visit-rule-new"),
    path("plan/<int:campaign>/rules/settings/", visit_rules.visit_settings, name="visit-settings"),
    path("plan/<int:campaign>/rules/<int:pk>/", visit_rules.rule_edit, name="visit-rule"),
    path("plan/<int:campaign>/rules/<int:pk>/remove/", visit_rules.rule_remove, name="visit-rule-remove"),
    path("plan/<int:campaign>/words/", words.word_list, name="visit-words"),
    path("plan/<int:campaign>/words/<slug:sort>/new/", words.word_new, name="visit-word-new"),
    path("plan/<int:campaign>/words/<slug:sort>/<int:pk>/", words.word_edit, name="visit-word"),
    path("plan/<int:campaign>/words/<slug:sort>/<int:pk>/move/", words.word_move, name="visit-word-move"),
    path("plan/<int:campaign>/words/<slug:sort>/<int:pk>/remove/", words.word_remove, name="visit-word-remove"),
    path("plan/<int:campaign>/periods/new/", periods.period_new, name="visit-period-new"),
    path("plan/<int:campaign>/periods/<int:pk>/", periods.period_edit, name="visit-period"),
    path("plan/<int:campaign>/periods/<int:pk>/remove/", periods.period_remove, name="visit-period-remove"),
    path("plan/classes/tutor/", classes.class_tutor, name="class-tutor"),
    path("plan/<int:campaign>/classes/", classes.class_list, name="class-groups"),
    path("plan/<int:campaign>/classes/<int:pk>/", classes.class_edit, name="class-group"),
    path("plan/<int:campaign>/classes/<int:pk>/remove/", classes.class_remove, name="class-group-remove"),
    path("plan/<int:campaign>/tasks/", assigning.assignment_list, name="visit-assignments"),
    path("plan/<int:campaign>/tasks/run/", assigning.assignment_run, name="visit-run"),
    path("plan/<int:campaign>/tasks/without/", assigning.without_list, name="visit-without"),
    path("plan/<int:campaign>/coverage/", coverage.coverage_whole, name="coverage"),
    path("plan/<int:campaign>/coverage/<int:unit>/", coverage.coverage_unit, name="coverage-unit"),
    path("plan/<int:campaign>/reports/", reports.report_list, name="visit-reports"),
    path("plan/<int:campaign>/reports/<int:period>/<int:unit>/", reports.report_page, name="visit-report"),
    path(
        "plan/<int:campaign>/reports/<int:period>/<int:unit>/return/", reports.report_return, name="visit-report-return"
    ),
]
