import eslint from '@eslint/js'
import n from 'eslint-plugin-n'
import tsdoc from 'eslint-plugin-tsdoc'
import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'

export default defineConfig(
  { ignores: ['dist/**', 'node_modules/**', '.tmp/**', 'test/vectors/**'] },
  eslint.configs.recommended,
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: {
          allowDefaultProject: ['*.js', '*.cjs', 'bin/*.js', 'scripts/*.mjs'],
        },
      },
    },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // Async interface methods of the in-memory implementations have nothing to await.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['src/**'],
    plugins: { n, tsdoc },
    rules: {
      'tsdoc/syntax': 'error',
      'no-console': 'error',
      'n/no-process-env': 'error',
      'n/no-process-exit': 'error',
      'max-lines': ['error', { max: 300, skipBlankLines: true }],
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
      complexity: ['error', 14],
      // Expected failures are AppErrors with a code; anything else is a bug and shows as one.
      'no-restricted-syntax': [
        'error',
        {
          selector: "ThrowStatement > NewExpression[callee.name='Error']",
          message: 'throw an AppError with a code (src/util/errors.ts)',
        },
      ],
    },
  },
  {
    files: ['src/crypto/**'],
    ignores: ['src/crypto/primitives.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        { name: 'Buffer', message: 'browsers have none: src/util/bytes.ts, src/util/base64.ts' },
        { name: 'process', message: 'browsers have none' },
      ],
    },
  },
  {
    files: ['src/cli/**', 'src/compat/**'],
    rules: { 'n/no-process-env': 'off', 'n/no-process-exit': 'off' },
  },
  {
    files: ['bin/**', 'scripts/**', '*.cjs', '*.config.*'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: {
      globals: { process: 'readonly', console: 'readonly', URL: 'readonly', module: 'writable' },
    },
  },
  {
    files: ['test/**', 'bench/**'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
)
