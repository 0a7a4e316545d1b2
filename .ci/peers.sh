#!/usr/bin/env bash
# Installs the programs that sealift is compared with into .tmp/peers, where tests and bench look for them.
#   .ci/peers.sh           what the tests need: the reference crypt4gh (Python), and neicnordic's (Go) as crypt4gh-go
#   .ci/peers.sh bench     and what `npm run bench` measures beside sealift: aws, rclone, s5cmd
# Needs python3 with venv. No root: what comes from Debian's packages is unpacked, not installed.
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/go-tools.sh

[ -x "$peers/bin/pip" ] || python3 -m venv --clear "$peers"
"$peers/bin/pip" install --quiet --disable-pip-version-check 'crypt4gh==1.8.6'

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
