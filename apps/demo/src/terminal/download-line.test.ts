import { describe, expect, it } from 'vitest';
import { createPaper } from '../../test/paper.ts';
import { downloadLine } from './download-line.ts';
import { createPage } from './page.ts';

describe('the progress of a download', () => {
  it('is a few lines where nothing can be rewritten', () => {
    const paper = createPaper();
    const report = downloadLine(createPage(paper.stream), 'Codex');
    report({ phase: 'resolve', bytes: 0 });
    for (let bytes = 0; bytes <= 160e6; bytes += 1e6) {
      report({ phase: 'download', bytes, totalBytes: 160e6 });
    }
    report({ phase: 'ready', bytes: 0 });
    expect(paper.text().split('\n')).toEqual([
      'Codex: downloading 0 of 160 MB (0 %)',
      'Codex: downloading 40 of 160 MB (25 %)',
      'Codex: downloading 80 of 160 MB (50 %)',
      'Codex: downloading 120 of 160 MB (75 %)',
      'Codex: downloading 160 of 160 MB (100 %)',
      'Codex: ready',
      '',
    ]);
  });

  it('is one line, rewritten, on a terminal', () => {
    const paper = createPaper(80);
    const report = downloadLine(createPage(paper.stream, { TERM: 'xterm' }), 'Codex');
    report({ phase: 'download', bytes: 1e6, totalBytes: 100e6 });
    report({ phase: 'download', bytes: 2e6, totalBytes: 100e6 });
    expect(paper.text()).toContain('downloading 2 of 100 MB (2 %)');
    expect(paper.text()).not.toContain('\n');
  });

  it('says nothing of a program that is there already, and no percentage of an unknown whole', () => {
    const paper = createPaper();
    const report = downloadLine(createPage(paper.stream), 'Codex');
    report({ phase: 'resolve', bytes: 0 });
    report({ phase: 'ready', bytes: 0 });
    expect(paper.text()).toBe('');
    report({ phase: 'verify', bytes: 0 });
    expect(paper.text()).toBe('Codex: verifying\n');
  });
});
