import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import en from './en.json';
import zh from './zh.json';

type Tree = { [key: string]: string | Tree };

function flat(tree: Tree, before = ''): Map<string, string> {
  const all = new Map<string, string>();
  for (const [key, value] of Object.entries(tree)) {
    const path = before ? `${before}.${key}` : key;
    if (typeof value === 'string') all.set(path, value);
    else flat(value, path).forEach((text, inner) => all.set(inner, text));
  }
  return all;
}

const english = flat(en as Tree);
const chinese = flat(zh as Tree);
const slots = (text: string) => [...new Set([...text.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1]))].sort();

test('both languages have the same keys', () => {
  expect([...chinese.keys()].sort()).toEqual([...english.keys()].sort());
});

test('no text is empty, and both languages fill in the same values', () => {
  for (const [key, text] of english) {
    const other = chinese.get(key)!;
    expect(text.trim(), key).not.toBe('');
    expect(other.trim(), key).not.toBe('');
    if (!key.endsWith('_one')) expect(slots(other), key).toEqual(slots(text));
  }
});

test('the agreed Chinese terms are used', () => {
  expect([zh.nav.servers, zh.nav.tools, zh.nav.activity, zh.nav.settings]).toEqual(['服务器', '工具', '活动', '设置']);
});

test('nobody is told "Oops" or "successfully"', () => {
  for (const [key, text] of english) expect(text, key).not.toMatch(/oops|successfully|error: /i);
});

test('every key that the code names is there', () => {
  const files: string[] = [];
  const walk = (dir: string) => {
    for (const name of readdirSync(dir)) {
      const path = join(dir, name);
      if (statSync(path).isDirectory()) walk(path);
      else if (/\.tsx?$/.test(name) && !name.includes('.test.')) files.push(path);
    }
  };
  walk(join(process.cwd(), 'src'));
  expect(files.length).toBeGreaterThan(40);
  for (const file of files) {
    for (const match of readFileSync(file, 'utf8').matchAll(/\b(?:t|tr|words)\('([a-zA-Z0-9_.]+)'/g)) {
      const key = match[1]!;
      const known = english.has(key) || english.has(`${key}_other`);
      expect(known, `${key} in ${file}`).toBe(true);
    }
  }
});
