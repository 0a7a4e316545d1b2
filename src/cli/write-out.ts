const heard = (): void => undefined

/**
 * Writes to stdout and waits until it is taken. Throws what the output failed with (EPIPE when its reader went away), so
 * that whoever writes much can end in order; without anybody listening, the process would end on the spot.
 */
export async function writeOut(text: string): Promise<void> {
  process.stdout.on('error', heard)
  await new Promise<void>((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (error) reject(error)
      else resolve()
    })
  })
  // After a failure it stays: the stream tells its listeners a little later.
  process.stdout.off('error', heard)
}
