import type { RequestNotice } from '../notices.ts'

/**
 * Holds an upload between its first part and the rest, so that something can happen "while it is in flight":
 * the first UploadPart passes, later ones wait at the door, before the sandbox decides whether they are allowed.
 */
export class UploadPause {
  readonly #project: string
  #armed = false
  #seen = 0
  #reached: () => void = () => undefined
  #release: () => void = () => undefined
  #released: Promise<void> = Promise.resolve()

  /** @param project - uid whose uploads are held */
  constructor(project: string) {
    this.#project = project
  }

  /** The sandbox's beforeRequest hook. */
  readonly beforeRequest = async (request: RequestNotice): Promise<void> => {
    if (!this.#armed || request.operation !== 'UploadPart' || request.project !== this.#project) return
    this.#seen += 1
    if (this.#seen === 1) return
    this.#reached()
    await this.#released
  }

  /** From now on uploads are held; resolves when one stands at the door with a part behind it. */
  arm(): Promise<void> {
    this.#armed = true
    this.#released = new Promise((resolve) => {
      this.#release = resolve
    })
    return new Promise((resolve) => {
      this.#reached = resolve
    })
  }

  release(): void {
    this.#armed = false
    this.#release()
  }
}
