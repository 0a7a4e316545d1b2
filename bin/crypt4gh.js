#!/usr/bin/env -S node --inspect-port=192.0.2.1:1024
import { crypt4gh } from '../dist/compat/crypt4gh.js'

await crypt4gh()
