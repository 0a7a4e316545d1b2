import { expect, it } from 'vitest'
import { proofText } from '../../src/cli/shut-out-text.ts'
import { verifyText } from '../../src/cli/verify-text.ts'

const probes = [
  { caller: 'producer', answer: 'denied' },
  { caller: 'producer', answer: 'denied' },
  { caller: 'anonymous', answer: 'denied' },
]
const proof = { probes, unproven: [], leftovers: [], cannotBeRecalled: ['copies'] }

it('a proof says who was refused how often, and what is beyond it', () => {
  expect(proofText({ ...proof, state: 'enforced' }).split('\n')).toEqual([
    '  tried as producer: 2 requests refused, none answered',
    '  tried as anonymous: 1 request refused, none answered',
    '  enforced: every request was refused',
    '  what cannot be recalled:',
    '    copies',
  ])
})

it('what is not proven says why, and control characters of a server stay out of the terminal', () => {
  const text = proofText({
    ...proof,
    state: 'stored',
    unproven: ['nobody \u001B[31mtried'],
    leftovers: ['a\nb'],
  })
  expect(text).toContain('  stored, not proven to be enforced:\n    nobody ')
  expect(text).not.toContain('\u001B')
  expect(text).toMatch(/a probe was left behind: a\S+b/)
})

it('the matrix has a column for each caller, and says what was expected where it differs', () => {
  const answer = { caller: 'producer', place: '', expected: 'denied', seen: 'denied', deviates: false }
  const text = verifyText({
    bucket: 'inbox',
    callers: [
      { name: 'owner', as: 'owner', identity: 'rgw:group', has: 'everything' },
      { name: 'producer', as: 'grantee', identity: 'rgw:producer', has: 'depositor' },
    ],
    answers: [
      { ...answer, caller: 'owner', operation: 'GetObject', expected: 'allowed', seen: 'allowed' },
      { ...answer, operation: 'GetObject', seen: 'allowed', deviates: true },
      { ...answer, operation: 'PutObject', place: 'keys/', expected: 'unclear' },
    ],
    deviations: 1,
    unclear: 1,
    untried: ['run_99/'],
    leftovers: [],
  })
  expect(text.split('\n')).toEqual([
    's3://inbox: 3 answers, 1 not as was granted',
    '  owner     owner    rgw:group     everything',
    '  producer  grantee  rgw:producer  depositor',
    '',
    '                       owner  producer',
    'GetObject              yes    yes (expected no)',
    'PutObject below keys/  -      no ?',
    '? 1 answer of which the grants do not tell',
    'nothing was tried below run_99/',
  ])
})
