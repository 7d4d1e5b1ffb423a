import { describe, expect, test } from 'vitest';
import { diffLines, fold, steady } from './diff';
import { bytes, duration, humanName, relative, shortId } from './format';
import { best, fits, score } from './fuzzy';
import { href, parse } from './route';
import { visible } from './visible';
import { oneTongue, schemaInOneTongue } from './words';

describe('numbers carry their units', () => {
  test.each([
    [0.42, '0.4 ms'],
    [0, '0 ms'],
    [12.4, '12 ms'],
    [999.6, '1 s'],
    [1234, '1.2 s'],
    [59_990, '1 min'],
    [125_000, '2 min 5 s'],
    [3_600_000, '1 h'],
    [7_440_000, '2 h 4 min'],
    [90_000_000, '1 d 1 h'],
    [null, '–'],
  ])('%s ms is %s', (ms, text) => expect(duration(ms)).toBe(text));

  test.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1536, '1.5 KiB'],
    [16 * 1024 * 1024, '16 MiB'],
    [1024 ** 2 - 1, '1 MiB'],
    [null, '–'],
  ])('%s bytes are %s', (size, text) => expect(bytes(size)).toBe(text));

  test('ages are told in the language and in both directions', () => {
    expect(relative(0, 12_000, 'en')).toBe('12 s ago');
    expect(relative(0, 12_000, 'zh')).toBe('12 秒前');
    expect(relative(130_000, 0, 'en')).toBe('in 2 min');
    expect(relative(800 * 86_400_000, 0, 'en')).toBe('in 2 y');
    expect(relative(700 * 86_400_000, 0, 'zh')).toBe('700 天后');
    expect(relative(500, 0, 'en')).toBe('just now');
  });

  test('names are readable and ids keep both ends', () => {
    expect(humanName('max_concurrentCalls')).toBe('Max concurrent calls');
    expect(shortId('abcdefghijklmnop')).toBe('abcdefgh…mnop');
    expect(shortId('abc')).toBe('abc');
  });
});

describe('differences', () => {
  test('a changed line is gone and new, the rest is the same', () => {
    const lines = diffLines('a\nb\nc', 'a\nx\nc');
    expect(lines.map((line) => [line.kind, line.text])).toEqual([['same', 'a'], ['gone', 'b'], ['new', 'x'], ['same', 'c']]);
    expect(lines[3]).toMatchObject({ before: 3, after: 3 });
  });

  test('every line of both texts appears once, in order', () => {
    const before = 'k\nl\nm\nn\no\np'.split('\n');
    const after = 'l\nk\nm\nq\no\nr\np'.split('\n');
    const lines = diffLines(before.join('\n'), after.join('\n'));
    expect(lines.filter((line) => line.kind !== 'new').map((line) => line.text)).toEqual(before);
    expect(lines.filter((line) => line.kind !== 'gone').map((line) => line.text)).toEqual(after);
  });

  test('long equal runs are folded, with their number', () => {
    const same = Array.from({ length: 40 }, (_, i) => `line ${i}`).join('\n');
    const folded = fold(diffLines(`${same}\nold`, `${same}\nnew`));
    expect(folded[0]).toMatchObject({ kind: 'skip', text: '37' });
    expect(folded.at(-1)).toMatchObject({ kind: 'new', text: 'new' });
  });

  test('two huge texts do not freeze the window', () => {
    const one = Array.from({ length: 30_000 }, (_, i) => `a${i}`).join('\n');
    const two = Array.from({ length: 30_000 }, (_, i) => `b${i}`).join('\n');
    expect(diffLines(one, two)).toHaveLength(60_000);
  });

  test('the order of keys is no difference', () => {
    expect(steady({ b: 1, a: [{ d: 2, c: 3 }] })).toBe(steady({ a: [{ c: 3, d: 2 }], b: 1 }));
  });
});

describe('finding', () => {
  test('a whole word at the start beats letters in between', () => {
    expect(score('pods', 'pods_list')).toBeGreaterThan(score('pods', 'list_all_pods_now'));
    expect(score('pl', 'pods_list')).toBeGreaterThan(0);
    expect(score('xyz', 'pods_list')).toBe(0);
  });

  test('letters scattered over the aside do not count', () => {
    expect(score('pod', 'helm_list', 'k8s-prod-eu')).toBe(0);
    expect(score('helm prod', 'helm_list', 'k8s-prod-eu')).toBeGreaterThan(0);
  });

  test('a filter wants every word', () => {
    expect(fits('get pod', 'k8s-get-pods')).toBe(true);
    expect(fits('get node', 'k8s-get-pods')).toBe(false);
    expect(fits('', 'anything')).toBe(true);
  });

  test('the best come first and no more than asked', () => {
    expect(best(['zz pods', 'pods', 'nope'], 'pods', (text) => text, 5)).toEqual(['pods', 'zz pods']);
    expect(best(['a', 'aa', 'aaa'], 'a', (text) => text, 2)).toHaveLength(2);
  });
});

describe('addresses', () => {
  test('a name with a slash survives the way there and back', () => {
    const hash = href(['tools', 'srv 1', 'a/b?c#d'], { q: 'x y', none: null });
    const back = parse(hash);
    expect(back.path).toEqual(['tools', 'srv 1', 'a/b?c#d']);
    expect(back.query.get('q')).toBe('x y');
    expect(back.query.has('none')).toBe(false);
  });

  test('a broken address does not throw', () => {
    expect(parse('#/tools/%E0%A4%A').path).toEqual(['tools', '%E0%A4%A']);
    expect(parse('').path).toEqual(['servers']);
  });
});

test('what cannot be seen is shown as an escape', () => {
  expect(visible('a\u202Eb\u200Bc\u0007')).toBe('a\\u{202e}b\\u{200b}c\\u{7}');
  expect(visible('tab\tand\nline, 中文, 👍')).toBe('tab\tand\nline, 中文, 👍');
});

describe('texts of our own tools, which say everything twice', () => {
  test.each([
    ['List a folder · 列出文件夹', 'List a folder', '列出文件夹'],
    ['Lists a folder: names, sizes. 列出文件夹：名称、大小。', 'Lists a folder: names, sizes.', '列出文件夹：名称、大小。'],
    ['The folder; `.` is the root. `.` 表示根。', 'The folder; `.` is the root.', '`.` 表示根。'],
    ['Only English.', 'Only English.', 'Only English.'],
    ['只有中文。', '只有中文。', '只有中文。'],
    ['Called 文件 here', 'Called 文件 here', 'Called 文件 here'],
  ])('%s', (text, en, zh) => {
    expect(oneTongue(text, 'en')).toBe(en);
    expect(oneTongue(text, 'zh')).toBe(zh);
  });

  test('a schema keeps everything that is no text for people', () => {
    const schema = { properties: { a: { description: 'Yes. 是。', const: 'Yes. 是。', enum: ['A. 甲'] } } };
    expect(schemaInOneTongue(schema, 'zh')).toEqual({ properties: { a: { description: '是。', const: 'Yes. 是。', enum: ['A. 甲'] } } });
  });
});
