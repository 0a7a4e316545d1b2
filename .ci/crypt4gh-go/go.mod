// Pins the Go implementation that tests compare with, and what it is built of (go.sum); .ci/peers.sh builds it.
module sealift/peers

go 1.24.0

tool github.com/neicnordic/crypt4gh

require (
	filippo.io/edwards25519 v1.1.0 // indirect
	github.com/dchest/bcrypt_pbkdf v0.0.0-20150205184540-83f37f9c154a // indirect
	github.com/hashicorp/go-version v1.7.0 // indirect
	github.com/jessevdk/go-flags v1.6.1 // indirect
	github.com/logrusorgru/aurora/v4 v4.0.0 // indirect
	github.com/neicnordic/crypt4gh v1.14.0 // indirect
	golang.org/x/crypto v0.33.0 // indirect
	golang.org/x/sys v0.30.0 // indirect
	golang.org/x/term v0.29.0 // indirect
)
