#!/bin/sh
# Usage: tools/need.sh build|test|proto
#
# Sees to what a verb of the Makefile needs beside this repository. Debian packages that are missing are installed when
# that is possible without a question (as root, or by sudo without a password); otherwise the line to type is printed
# and the exit code is 1. Swift is never installed: it is too big to come by surprise.
set -eu

verb=${1:-build}

say() { printf '%s\n' "$*" >&2; }
has() { command -v "$1" >/dev/null 2>&1; }

if ! has swift; then
  say "Swift 6.2 or newer is needed and there is no 'swift' on the PATH."
  say "Get it from https://www.swift.org/install/ (Swiftly or a toolchain archive), then run this again."
  exit 1
fi

# A header is there when the compiler finds it, however it came.
compiler=${CC:-cc}
has "$compiler" || compiler=clang
header() { printf '#include <%s>\n' "$1" | "$compiler" -E -x c - >/dev/null 2>&1; }

missing=
want() { missing="$missing $1"; }

header sqlite3.h || want libsqlite3-dev
header zlib.h || want zlib1g-dev
header zstd.h || want libzstd-dev
header snappy-c.h || want libsnappy-dev
header protobuf-c/protobuf-c.h || want libprotobuf-c-dev
header yaml.h || want libyaml-dev

case $verb in
  build) ;;
  test)
    has sqlite3 || want sqlite3
    has curl || want curl
    has zstd || want zstd
    has prometheus || want prometheus
    has python3 || want python3
    # Debian keeps what `python3 -m venv` needs in a package of its own.
    { has python3 && python3 -c 'import ensurepip, venv' >/dev/null 2>&1; } || want python3-venv
    ;;
  proto) has protoc-c || want protobuf-c-compiler ;;
  *)
    say "usage: tools/need.sh build|test|proto"
    exit 2
    ;;
esac

[ -n "$missing" ] || exit 0

if ! has apt-get; then
  say "These are missing (names as Debian has them):$missing"
  say "Install them with your system's package manager, then run this again."
  exit 1
fi

if [ "$(id -u)" -eq 0 ]; then
  root=
elif has sudo && sudo -n true >/dev/null 2>&1; then
  root="sudo -n"
else
  say "These packages are missing; install them, then run this again:"
  say "  sudo apt-get install -y$missing"
  exit 1
fi

say "installing:$missing"
install() {
  # shellcheck disable=SC2086 # both are lists of words
  $root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing </dev/null >&2
}
# The package lists of a fresh machine are empty or old: get them only then.
install || { $root apt-get update </dev/null >&2 && install; } || {
  say "apt-get could not install:$missing"
  exit 1
}
