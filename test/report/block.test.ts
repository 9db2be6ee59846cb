import { describe, expect, it } from 'vitest';
import { bytesOfHex } from '../../src/models/x86/hex.ts';
import { konataLog } from '../../src/report/block/konata.ts';
import { renderBlockPage } from '../../src/report/block/page.ts';
import { type BlockTimeline, reportBlock, timelineOf } from '../../src/report/block/report.ts';
import { blockLine } from '../../src/report/block/rows.ts';
import { stagesOf } from '../../src/report/block/stages.ts';
import { pressure, renderBlock, renderBlockMarkdown } from '../../src/report/block/table.ts';
import { timelineText } from '../../src/report/block/timeline.ts';
import { loadCore } from '../../src/x86-core.ts';

const core = loadCore('cascadelake', []);
// imul rax, rax; mov rbx, [rsi+64]; mov [rdi], rbx
const CODE = bytesOfHex('480fafc0 488b5e40 48891f');
const report = reportBlock(CODE, 'loop', core, 'cascadelake', 'a block');
const timeline = timelineOf(CODE, 'loop', core, 4);

/** One micro-op by hand: predecoded in cycle 1, queued 2, issued 4, dispatched 7, done 10, retired 12. */
const BY_HAND: BlockTimeline = {
  texts: ['imul rax,rax'],
  times: [
    {
      iteration: 0,
      instruction: 0,
      kind: 'compute',
      slot: 0,
      predecoded: 1,
      decoded: 2,
      issued: 4,
      dispatched: 7,
      port: 1,
      executed: 10,
      retired: 12,
    },
  ],
};

describe('the table', () => {
  it('has a row an instruction and a column a port, and adds them up', () => {
    const { head, rows } = pressure(report);
    expect(head.slice(5, -2)).toEqual(['p0', 'p1', 'p2', 'p3', 'p4', 'p5', 'p6', 'p7']);
    expect(rows.map((row) => row.at(-2))).toEqual([
      'imul rax,rax',
      'mov rbx,[rsi+40h]',
      'mov [rdi],rbx',
      'dec r15; jnz',
      'sum',
    ]);
    expect(rows[0]![head.indexOf('p1')]).toBe('1.00');
    expect(rows[2]![head.indexOf('p4')]).toBe('1.00');
    expect(rows.at(-1)![head.indexOf('uops')]).toBe('5');
  });

  it('names block, cycles, mode and bottleneck', () => {
    expect(renderBlock(report, false)).toMatch(
      /^a block: 3\.00 cycles per iteration on cascadelake, loop\nBottleneck: dependence chain\n/,
    );
    expect(renderBlockMarkdown(report)).toContain('| * | 0 | 1 | 1 | 3 |');
  });

  it('keeps the columns of many blocks where they are, however long a name is', () => {
    const short = blockLine(['1', 'loop', '4801c0', '1', 'dependence chain', '0']);
    const long = blockLine(['_ZN4math3dotEPKfS1_+0x1234567', 'unrolled', '90'.repeat(99), '12.5', 'issue', '10']);
    expect(short.indexOf('4801c0')).toBe(long.indexOf('9090'));
    expect(long).toMatch(/\+0x1234567 .*\.\.\.\n$/);
  });
});

describe('the timeline', () => {
  it('parts a micro-op into stages that follow each other', () => {
    expect(stagesOf(BY_HAND.times[0]!).map(({ key, from, until }) => [key, from, until])).toEqual([
      ['predecoded', 1, 2],
      ['queued', 2, 4],
      ['waiting', 4, 7],
      ['executing', 7, 10],
      ['done', 10, 12],
    ]);
  });

  it('draws them as letters under a ruler', () => {
    const [, ruler, line] = timelineText(BY_HAND, 100).split('\n');
    expect(line).toMatch(/^ {2}0 {2}imul rax,rax +p1 +PQ\.I==Dee-\.?-?R$/);
    expect(ruler!.indexOf('|10') - line!.indexOf('P')).toBe(10 - 1);
  });

  it('says what it cuts off', () => {
    const long = timelineOf(CODE, 'loop', core, 200);
    const text = timelineText(long, 100);
    expect(text).toMatch(/Cut off after cycle \d+ of \d+; \d+ micro-ops start later\.\n$/);
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(130);
  });
});

describe('the Konata log', () => {
  it('is what the format asks for', () => {
    expect(konataLog(BY_HAND).split('\n')).toEqual([
      'Kanata\t0004',
      'C=\t1',
      'I\t0\t0\t0',
      'L\t0\t0\t0.0: imul rax,rax',
      expect.stringMatching(/^L\t0\t1\titeration 0, instruction 0, issue slot 0, port 1\\n/),
      'S\t0\t0\tPd',
      'C\t1',
      'S\t0\t0\tQ',
      'C\t2',
      'S\t0\t0\tIs',
      'C\t3',
      'S\t0\t0\tEx',
      'C\t3',
      'S\t0\t0\tCm',
      'C\t2',
      'R\t0\t0\t0',
      '',
    ]);
  });

  it('begins and retires every micro-op once, in the cycles of the trace', () => {
    let cycle = 0;
    const begun = new Map<number, number>();
    const retired = new Map<number, number>();
    for (const line of konataLog(timeline).trimEnd().split('\n').slice(1)) {
      const [command, first, ...rest] = line.split('\t');
      if (command === 'C=') cycle = Number(first);
      else if (command === 'C') cycle += Number(first);
      else if (command === 'I') begun.set(Number(first), cycle);
      else if (command === 'R') retired.set(Number(first), cycle);
      else {
        expect(begun.has(Number(first))).toBe(true);
        expect(retired.has(Number(first))).toBe(false);
        expect(rest).toHaveLength(2);
      }
    }
    expect([...begun.values()]).toEqual(timeline.times.map((one) => one.predecoded ?? one.decoded));
    expect([...retired.values()]).toEqual(timeline.times.map((one) => one.retired));
  });
});

describe('the page', () => {
  const page = renderBlockPage(report, timeline);

  it('needs nothing from elsewhere', () => {
    expect(page).toMatch(/^<!doctype html>.*<\/html>\n$/s);
    expect(page).not.toMatch(/src=|href=|https?:|url\(|@import|fetch\(|import\(/);
  });

  it('has a row a micro-op with its boxes, and says what each is', () => {
    expect(page.match(/<div class="row[^"]*" data-instruction/g)).toHaveLength(timeline.times.length);
    expect(page.match(/<i class="retired" style/g)).toHaveLength(timeline.times.length);
    const [first] = timeline.times;
    expect(page).toContain(
      `title="0.0  imul rax,rax, port 1: executes, ${first!.dispatched} to ${first!.executed - 1}"`,
    );
  });

  it('shows what a user typed as text, not as markup', () => {
    const named = { ...report, id: '<img onerror=x>' };
    expect(renderBlockPage(named, timeline)).not.toContain('<img');
  });
});
