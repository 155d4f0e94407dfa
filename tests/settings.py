"""Settings of the test suite: the product's own, on throwaway directories and with quick password hashes.

Every pytest-xdist worker gets directories of its own, so that no two of them share a database, a queue or a file.
"""

import os
import tempfile
from pathlib import Path

if "ZHIBU_TEST_ROOT" not in os.environ:
    os.environ["ZHIBU_TEST_ROOT"] = tempfile.mkdtemp(prefix="zhibu-test-")
    os.environ["ZHIBU_TEST_ROOT_OWNER"] = str(os.getpid())
_root = Path(os.environ["ZHIBU_TEST_ROOT"]) / os.environ.get("PYTEST_XDIST_WORKER", "main")
os.environ["ZHIBU_VAR"] = str(_root)
os.environ["ZHIBU_TEST"] = "1"
if os.environ.get("REDIS_URL", "").endswith("/0") and (_worker := os.environ.get("PYTEST_XDIST_WORKER", "")):
    os.environ["REDIS_URL"] = os.environ["REDIS_URL"][:-1] + str(int(_worker.removeprefix("gw")) + 1)
os.environ.setdefault("SECRET_KEY", "tests-only-" + "0" * 50)
# Playwright's synchronous interface keeps an event loop in the main thread; the ORM calls around it are still ordered.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

from config.settings import *  # noqa: E402 - the environment above must be set first

STATIC_ROOT.mkdir(parents=True, exist_ok=True)
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Else each test client lists every static file before its first request.
WHITENOISE_AUTOREFRESH = True
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
# Connections outlive a live server's threads otherwise, and a test database in use cannot be dropped.
DATABASES["default"]["CONN_MAX_AGE"] = 0
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A real file: the locks, the WAL and other processes are then those of the product.
    DATABASES["default"]["TEST"] = {"NAME": str(_root / "test.sqlite3")}
