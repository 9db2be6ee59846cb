import { describe, expect, it } from 'vitest';
import { cropped } from '../../src/cli/walk.ts';

const PICTURE = ['title', '', 'cycle 3 of 9', '\x1b[2mone\x1b[22m two', 'three', 'four'].join('\n');

describe('a picture on a terminal', () => {
  it('that it fits is shown whole; colours take no room', () => {
    expect(cropped(PICTURE, { rows: 7, columns: 12 })).toBe(PICTURE);
  });

  it('that is too low keeps its top and says what all of it needs', () => {
    const lines = cropped(PICTURE, { rows: 6, columns: 80 }).split('\n');
    expect(lines.slice(0, 4)).toEqual(PICTURE.split('\n').slice(0, 4));
    expect(lines).toHaveLength(5);
    expect(lines[4]).toContain('needs 7 rows of 12 columns');
  });

  it('that is too narrow says so', () => {
    expect(cropped(PICTURE, { rows: 24, columns: 11 })).toContain('needs 7 rows of 12 columns');
  });

  it('of hardly any rows still has a line', () => {
    expect(cropped(PICTURE, { rows: 1, columns: 1 }).split('\n')).toHaveLength(2);
  });
});
