import * as Flags from '@oclif/core/flags'

/** Looking before a transfer instead of doing it. */
export const planFlags = {
  plan: Flags.boolean({
    description:
      'send nothing: say how much it is, how long it would take and whether the credentials last until then',
    helpGroup: 'PLAN',
  }),
  'dry-run': Flags.boolean({
    description: 'send nothing: list every file and what it would become, with the plan',
    helpGroup: 'PLAN',
  }),
}
