#!/usr/bin/env bash
# The one set-up script. `make run` calls it as it is; `make test` and `make check` call it with --tests.
#
#   deploy/setup.sh            what running the product needs
#   deploy/setup.sh --tests    also what the test suite needs: PostgreSQL, Redis and Chromium
#   deploy/setup.sh --soak     and what the long tests need: LibreOffice
#
# Safe to run again at any time: it only does what is missing. It never asks a question, never starts, stops or
# changes a database server, and touches nothing outside this directory except missing Debian packages.
set -euo pipefail
cd "$(dirname "$0")/.."

VENV=.venv
LOCK=requirements.txt
STAMP=$VENV/.zhibu-lock
RUN_PACKAGES=(libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fontconfig fonts-noto-cjk poppler-utils)
TEST_PACKAGES=(postgresql redis-server chromium)
SOAK_PACKAGES=(libreoffice-calc-nogui)

say() { printf '%s\n' "set-up: $*"; }
stop() {
  printf '%s\n' "set-up: $*" >&2
  exit 1
}

want_tests=no want_soak=no
for argument in "$@"; do
  case $argument in
    --tests) want_tests=yes ;;
    --soak) want_tests=yes want_soak=yes ;;
    *) stop "unknown argument '$argument'. Usage: deploy/setup.sh [--tests|--soak]" ;;
  esac
done

# --- 1. Python -------------------------------------------------------------------------------------------------
find_python() {
  local name
  for name in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
    if command -v "$name" >/dev/null 2>&1 && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$name"
      return 0
    fi
  done
  return 1
}

# --- 2. System packages ----------------------------------------------------------------------------------------
installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null || true)" = installed ]
}

install_packages() {
  local missing=("$@") as_root=() line
  line="apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
  if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
      as_root=(sudo -n)
    else
      say "these system packages are missing: ${missing[*]}"
      say "run this line as root, then start again:"
      printf '\n    %s\n\n' "sudo sh -c '$line'" >&2
      exit 1
    fi
  fi
  say "installing system packages: ${missing[*]}"
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get
    -o DPkg::Lock::Timeout=600 -q)
  "${apt[@]}" update >/dev/null || say "the package lists could not be refreshed; trying with the ones at hand"
  "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >/dev/null ||
    stop "apt could not install them. Run this line as root to see why: $line"
}

python=$(find_python || true)
wanted=("${RUN_PACKAGES[@]}")
[ "$want_tests" = yes ] && wanted+=("${TEST_PACKAGES[@]}")
[ "$want_soak" = yes ] && wanted+=("${SOAK_PACKAGES[@]}")
if [ -z "$python" ]; then
  wanted+=(python3 python3-venv)
elif ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  wanted+=(python3-venv)
fi

if command -v dpkg-query >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1; then
  missing=()
  for package in "${wanted[@]}"; do
    installed "$package" || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}"
else
  say "this system has no apt. Make sure these are installed, under their names here: ${wanted[*]}"
fi

python=$(find_python || true)
[ -n "$python" ] || stop "Python 3.11 or newer is needed and was not found. Set PYTHON=/path/to/python3 to name one."

# --- 3. Virtual environment ------------------------------------------------------------------------------------
if [ ! -x $VENV/bin/python ] || ! $VENV/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  say "making the virtual environment $VENV with $("$python" --version)"
  rm -rf $VENV
  "$python" -m venv $VENV
fi

lock_hash="$(sha256sum $LOCK | cut -d' ' -f1) $($VENV/bin/python -c 'import sys; print(*sys.version_info[:2])')"
if [ "$(cat $STAMP 2>/dev/null || true)" != "$lock_hash" ]; then
  say "installing the Python packages pinned in $LOCK"
  $VENV/bin/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r $LOCK
  printf '%s\n' "$lock_hash" >$STAMP
fi

mkdir -p var
chmod 700 var
say "ready ($($VENV/bin/python --version), $VENV)"
