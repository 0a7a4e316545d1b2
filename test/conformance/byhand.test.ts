import { objectStoreConformance } from './object-store.ts'
import { partiesAt } from './s3-parties.ts'
const p = (uid: string, tenant?: string) => ({ name: uid, identity: `rgw:${tenant ? tenant + '$' : ''}${uid}`, accessKeyId: `AK${uid}`, secretAccessKey: `SK${uid}` })
const endpoint = 'http://127.0.0.1:7950'
objectStoreConformance('rgw by hand', () => partiesAt(async () => ({ name: 'rgw', endpoint, projects: { group: p('project_2000222'), producer: p('project_2000111'), outsider: p('project_2000333') }, bucketAddress: (b: string) => b, close: async () => undefined })))
objectStoreConformance('rgw tenants', () => partiesAt(async () => ({ name: 'rgw', endpoint, projects: { group: p('proj222','proj222'), producer: p('proj111','proj111'), outsider: p('proj333','proj333') }, bucketAddress: (b: string) => `proj222:${b}`, close: async () => undefined })))
