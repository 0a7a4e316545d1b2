import type { ServerResponse } from 'node:http'

/**
 * Sends an answer's head and body, as fast as the client takes it. Each chunk is the sender's again when the system has
 * taken it over. The head goes out with the first chunk: what fails before that can still be told.
 *
 * @param onSent - told the bytes of each chunk that went out
 * @throws what `content` throws, and the signal's reason when the client has gone
 */
export async function sendContent(
  response: ServerResponse,
  head: { status: number; headers: Record<string, string> },
  content: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
  onSent: (bytes: number) => void,
): Promise<void> {
  for await (const chunk of content) {
    if (!response.headersSent) response.writeHead(head.status, head.headers)
    await sendChunk(response, chunk, signal)
    onSent(chunk.length)
  }
  if (!response.headersSent) response.writeHead(head.status, head.headers)
  response.end()
}

/** An answer that is at hand whole; nothing of it but the head where a HEAD asked for it. */
export function sendText(
  response: ServerResponse,
  head: { status: number; headers: Record<string, string> },
  text: string,
  onSent: (bytes: number) => void,
): void {
  const bytes = Buffer.from(text)
  response.writeHead(head.status, { ...head.headers, 'Content-Length': String(bytes.length) })
  if (response.req.method === 'HEAD') response.end()
  else {
    response.end(bytes)
    onSent(bytes.length)
  }
}

function sendChunk(response: ServerResponse, chunk: Uint8Array, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    // A client that has gone may leave a write without an answer.
    const gone = (): void => {
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', gone, { once: true })
    response.write(chunk, (error) => {
      signal.removeEventListener('abort', gone)
      if (error instanceof Error) {
        // So does one whose going is seen by a failing write, before its connection is closed.
        response.destroy()
        reject(error)
      } else resolve()
    })
  })
}
