"""Saving what is being typed."""

import json

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST

from branches import clock, drafts
from branches.permissions import account_of, signed_in


@require_POST
@signed_in
def save(request: HttpRequest, form: str, key: str) -> HttpResponse:
    """Keep the caller's own draft; JSON {sequence, base_version, data} in, {taken, saved_at} out."""
    try:
        sent = json.loads(request.body)
        sequence, base_version = int(sent["sequence"]), int(sent.get("base_version", 0))
        data = dict(sent["data"])
        saved = drafts.save(
            account=account_of(request), form=form, key=key, sequence=sequence, base_version=base_version, data=data
        )
    except drafts.DraftTooLargeError as error:
        return JsonResponse({"error": str(error)}, status=413)
    except (KeyError, TypeError, ValueError):
        return JsonResponse({"error": "草稿格式不对，没有保存。"}, status=400)
    return JsonResponse({"taken": saved.taken, "sequence": saved.draft.sequence, "saved_at": f"{clock.now():%H:%M}"})
