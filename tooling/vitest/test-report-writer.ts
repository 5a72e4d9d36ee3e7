import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Reporter, TestCase, TestModule, TestSuite } from 'vitest/node';
import type { SkippedTest, TestReport } from './test-report.ts';

type Unhandled = Parameters<NonNullable<Reporter['onTestRunEnd']>>[1];

/** Writes what a run came to as a {@link TestReport}, with the reasons of skipped tests, which vitest's own JSON reporter leaves out. */
export class TestReportWriter implements Reporter {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  async onTestRunEnd(modules: readonly TestModule[], unhandled: Unhandled): Promise<void> {
    const failed: string[] = unhandled.map((error) => `unhandled: ${error.message ?? String(error)}`);
    const skipped: SkippedTest[] = [];
    let passed = 0;
    for (const module of modules) {
      for (const owner of [module, ...module.children.allSuites()]) {
        if (owner.errors().length > 0) failed.push(fullName(owner));
      }
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === 'passed') passed += 1;
        else if (result.state === 'skipped')
          skipped.push({ test: fullName(test), reason: reasonOf(test, result.note) });
        else failed.push(fullName(test));
      }
    }
    const report: TestReport = { passed, failed, skipped, services: servicesOf(modules) };
    await mkdir(dirname(this.#file), { recursive: true });
    await writeFile(this.#file, `${JSON.stringify(report, undefined, 2)}\n`);
  }
}

/** What global set-ups of the run say that they started: `project.provide('services', […])`. */
function servicesOf(modules: readonly TestModule[]): readonly string[] {
  const named = modules.flatMap(({ project }) => {
    const provided: { readonly services?: readonly string[] } = project.getProvidedContext();
    return provided.services ?? [];
  });
  return [...new Set(named)].sort();
}

function fullName(entity: TestCase | TestSuite | TestModule): string {
  if (entity.type === 'module') return entity.relativeModuleId;
  return `${entity.module.relativeModuleId} > ${entity.fullName}`;
}

function reasonOf(test: TestCase, note: string | undefined): string {
  if (note !== undefined) return note;
  return test.options.mode === 'todo' ? 'not written yet' : 'gave no reason';
}
