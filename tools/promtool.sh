#!/bin/sh
# Usage: tools/promtool.sh FOLDER
#
# Puts promtool, Prometheus' own checker, into FOLDER for the test of /metrics. Taken out of Debian's package without
# installing it: that would start a Prometheus server. Without apt, or without the package, nothing happens and that one
# test is skipped.
set -eu

folder=$1
if command -v promtool >/dev/null 2>&1; then
  ln -sf "$(command -v promtool)" "$folder/promtool"
  exit 0
fi
command -v apt-get >/dev/null 2>&1 && command -v dpkg-deb >/dev/null 2>&1 || exit 0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download prometheus >/dev/null 2>&1 || {
  echo "promtool is not to be had here; its test will be skipped" >&2
  exit 0
}
dpkg-deb -x prometheus*.deb . && cp usr/bin/promtool "$OLDPWD/$folder/promtool"
