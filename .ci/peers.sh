#!/usr/bin/env bash
# Installs the programs that sealift is compared with into .tmp/peers, where tests and bench look for them.
#   .ci/peers.sh           what the tests need: the reference crypt4gh
#   .ci/peers.sh bench     and what `npm run bench` measures beside sealift: aws, rclone
# Needs python3 with venv. No root: rclone is unpacked from Debian's package, not installed.
set -euo pipefail
cd "$(dirname "$0")/.."

peers=$PWD/.tmp/peers
[ -x "$peers/bin/pip" ] || python3 -m venv --clear "$peers"
"$peers/bin/pip" install --quiet --disable-pip-version-check 'crypt4gh==1.8.6'

if [ "${1:-}" = bench ]; then
  "$peers/bin/pip" install --quiet --disable-pip-version-check 'awscli==1.46.2'
  if [ ! -x "$peers/bin/rclone" ]; then
    unpacked=$(mktemp -d)
    trap 'rm -rf "$unpacked"' EXIT
    (cd "$unpacked" && apt-get download rclone && dpkg --extract rclone_*.deb .)
    install -m 755 "$unpacked/usr/bin/rclone" "$peers/bin/rclone"
  fi
fi
