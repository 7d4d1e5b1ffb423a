#!/usr/bin/env bash
# Finds out what is missing for a purpose and installs it, saying what it does.
#   scripts/need.sh build     what `make run` needs
#   scripts/need.sh test      what `make test` needs on top
# On Debian and Ubuntu it installs; elsewhere it names the packages. Prints to stderr only.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(dirname "$here")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pilothouse
say() { printf 'need: %s\n' "$*" >&2; }
stop() { printf 'need: %s\n' "$*" >&2; exit 1; }

packages() { # names of a list's packages that are not installed
  local name
  while read -r name; do
    [ -n "$name" ] || continue
    dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || printf '%s ' "$name"
  done < "$1"
}

apt() { # list file
  if ! command -v apt-get >/dev/null; then
    say "this is not Debian or Ubuntu, so nothing is installed for you. Install the counterparts of: $(tr '\n' ' ' < "$1")"
    return
  fi
  local missing root=()
  missing=$(packages "$1")
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || stop "missing Debian packages and no sudo: ask an administrator to run: apt-get install $missing"
    root=(sudo)
  fi
  say "installing Debian packages: $missing"
  "${root[@]}" apt-get update -qq >&2 || say "apt-get update failed; trying with the lists at hand"
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive "${root[@]}" apt-get install -y -qq --no-install-recommends $missing >&2 \
    || stop "apt-get could not install: $missing"
}

rust() {
  command -v cargo >/dev/null || stop "Rust is missing. Install Rust 1.95 or newer (https://rustup.rs), then run this again"
  local have want
  want=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$top/Cargo.toml" | head -1)
  have=$(rustc --version | awk '{print $2}')
  [ "$(printf '%s\n%s\n' "$want" "$have" | sort -V | head -1)" = "$want" ] || stop "Rust $have is older than $want: run rustup update"
}

node_ok() { node -e 'const [a,b]=process.versions.node.split(".").map(Number);process.exit(a>20||(a===20&&b>=19)?0:1)' 2>/dev/null; }

node_js() { # Node 20.19 or newer; from npm's own package `node` when the system has an older one
  if [ -x "$cache/node/node_modules/.bin/node" ]; then PATH="$cache/node/node_modules/.bin:$PATH"; fi
  node_ok && return
  command -v npm >/dev/null || { printf 'nodejs\nnpm\n' > "$cache.npm.txt"; apt "$cache.npm.txt"; rm -f "$cache.npm.txt"; }
  say "Node is missing or older than 20.19: installing node@22 from npm into $cache/node"
  mkdir -p "$cache/node"
  npm install --loglevel=error --prefix "$cache/node" node@22 >&2
  PATH="$cache/node/node_modules/.bin:$PATH"
  node_ok || stop "Node 22 from npm does not start"
}

ui_packages() {
  local stamp="$top/ui/node_modules/.stamp"
  if [ ! -f "$stamp" ] || ! cmp -s "$top/ui/package-lock.json" "$stamp"; then
    say "installing the window's npm packages"
    (cd "$top/ui" && npm ci --include=dev --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
    cp "$top/ui/package-lock.json" "$stamp"
  fi
}

tauri_driver() {
  [ -x "$cache/bin/tauri-driver" ] && return
  say "building tauri-driver 2.1.0 (drives the window in tests) into $cache/bin"
  CARGO_TARGET_DIR="$cache/tauri-driver-target" cargo install tauri-driver --version 2.1.0 --locked --quiet --root "$cache" >&2
  rm -rf "$cache/tauri-driver-target"
}

mkdir -p "$cache"
case "${1:-}" in
  build) apt "$here/apt-build.txt"; rust; node_js; ui_packages ;;
  test)
    apt "$here/apt-build.txt"; apt "$here/apt-test.txt"; rust; node_js; ui_packages; tauri_driver
    [ ! -x "$here/test-setup.sh" ] || "$here/test-setup.sh"
    "$here/testcluster.sh"
    "$here/kubelet.sh"
    ;;
  *) stop "usage: scripts/need.sh build|test" ;;
esac
# The caller evaluates this, so that its later steps find the same Node.
printf 'export PATH=%q\n' "$PATH"
