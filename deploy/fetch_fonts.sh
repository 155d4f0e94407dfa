#!/bin/sh
# Fetch the sources of the packaged fonts through apt, pip and npm as this machine has them set up, and make static/fonts
# again from them. Not part of an installation: the made files are committed.
set -eu
cd "$(dirname "$0")/.."
python="${PYTHON:-.venv/bin/python}"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
(
    cd "$work"
    echo "取字体源文件……"
    apt-get download texlive-lang-chinese fonts-dejavu-core
    for package in *.deb; do dpkg-deb -x "$package" "debian-${package%%_*}"; done
    python3 -m pip download --no-deps --dest . pylopdf-fonts-zh-cn==0.1.1
    mkdir wheel && python3 -m zipfile -e pylopdf_fonts_zh_cn-*.whl wheel
    npm pack --silent @expo-google-fonts/noto-serif-sc@0.4.3
    tar xzf expo-google-fonts-noto-serif-sc-*.tgz
    for packed in debian-*/usr/share/doc/texlive-doc/fonts/fandol/COPYING.gz; do
        if [ -f "$packed" ]; then gunzip -k "$packed"; fi
    done
)
"$python" deploy/subset_fonts.py "$work" static/fonts
echo "完成：static/fonts"
