"""Settings: embedded first (SQLite, filesystem broker); DATABASE_URL and REDIS_URL make it distributed (ADR 0006)."""

import ipaddress
import secrets
from pathlib import Path

import environ
from csp.constants import NONCE, NONE, SELF

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

VAR_DIR = Path(env("ZHIBU_VAR", default=str(BASE_DIR / "var")))
VAR_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)


def _secret_key() -> str:
    """Return SECRET_KEY from the environment, else one generated once into var/secret_key (mode 0600)."""
    if value := env("SECRET_KEY", default=""):
        return value
    path = VAR_DIR / "secret_key"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(64))
    return path.read_text().strip()


SECRET_KEY = _secret_key()
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
DEBUG = env.bool("DEBUG", default=False)
DEMO = env.bool("ZHIBU_DEMO", default=False)
TESTING = env.bool("ZHIBU_TEST", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["*"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
HTTPS = env.bool("ZHIBU_HTTPS", default=False)
# The 公示 page is for everybody, or for these networks only (10.0.0.0/8,2001:db8::/32). Behind n proxies of our own
# the client is the n-th entry of X-Forwarded-For from the right; with 0 the header is not read at all.
CAMPUS_NETWORKS = [ipaddress.ip_network(text, strict=False) for text in env.list("CAMPUS_NETWORKS", default=[])]
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)

INSTALLED_APPS = [
    "config.apps.ZhibuAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "crispy_forms",
    "crispy_bootstrap5",
    "django_filters",
    "django_htmx",
    "axes",
    "csp",
    "branches",
    "grading",
    "rectification",
    "interviews",
    "reporting",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "branches.middleware.SessionAgeMiddleware",
    "branches.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "branches.middleware.PrivatePagesMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "branches.context.chrome",
            ],
        },
    },
]

_SQLITE = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    # With recursive triggers a REPLACE meets the guards of the row it takes away.
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA recursive_triggers=ON; "
    "PRAGMA secure_delete=ON",
}
# A host that froze in the middle of a transaction would hold its locks, and with them every worker, until it wakes.
_POSTGRES = {"options": f"-c idle_in_transaction_session_timeout={env.int('DATABASE_IDLE_SECONDS', default=60)}s"}


def _database(name: str, default: str) -> dict[str, object]:
    """Return the database an environment variable names, with the options of its kind."""
    found = env.db(name, default=default)
    if found["ENGINE"] == "django.db.backends.sqlite3":
        return {**found, "OPTIONS": dict(_SQLITE), "ATOMIC_REQUESTS": False}
    options = {**_POSTGRES, **found.get("OPTIONS", {})}
    return {**found, "OPTIONS": options, "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True, "ATOMIC_REQUESTS": False}


# Web and worker come in as the web role, which changes rows; manage.py as the owner, who changes tables (ADR 0018).
DATABASE_ROLE = env("ZHIBU_DATABASE_ROLE", default="owner")
_web = _database("DATABASE_URL", f"sqlite:///{VAR_DIR / ('demo.sqlite3' if DEMO else 'site.sqlite3')}")
_owner = (
    _database("DATABASE_OWNER_URL", env("DATABASE_URL", default="")) if env("DATABASE_OWNER_URL", default="") else _web
)
DATABASE_WEB_ROLE = "" if _owner is _web else str(_web["USER"])
DATABASE_WEB_PASSWORD = str(_web.get("PASSWORD") or "")
DATABASES = {"default": _web if DATABASE_ROLE == "web" else _owner}
if DATABASE_ROLE == "web":
    DATABASES["owner"] = {**_owner, "CONN_MAX_AGE": 0}

AUTH_USER_MODEL = "branches.Account"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "branches.auth.AccountBackend"]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
PASSWORD_PROFILE = env("PASSWORD_PROFILE", default="dengbao")
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["username"]},
    },
    {"NAME": "branches.auth.LengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
if PASSWORD_PROFILE == "dengbao":
    AUTH_PASSWORD_VALIDATORS.append({"NAME": "branches.auth.ThreeKindsValidator"})
AUTH_PASSWORD_VALIDATORS.append({"NAME": "branches.auth.LocalWordsValidator"})

AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "branches.views.session.locked_out"
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
AXES_HTTP_RESPONSE_CODE = 429

SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = env.int("SESSION_ABSOLUTE_SECONDS", default=8 * 3600)
SESSION_IDLE_SECONDS = env.int("SESSION_IDLE_SECONDS", default=1800)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "branches.views.errors.csrf_failure"
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin" if HTTPS else None
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
        "base-uri": [NONE],
    },
}

LANGUAGE_CODE = "zh-hans"
TIME_ZONE = "Asia/Shanghai"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": str(VAR_DIR / ("demo-files" if DEMO else "files")),
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    },
    "staticfiles": {"BACKEND": "config.assets.Assets"},
}
if DEBUG or TESTING:
    STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20000
DATA_UPLOAD_MAX_NUMBER_FILES = 220  # returned workbooks, 200 at once; what is more is refused with a sentence
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024
FONT_DIRS = [VAR_DIR / "fonts", BASE_DIR / "static" / "fonts"]

CRISPY_ALLOWED_TEMPLATE_PACKS = CRISPY_TEMPLATE_PACK = "bootstrap5"
FILTERS_EMPTY_CHOICE_LABEL = "全部"

