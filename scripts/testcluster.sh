#!/usr/bin/env bash
# Builds a real API server (etcd and kube-apiserver in one program) and the real kubectl out of Go modules, for tests/live.
#
#   scripts/testcluster.sh          build them when they are not there
#   scripts/testcluster.sh --where  print their directory and do nothing
#
# They go to a directory named after their sources: changed sources are a new directory, unchanged ones cost nothing.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/tests/testcluster
sources=(go.mod go.sum main.go certs.go kubectl/main.go)
hash=$(cd "$here" && cat "${sources[@]}" | sha256sum | cut -c1-16)
dir=${XDG_CACHE_HOME:-$HOME/.cache}/pilothouse/testcluster-$hash

if [ "${1:-}" = --where ]; then
  echo "$dir"
  exit 0
fi

# Only --where writes to stdout: the callers of scripts/need.sh evaluate what it prints.
say() { echo "testcluster: $*" >&2; }
die() { echo "testcluster: $*" >&2; exit 1; }

mkdir -p "$dir"
exec 9>"$dir/.lock"
flock 9
if [ -f "$dir/.complete" ] && "$dir/kubectl" version --client >/dev/null 2>&1 && [ -x "$dir/testcluster" ]; then
  say "the API server for tests is in $dir"
  exit 0
fi

go=$("$(dirname "${BASH_SOURCE[0]}")/go.sh")

version=v$(sed -n 's/^\tk8s.io\/kubernetes v//p' "$here/go.mod" | head -1)
stamp="-X k8s.io/component-base/version.gitVersion=$version -X k8s.io/client-go/pkg/version.gitVersion=$version"
export CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-mod=readonly
say "building kube-apiserver, etcd and kubectl $version from Go modules into $dir (once; 5 to 20 minutes and 3 GB of caches)"
rm -f "$dir/.complete"
start=$(date +%s)
(cd "$here" && nice -n 5 "$go" build -p 2 -trimpath -buildvcs=false -ldflags "-s -w $stamp" -o "$dir/kubectl" ./kubectl >&2)
say "kubectl is there after $(($(date +%s) - start)) s; now the API server"
(cd "$here" && nice -n 5 "$go" build -p 2 -trimpath -buildvcs=false -ldflags "-s -w $stamp" -o "$dir/testcluster" . >&2)
"$dir/kubectl" version --client >/dev/null 2>&1 || die "built, but kubectl does not start; remove $dir and try again"
touch "$dir/.complete"
say "the API server for tests is in $dir, after $(($(date +%s) - start)) s"
