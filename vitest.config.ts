import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    // Each file has servers, ports and folders of its own; the default leaves one core to a watcher.
    maxWorkers: availableParallelism(),
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // oclif writes through console; intercepting it would hide what the commands print.
    disableConsoleIntercept: true,
  },
})
