#!/usr/bin/env bash
# Re-make static/vendor and tests/vendor from exact npm versions.
#
# Nothing is built: each package is unpacked, the few files we serve are copied, source-map lines are
# stripped (WhiteNoise refuses a style sheet that names a missing map), and VENDOR.tsv is rewritten.
# Needs npm and python3; run it only to change a version, the results are committed.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# package, version, licence, path inside the package, path in the project
files='bootstrap 5.3.9 MIT dist/css/bootstrap.min.css static/vendor/bootstrap.min.css
bootstrap 5.3.9 MIT dist/js/bootstrap.bundle.min.js static/vendor/bootstrap.bundle.min.js
bootstrap 5.3.9 MIT LICENSE static/vendor/LICENSE.bootstrap.txt
htmx.org 2.0.10 0BSD dist/htmx.min.js static/vendor/htmx.min.js
htmx.org 2.0.10 0BSD LICENSE static/vendor/LICENSE.htmx.txt
axe-core 4.14.1 MPL-2.0 axe.min.js tests/vendor/axe.min.js
axe-core 4.14.1 MPL-2.0 LICENSE tests/vendor/LICENSE.axe-core.txt'

mkdir -p "$root/static/vendor" "$root/tests/vendor"

echo "$files" | awk '{print $1 "@" $2}' | sort -u | while read -r spec; do
  mkdir -p "$work/$spec"
  (cd "$work/$spec" && npm pack --silent --ignore-scripts "$spec" >/dev/null && tar -xzf ./*.tgz)
done

table="$root/static/vendor/VENDOR.tsv"
printf 'package\tversion\tlicence\tfile\tsha256\n' >"$table"
echo "$files" | while read -r package version licence from to; do
  sed -E -e 's@^/[/*]# sourceMappingURL=.*$@@' "$work/$package@$version/package/$from" >"$root/$to"
  sum=$(sha256sum "$root/$to" | cut -d' ' -f1)
  printf '%s\t%s\t%s\t%s\t%s\n' "$package" "$version" "$licence" "$to" "$sum" >>"$table"
done
echo "Vendored files written; see static/vendor/VENDOR.tsv"
