"""URLs of grading: rounds, one branch in a round, scoring, deciding."""

from django.urls import path

from grading.views import campaigns, decide, evidence, grid, rounds, self_assessment, sources, survey, unit_lists, units

urlpatterns = [
    path("campaigns/open/", campaigns.campaign_open, name="campaign-open"),
    path("presets/load/", campaigns.preset_load, name="preset-load"),
    path("", rounds.round_list, name="rounds"),
    path("rounds/<int:pk>/", rounds.round_page, name="round"),
    path("rounds/<int:pk>/move/", rounds.move, name="round-move"),
    path("rounds/<int:pk>/due/", rounds.due_dates, name="round-due"),
    path("rounds/<int:pk>/compute/", rounds.compute, name="round-compute"),
    path("rounds/<int:pk>/grid/", grid.scoring_grid, name="scoring-grid"),
    path("rounds/<int:pk>/units/", unit_lists.round_units, name="round-units"),
    path("rounds/<int:pk>/rules/", unit_lists.round_rules, name="round-rules"),
    path("rounds/<int:pk>/sources/", sources.sources_page, name="sources"),
    path("rounds/<int:pk>/sources/<slug:code>/<slug:key>/", sources.source_import, name="source-import"),
    path("units/<int:pk>/sources/", sources.unit_sources, name="unit-sources"),
    path("rounds/<int:pk>/decide/", decide.decide, name="decide"),
    path("units/<int:pk>/", units.unit, name="unit"),
    path("units/<int:pk>/return/", units.return_sheet, name="assessment-return"),
    path("units/<int:pk>/accept/", units.accept_sheet, name="assessment-accept"),
    path("units/<int:pk>/facts/", units.refresh_facts, name="unit-facts"),
    path("units/<int:pk>/extend/", units.extend, name="unit-extend"),
    path("units/<int:pk>/explain/", units.explain_grade, name="explain"),
    path("units/<int:pk>/withdraw/", decide.withdraw, name="withdraw"),
    path("units/<int:pk>/self/", self_assessment.self_assessment, name="self-assessment"),
    path("units/<int:pk>/survey/", survey.survey, name="survey"),
    path("units/<int:pk>/survey/<slug:side>/", survey.survey, name="survey-side"),
    path("units/<int:pk>/dock/<int:section>/", grid.dock, name="score-dock"),
    path("units/<int:pk>/score/<slug:kind>/<int:target>/", grid.save_score, name="score-save"),
    path("units/<int:pk>/reason/", grid.save_reason, name="score-reason"),
    path("units/<int:pk>/evidence/<int:criterion>/add/", evidence.add, name="evidence-add"),
    path("units/<int:pk>/evidence/<int:criterion>/cite/", evidence.cite, name="evidence-cite"),
    path("units/<int:pk>/evidence/<int:criterion>/drop/<int:file>/", evidence.drop, name="evidence-drop"),
    path("evidence/<int:pk>/", evidence.download, name="evidence-file"),
]
