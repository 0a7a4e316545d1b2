import { measure } from './measure.ts'
import type { Command, Measurement, Pipeline } from './measure.ts'

/** One way to do the job of a scenario. */
export interface Subject {
  name: string
  /** What is measured in run number `run`, counted from 0. */
  command: (run: number) => Command | Pipeline
  /** Not measured; makes every run start alike, such as without the output of the one before. */
  prepare?: (run: number) => Promise<void>
  /** Not measured; looks whether the run really did the job and throws when it did not; puts its output away. */
  check?: (run: number) => Promise<void>
  /** Asked after every run: bytes that went over the line in it, both ways. */
  traffic?: () => number
}

/** The same job done by sealift and by its peers. The first subject is sealift. */
export interface Scenario {
  title: string
  /** Plaintext bytes of the job. */
  size: number
  /** Files of the job, where they are what it is about. */
  files?: number | undefined
  subjects: readonly Subject[]
}

/** A scenario with what was measured: one entry per run, in the order of the runs. */
export interface Result {
  scenario: Scenario
  measurements: ReadonlyMap<Subject, readonly Measurement[]>
}

/** Runs all subjects in turn, `runs` times: whatever disturbs the machine meanwhile meets every one of them. */
export async function runScenario(scenario: Scenario, runs: number): Promise<Result> {
  const measurements = new Map<Subject, Measurement[]>(scenario.subjects.map((subject) => [subject, []]))
  for (let run = 0; run < runs; run += 1) {
    for (const [subject, measured] of measurements) {
      await subject.prepare?.(run)
      // What preparing it took is none of its own.
      subject.traffic?.()
      const measurement: Measurement = await measure(subject.command(run))
      if (subject.traffic !== undefined) measurement.traffic = subject.traffic()
      await subject.check?.(run)
      measured.push(measurement)
      const wall = measurement.wall.toFixed(2)
      console.error(`${scenario.title}: ${subject.name}, run ${run + 1} of ${runs}: ${wall} s`)
    }
  }
  return { scenario, measurements }
}
