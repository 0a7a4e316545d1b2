#!/usr/bin/env bash
# Installs the programs that sealift is compared with into .tmp/peers, where tests and bench look for them.
#   .ci/peers.sh           what the tests need: the reference crypt4gh (Python), and neicnordic's (Go) as crypt4gh-go
#   .ci/peers.sh bench     and what `npm run bench` measures beside sealift: aws, rclone, s5cmd
# Needs python3 with venv. No root: what comes from Debian's packages is unpacked, not installed.
set -euo pipefail
cd "$(dirname "$0")/.."

peers=$PWD/.tmp/peers

# Unpacks Debian packages into a folder.
unpack() {
  local into=$1 package
  mkdir -p "$into"
  for package in "${@:2}"; do
    (cd "$into" && apt-get download --quiet=2 "$package" && dpkg --extract "${package}"_*.deb . && rm "${package}"_*.deb)
  done
}

# Prints a Go that can build what .ci/*/go.mod ask for. From 1.21 on, Go fetches the version it needs itself.
# Debian 12 has 1.19, which is at least able to fetch a newer one as a module; only its permission bits are missing then.
modern_go() {
  local go version=1.24.4 bootstrap=$peers/go-bootstrap
  go=$(command -v go || true)
  if [ -n "$go" ] && [[ $("$go" version) =~ go1\.(2[1-9]|[3-9][0-9]) ]]; then
    echo "$go"
    return
  fi
  if [ ! -x "$peers/go/bin/go" ]; then
    [ -x "$bootstrap/usr/lib/go-1.19/bin/go" ] || unpack "$bootstrap" golang-1.19-go golang-1.19-src >&2
    (cd "$bootstrap" && GOROOT=$bootstrap/usr/lib/go-1.19 \
      usr/lib/go-1.19/bin/go mod download "golang.org/toolchain@v0.0.1-go$version.linux-$(dpkg --print-architecture)") >&2
    mv "$GOPATH/pkg/mod/golang.org/toolchain@v0.0.1-go$version.linux-"* "$peers/go"
    chmod -R u+w,a+x "$peers/go/bin" "$peers/go/pkg/tool"
    rm -rf "$bootstrap"
  fi
  echo "$peers/go/bin/go"
}

[ -x "$peers/bin/pip" ] || python3 -m venv --clear "$peers"
"$peers/bin/pip" install --quiet --disable-pip-version-check 'crypt4gh==1.8.6'

# With go.mod and go.sum of our own, so that this very source is built and nothing newer.
go_tool() {
  local folder=.ci/$1 package=$2 go
  [ ! "$peers/bin/$1" -nt "$folder/go.mod" ] || return 0
  export GOPATH=$peers/go-modules GOFLAGS=-modcacherw
  go=$(modern_go)
  (cd "$folder" && "$go" build -o "$peers/bin/$1" "${@:3}" "$package")
}
go_tool crypt4gh-go github.com/neicnordic/crypt4gh

if [ "${1:-}" = bench ]; then
  "$peers/bin/pip" install --quiet --disable-pip-version-check 'awscli==1.46.2'
  if [ ! -x "$peers/bin/rclone" ]; then
    unpack "$peers/rclone" rclone
    install -m 755 "$peers/rclone/usr/bin/rclone" "$peers/bin/rclone"
    rm -rf "$peers/rclone"
  fi
  # It does not know its own version unless it is told.
  go_tool s5cmd github.com/peak/s5cmd/v2 -ldflags=-X=github.com/peak/s5cmd/v2/version.Version=2.3.0
fi
