import type { Peer } from './workplace.ts'

/** A program that moves files as they are, and its arguments for the jobs of the bench. */
interface PlainPeer {
  program: Peer
  title: string
  upload: (file: string, address: Address) => string[]
  download: (address: Address, file: string) => string[]
  uploadFolder: (folder: string, address: Address) => string[]
  downloadFolder: (address: Address, folder: string) => string[]
}

/** A place in the bucket, as each program writes it. */
export interface Address {
  /** `s3://BUCKET/KEY`. */
  url: string
  /** `BUCKET/KEY`. */
  path: string
  endpoint: string
}

/** What rclone was found fastest with; its own defaults send parts of 5 MiB. */
export const RCLONE_UPLOAD = ['--s3-chunk-size', '16M', '--s3-upload-concurrency', '8']

const quiet = ['--only-show-errors']
const atEndpoint = ({ endpoint }: Address): string[] => ['--endpoint-url', endpoint, '--log', 'error']

/** Every one of them at its defaults, but rclone's parts. */
export const PLAIN_PEERS: readonly PlainPeer[] = [
  {
    program: 'aws',
    title: 'aws s3 cp',
    upload: (file, { url }) => ['s3', 'cp', ...quiet, file, url],
    download: ({ url }, file) => ['s3', 'cp', ...quiet, url, file],
    uploadFolder: (folder, { url }) => ['s3', 'cp', '--recursive', ...quiet, folder, url],
    downloadFolder: ({ url }, folder) => ['s3', 'cp', '--recursive', ...quiet, url, folder],
  },
  {
    program: 'rclone',
    title: 'rclone copy',
    upload: (file, { path }) => ['copyto', ...RCLONE_UPLOAD, file, `bench:${path}`],
    download: ({ path }, file) => ['copyto', `bench:${path}`, file],
    uploadFolder: (folder, { path }) => ['copy', ...RCLONE_UPLOAD, folder, `bench:${path}`],
    downloadFolder: ({ path }, folder) => ['copy', `bench:${path}`, folder],
  },
  {
    program: 's5cmd',
    title: 's5cmd cp',
    upload: (file, address) => [...atEndpoint(address), 'cp', file, address.url],
    download: (address, file) => [...atEndpoint(address), 'cp', address.url, file],
    uploadFolder: (folder, address) => [...atEndpoint(address), 'cp', `${folder}/*`, address.url],
    downloadFolder: (address, folder) => [...atEndpoint(address), 'cp', `${address.url}*`, `${folder}/`],
  },
]
