import type { VersionOptions } from '../object-store.ts'

/** `null` is S3's name for the version of an unversioned object. */
export function versionIdOf(versionId: string | undefined): string | undefined {
  return versionId === 'null' || versionId === '' ? undefined : versionId
}

/** The version a request is for, as the SDK takes it. */
export function versionInput({ versionId }: VersionOptions): { VersionId?: string } {
  return versionId === undefined ? {} : { VersionId: versionId }
}
