"""Browser tests begin signed in: the session is made on the server, the browser gets its cookie."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore


@pytest.fixture
def browse_as(live_server: Any) -> Callable[[Any, Any, str], None]:
    """`browse_as(page, account, "/")` opens an address as that account."""

    def go(page: Any, account: Any, path: str) -> None:
        session = SessionStore()
        session["_auth_user_id"] = str(account.pk)
        session["_auth_user_backend"] = settings.AUTHENTICATION_BACKENDS[-1]
        session["_auth_user_hash"] = account.get_session_auth_hash()
        session.create()
        page.context.add_cookies([{"name": "sessionid", "value": session.session_key, "url": live_server.url}])
        page.goto(f"{live_server.url}{path}")

    return go
