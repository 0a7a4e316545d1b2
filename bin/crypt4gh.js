#!/usr/bin/env node
import { crypt4gh } from '../dist/compat/crypt4gh.js'

await crypt4gh()
