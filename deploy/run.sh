#!/usr/bin/env bash
# Start the product in the foreground: set-up, migrate, demo data on the first start, then web and worker.
#   PORT=8000 DEMO=1 deploy/run.sh
set -euo pipefail
cd "$(dirname "$0")/.."
deploy/setup.sh
export ZHIBU_DEMO="${DEMO:-1}"
exec .venv/bin/python manage.py serve --port "${PORT:-8000}"
