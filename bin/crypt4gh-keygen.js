#!/usr/bin/env -S node --inspect-port=192.0.2.1:1024
import { keygen } from '../dist/compat/crypt4gh-keygen.js'

await keygen()
