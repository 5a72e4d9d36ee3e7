import { stripVTControlCharacters } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createPaper } from '../../test/paper.ts';
import { createPage } from './page.ts';

afterEach(() => vi.unstubAllEnvs());

describe('a page', () => {
  it('wraps prose to the terminal under its mark, and keeps indentation', () => {
    const paper = createPaper(24);
    const page = createPage(paper.stream);
    page.block('one two three four five six\n  indented', { mark: '● ' });
    expect(paper.text()).toBe('● one two three four\n  five six\n    indented\n');
  });

  it('begins every line of a block with its gutter, so that no text can pass for a question of ours', () => {
    const paper = createPaper(24);
    createPage(paper.stream).block(`${'x'.repeat(30)}\n? Allow?`, { mark: '  │ ', gutter: '  │ ' });
    expect(paper.text()).toBe(`  │ ${'x'.repeat(20)}\n  │ ${'x'.repeat(10)}\n  │ ? Allow?\n`);
  });

  it('counts wide characters as two columns', () => {
    const paper = createPaper(20);
    createPage(paper.stream).block('世'.repeat(15));
    expect(paper.text()).toBe(`${'世'.repeat(10)}\n${'世'.repeat(5)}\n`);
  });

  it('leaves lines whole and plain where there is no terminal', () => {
    const paper = createPaper();
    const page = createPage(paper.stream);
    page.status('not printed');
    page.block('word '.repeat(60).trim(), { style: 'red' });
    expect(paper.text()).toBe(`${'word '.repeat(60).trim()}\n`);
  });

  it('rewrites its status line in place and takes it away before the next line', () => {
    const paper = createPaper(80);
    const page = createPage(paper.stream, { TERM: 'xterm' });
    page.status('10 %');
    page.status('20 %');
    page.block('done');
    expect(stripVTControlCharacters(paper.text()).split('\r')).toEqual(['', '10 %', '20 %', 'done\n']);
  });

  it('rewrites nothing on a terminal that cannot', () => {
    const paper = createPaper(80);
    createPage(paper.stream, { TERM: 'dumb' }).status('10 %');
    expect(paper.text()).toBe('');
  });

  it('has colours on a terminal, and none where NO_COLOR is set', () => {
    vi.stubEnv('NO_COLOR', undefined);
    vi.stubEnv('FORCE_COLOR', undefined);
    vi.stubEnv('TERM', 'xterm-256color');
    // Node takes the terminal of a CI that it does not know for one without colours.
    vi.stubEnv('CI', undefined);
    const coloured = createPaper(80);
    createPage(coloured.stream).block('text', { style: 'red' });
    expect(coloured.text()).toBe('\u001b[31mtext\u001b[39m\n');
    vi.stubEnv('NO_COLOR', '1');
    const plain = createPaper(80);
    createPage(plain.stream).block('text', { style: 'red' });
    expect(plain.text()).toBe('text\n');
  });

  it('hands no escape sequence of others to the terminal', () => {
    const paper = createPaper(80);
    createPage(paper.stream).block('\u001b]52;c;aGk=\u0007\u001b[6n');
    expect(paper.text()).toBe('␛]52;c;aGk=␇␛[6n\n');
  });
});
