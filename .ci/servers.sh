#!/usr/bin/env bash
# Builds the S3 servers that no Debian package has, versitygw and MinIO (with mcli), into .tmp/peers/bin, where the tests look for them.
# From source, by Go, which fetches what they are made of through its module proxy; no root. Cold it takes some minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/go-tools.sh

# Without debugging symbols: a third less to write and to load.
go_tool versitygw github.com/versity/versitygw/cmd/versitygw -ldflags='-s -w -X main.Version=1.7.0'
go_tool minio github.com/minio/minio -ldflags='-s -w'
# The client of its administrator, who alone can make users there; under the name distributions give it.
go_tool minio:mcli github.com/minio/mc -ldflags='-s -w'
