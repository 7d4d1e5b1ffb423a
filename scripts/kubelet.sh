#!/usr/bin/env bash
# Builds the kubelet of tests/live (logs, exec and port-forward as kube-apiserver asks a node for them) out of Go modules.
#
#   scripts/kubelet.sh          build it when it is not there
#   scripts/kubelet.sh --where  print its directory and do nothing
#
# It goes to a directory named after its sources: changed sources are a new directory, unchanged ones cost nothing.
set -euo pipefail

scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
here=$(dirname "$scripts")/tests/kubelet
hash=$(cd "$here" && cat go.mod go.sum main.go | sha256sum | cut -c1-16)
dir=${XDG_CACHE_HOME:-$HOME/.cache}/pilothouse/kubelet-$hash

if [ "${1:-}" = --where ]; then
  echo "$dir"
  exit 0
fi

# Only --where writes to stdout: the callers of scripts/need.sh evaluate what it prints.
say() { echo "kubelet: $*" >&2; }
mkdir -p "$dir"
exec 9>"$dir/.lock"
flock 9
if [ -x "$dir/kubelet" ]; then
  say "the kubelet for tests is in $dir"
  exit 0
fi
go=$("$scripts/go.sh")
export CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-mod=readonly
say "building the kubelet for tests into $dir (once; about a minute)"
(cd "$here" && nice -n 5 "$go" build -p 2 -trimpath -buildvcs=false -ldflags "-s -w" -o "$dir/.kubelet" . >&2)
mv "$dir/.kubelet" "$dir/kubelet"
say "the kubelet for tests is in $dir"
