// Reads vitest's JSON report (first argument), names what was skipped and what failed, and closes with one line:
// `tests: N passed, N failed, N skipped`. Ends non-zero when anything failed, or when there is no report.
import { readFileSync } from 'node:fs'

/** Characters of a failure's message and stack that the summary repeats. */
const LONGEST_REASON = 2000

const report = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const tests = report.testResults.flatMap((file) => file.assertionResults)
const count = (...statuses) => tests.filter(({ status }) => statuses.includes(status)).length

const skipped = tests.filter(({ status }) => ['pending', 'skipped', 'todo', 'disabled'].includes(status))
for (const { fullName } of skipped) console.log(`skipped: ${fullName}`)

// Named again at the end, with the reason: the runner's own account is thousands of lines above.
for (const { fullName, status, failureMessages = [] } of tests) {
  if (status === 'failed')
    console.log(`failed: ${fullName}: ${failureMessages.join('\n').slice(0, LONGEST_REASON)}`)
}

// A file that could not even be loaded has no tests that failed, and an error outside of tests belongs to none.
const brokenFiles = report.testResults.filter(
  (file) => file.status === 'failed' && !file.assertionResults.some(({ status }) => status === 'failed'),
)
for (const { name, message } of brokenFiles) console.log(`failed: ${name}: ${message}`)
const failed = Math.max(count('failed') + brokenFiles.length, report.success ? 0 : 1)

console.log(`tests: ${count('passed')} passed, ${failed} failed, ${skipped.length} skipped`)
process.exitCode = failed === 0 ? 0 : 1
