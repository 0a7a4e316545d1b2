# Sourced by peers.sh and servers.sh, from the root of the repository: builds programs written in Go into .tmp/peers/bin.
# Each has a go.mod and a go.sum of our own in .ci, so that this very source is built and nothing newer.

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

# go_tool FOLDER[:PROGRAM] PACKAGE [FLAG…]: builds PACKAGE, as .ci/FOLDER/go.mod pins it, into .tmp/peers/bin/PROGRAM.
# Done already when the program is newer than that file, so that a folder kept between runs saves the work.
go_tool() {
  local folder=.ci/${1%%:*} program=$peers/bin/${1##*:} package=$2 go
  [ ! "$program" -nt "$folder/go.mod" ] || return 0
  export GOPATH=$peers/go-modules GOFLAGS=-modcacherw
  mkdir -p "$peers/bin"
  go=$(modern_go)
  (cd "$folder" && "$go" build -o "$program" "${@:3}" "$package")
}
