"""URLs of 评分标准, apart from the rounds that use them."""

from django.urls import path

from grading.views import rubrics

urlpatterns = [
    path("", rubrics.rubric_list, name="rubrics"),
    path("template/", rubrics.rubric_template, name="rubric-template"),
    path("import/", rubrics.rubric_import, name="rubric-import"),
    path("import/<slug:key>/", rubrics.rubric_import_check, name="rubric-import-check"),
    path("<int:pk>/", rubrics.rubric_page, name="rubric"),
    path("<int:pk>/compare/", rubrics.rubric_compare, name="rubric-compare"),
    path("<int:pk>/export/", rubrics.rubric_export, name="rubric-export"),
    path("<int:pk>/publish/", rubrics.rubric_publish, name="rubric-publish"),
    path("<int:pk>/copy/", rubrics.rubric_copy, name="rubric-copy"),
]
