/** Longest XML or JSON body of a request, bytes: a thousand keys of 1024 bytes fit in. */
export const maxXmlBytes = 4 * 1024 * 1024

/** Most entries on a page of a listing, and most keys in a DeleteObjects (S3 API). */
export const maxPage = 1000

/** Largest number of a part (S3 API). */
export const maxPartNumber = 10_000

/** Smallest part that is not the last (S3 API: 5 MiB). */
export const minPartSize = 5 * 1024 * 1024