# With EMAIL_HOST mail goes out by SMTP; without it messages are written to files (docs/operations.md).
EMAIL_HOST = env("EMAIL_HOST", default="")
EMAIL_PORT = env.int("EMAIL_PORT", default=25)
EMAIL_HOST_USER = env("EMAIL_HOST_USER", default="")
EMAIL_HOST_PASSWORD = env("EMAIL_HOST_PASSWORD", default="")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", default=False)
EMAIL_USE_SSL = env.bool("EMAIL_USE_SSL", default=False)
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT", default=20)
EMAIL_FILE_PATH = str(VAR_DIR / ("demo-mail" if DEMO else "mail"))
_mailer = "smtp" if EMAIL_HOST else "filebased"
EMAIL_BACKEND = env("EMAIL_BACKEND", default=f"django.core.mail.backends.{_mailer}.EmailBackend")
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="zhibu@localhost")

REDIS_URL = env("REDIS_URL", default="")
QUEUE_DIR = VAR_DIR / ("demo-queue" if DEMO else "queue")
CELERY_BROKER_URL = REDIS_URL or "filesystem://localhost//"
if not REDIS_URL:
    QUEUE_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(QUEUE_DIR),
        "data_folder_out": str(QUEUE_DIR),
        "control_folder": str(QUEUE_DIR / "control"),
        "store_processed": False,
        "polling_interval": 0.5,
    }
else:
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "visibility_timeout": 7200,
        "unacked_restore_interval": 2,
        "unacked_restore_throttle": 1,
    }
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 5
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_DEFAULT_QUEUE = "light"
CELERY_TASK_ROUTES = {"reporting.tasks.render_export": {"queue": "heavy"}}
CELERY_TIMEZONE = TIME_ZONE
EXPORT_LEASE_SECONDS = env.int("EXPORT_LEASE_SECONDS", default=60)
EXPORT_TTL_HOURS = env.int("EXPORT_TTL_HOURS", default=24)
EXPORT_RUNNING_PER_ACCOUNT = env.int("EXPORT_RUNNING_PER_ACCOUNT", default=2)
EXPORT_QUEUED_PER_ACCOUNT = env.int("EXPORT_QUEUED_PER_ACCOUNT", default=5)
EXPORT_TIME_LIMIT_SECONDS = env.int("EXPORT_TIME_LIMIT_SECONDS", default=900)
EXPORT_MEMORY_MB = env.int("EXPORT_MEMORY_MB", default=2048)
EXPORT_RESERVE_MB = env.int("EXPORT_RESERVE_MB", default=100)
PIECE_TTL_HOURS = env.int("PIECE_TTL_HOURS", default=72)
RENDERER_RECYCLE_MB = env.int("RENDERER_RECYCLE_MB", default=250)
EXPORT_NUDGE_SECONDS = env.int("EXPORT_NUDGE_SECONDS", default=10)
WORKER_POLL_SECONDS = env.float("WORKER_POLL_SECONDS", default=2.0)
HEAVY_WORKERS = env.int("HEAVY_WORKERS", default=2)

# Keys of ballot boxes: outside database and backup, for this user only (docs/ballots.md).
BALLOT_KEY_DIR = Path(env("BALLOT_KEY_DIR", default=str(VAR_DIR / ("demo-ballot-keys" if DEMO else "ballot-keys"))))

# Keys of sealed talks (docs/interviews.md): master keys, wrapped keys of records, the journal of erasures, short-lived
# backups of the wrapped keys. Each in a directory of its own, none of them in the backup of the database.
_sealed = "demo-interview" if DEMO else "interview"
INTERVIEW_KEY_DIR = Path(env("INTERVIEW_KEY_DIR", default=str(VAR_DIR / f"{_sealed}-keys")))
INTERVIEW_VAULT_DIR = Path(env("INTERVIEW_VAULT_DIR", default=str(VAR_DIR / f"{_sealed}-vault")))
INTERVIEW_JOURNAL_DIR = Path(env("INTERVIEW_JOURNAL_DIR", default=str(VAR_DIR / f"{_sealed}-journal")))
INTERVIEW_VAULT_BACKUP_DIR = Path(env("INTERVIEW_VAULT_BACKUP_DIR", default=str(VAR_DIR / f"{_sealed}-vault-backups")))
INTERVIEW_VAULT_BACKUP_DAYS = env.int("INTERVIEW_VAULT_BACKUP_DAYS", default=7)
INTERVIEW_KEY_DAYS = env.int("INTERVIEW_KEY_DAYS", default=365)

# What voters type and scan: the address of this installation as phones reach it; else that of the printing request.
PUBLIC_URL = env("PUBLIC_URL", default="")

FILING_GRACE_MINUTES = env.int("FILING_GRACE_MINUTES", default=5)
AUDIT_RETENTION_DAYS = env.int("AUDIT_RETENTION_DAYS", default=400)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", default="WARNING")},
    "filters": {"refusals": {"()": "config.logs.Refusals"}},
    "loggers": {
        "fontTools": {"level": "ERROR"},
        "weasyprint": {"level": "ERROR"},
        "django.request": {"filters": ["refusals"]},
    },
}
