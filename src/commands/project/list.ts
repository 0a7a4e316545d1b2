import { SealiftCommand } from '../../cli/base-command.ts'
import { table } from '../../cli/report.ts'
import { projectBookFile } from '../../cli/settings.ts'
import type { Project } from '../../workflows/project-book.ts'

export interface ProjectListResult {
  projects: Project[]
}

export default class ProjectList extends SealiftCommand<ProjectListResult> {
  static override summary = 'show the address book'
  static override description = 'The projects that can be named in commands, and how the store knows them.'
  static override examples = [
    { description: 'all projects', command: '<%= config.bin %> project list' },
    { description: 'for a script', command: '<%= config.bin %> project list --json' },
  ]

  protected override async perform(): Promise<ProjectListResult> {
    await this.parse(ProjectList)
    const { readProjects } = await import('../../workflows/project-book.ts')
    return { projects: await readProjects(projectBookFile()) }
  }

  protected override toText({ projects }: ProjectListResult): string {
    if (projects.length === 0) return 'the address book is empty: sealift project add NAME IDENTITY'
    return table(projects.map(({ name, identity }) => [name, identity]))
  }
}
