/** The sandbox as a server of its own: discards what it gets unless told to keep it, tells its endpoint, ends with SIGTERM or its parent. */
import { startSandbox } from '../src/sandbox/server.ts'

const [directory = '', accessKeyId = '', secretAccessKey = '', keeping] = process.argv.slice(2)
const projects = [{ uid: 'bench', accessKeyId, secretAccessKey }]
const { endpoint } = await startSandbox({ directory, projects, discard: keeping !== 'keep' })
process.send?.(endpoint)
process.once('disconnect', () => process.exit())
