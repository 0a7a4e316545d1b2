#!/usr/bin/env node
import { keygen } from '../dist/compat/crypt4gh-keygen.js'

await keygen()
