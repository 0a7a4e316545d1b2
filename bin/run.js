#!/usr/bin/env -S node --inspect-port=192.0.2.1:1024 --single-threaded-gc --max-semi-space-size=1
// Node opens a debugger's port on SIGUSR1, which batch systems send as a warning. Until a listener is there, that port is
// at an address no machine has; and before the command has begun there is nothing to save (docs/decisions.md).
process.on('SIGUSR1', () => {
  process.exit(75)
})
const { main } = await import('../dist/cli/main.js')

await main(import.meta.url)
