"""What a round's notice calls its forms: 附件5 党支部分类定级汇总表."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from branches.permissions import Action, account_of, enforce, requires
from grading.forms.form_names import FormNamesForm
from grading.services.errors import RefusedError
from grading.services.form_names import set_forms
from grading.views.shared import posted_version, round_or_404


@requires(Action.MANAGE_ROUND)
@require_http_methods(["GET", "POST"])
def form_names_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show or change number and title of the forms of a round, whatever its state."""
    round_ = round_or_404(request, pk)
    enforce(request, Action.MANAGE_ROUND, round_)
    form = FormNamesForm(request.POST or None, round_=round_)
    if request.method == "POST" and form.is_valid():
        try:
            set_forms(by=account_of(request), round_=round_, version=posted_version(request), names=form.names())
        except RefusedError as error:
            for sentence in error.sentences:
                form.add_error(None, sentence)
        else:
            messages.success(request, "报表的编号和名称已保存。")
            return redirect("form-names", round_.pk)
    context = {"round": round_, "form": form}
    return render(request, "grading/form_names.html", context, status=422 if form.is_bound else 200)
