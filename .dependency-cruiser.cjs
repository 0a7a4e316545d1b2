/** A layer may import itself and the layers named after it (docs/architecture.md). */
const only = (from, ...to) => ({
  name: `${from}-imports`,
  severity: 'error',
  comment: `src/${from} may import only: ${to.join(', ') || 'nothing'} (docs/architecture.md)`,
  from: { path: `^src/${from}/` },
  to: { path: '^src/', pathNot: `^src/(${[from, ...to].join('|')})/` },
})

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    only('commands', 'cli', 'workflows', 'sandbox'),
    only('cli', 'util'),
    only('compat', 'crypto', 'util'),
    only('workflows', 'transfer', 'crypto', 'storage', 'util'),
    only('transfer', 'crypto', 'storage', 'util'),
    only('crypto', 'util'),
    only('storage', 'util'),
    only('sandbox', 'util'),
    only('util'),
    {
      name: 'sandbox-only-for-practice',
      severity: 'error',
      comment: 'only the two practice commands start the sandbox',
      from: { path: '^src/commands/', pathNot: '^src/commands/(sandbox|demo)' },
      to: { path: '^src/sandbox/' },
    },
    {
      name: 'sdk-only-in-s3',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/storage/s3/' },
      to: { path: '@aws-sdk/|@smithy/' },
    },
    {
      name: 'oclif-only-on-top',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(commands|cli)/' },
      to: { path: '@oclif/' },
    },
    {
      name: 'sodium-only-in-crypto',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/crypto/' },
      to: { path: 'libsodium' },
    },
    {
      name: 'crypto-runs-in-browsers',
      severity: 'error',
      comment:
        'of src/crypto only these two may import from Node: they have twins for browsers (docs/library.md)',
      from: {
        path: '^src/(crypto/|crypt4gh.ts)',
        pathNot: '^src/crypto/(primitives|crypt4gh/segment-cipher)\\.ts$',
      },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'no-dev-dependencies-in-src',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'] },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
  },
}
