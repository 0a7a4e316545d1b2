import { SealiftCommand } from '../../cli/base-command.ts'
import { requiredArg } from '../../cli/flags.ts'
import { printable } from '../../cli/printable.ts'
import { projectBookFile } from '../../cli/settings.ts'
import type { AddedProject } from '../../workflows/project-book.ts'

export default class ProjectAdd extends SealiftCommand<AddedProject> {
  static override summary = "enter a project's identity into the address book"
  static override description = `Buckets are opened for projects by name; the book says how the store knows them.
Forms of IDENTITY: rgw:UID or rgw:TENANT$UID (Ceph), keystone:<32 hex> (OpenStack project id), arn:… (AWS), canonical:<id>, access-key:<id> (versitygw).`
  static override examples = [
    {
      description: 'a project of a Ceph store',
      command: '<%= config.bin %> project add project_2000111 rgw:project_2000111',
    },
    {
      description: 'a project of an OpenStack store, by its Keystone id',
      command: '<%= config.bin %> project add project_2000111 keystone:0123456789abcdef0123456789abcdef',
    },
  ]
  static override args = {
    NAME: requiredArg('name to use in commands'),
    IDENTITY: requiredArg('who that is at the store'),
  }

  protected override async perform(): Promise<AddedProject> {
    const { args } = await this.parse(ProjectAdd)
    const { addProject } = await import('../../workflows/project-book.ts')
    return addProject(projectBookFile(), args.NAME, args.IDENTITY)
  }

  protected override toText({ name, identity, previous }: AddedProject): string {
    const before = previous === undefined ? '' : ` (was ${printable(previous)})`
    return `${printable(name)} is ${printable(identity)}${before}`
  }
}
