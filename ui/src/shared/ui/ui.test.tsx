import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MantineProvider } from '@mantine/core';
import { fireEvent, render, screen } from '@testing-library/react';
import { useState } from 'react';
import { describe, expect, test } from 'vitest';
import { fitting, Grid, type Column } from './grid';
import { sparkPath } from './sparkline';
import { FaultView, Loading } from './states';

const tokens = readFileSync(join(process.cwd(), 'src/shared/ui/tokens.css'), 'utf8');

function palette(theme: 'light' | 'dark'): Record<string, string> {
  const block = new RegExp(`data-mantine-color-scheme='${theme}'\\] \\{([^}]*)\\}`).exec(tokens)![1]!;
  return Object.fromEntries([...block.matchAll(/--ph-([\w-]+): (#[0-9a-f]{6});/g)].map((match) => [match[1]!, match[2]!]));
}

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255).map((value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

function contrast(one: string, two: string): number {
  const [high, low] = [luminance(one), luminance(two)].sort((a, b) => b - a);
  return (high! + 0.05) / (low! + 0.05);
}

describe.each(['light', 'dark'] as const)('the %s theme', (theme) => {
  const colours = palette(theme);
  const grounds = ['bg', 'surface', 'sunken', 'hover', 'selected'];
  test.each(['text', 'muted'])('%s is readable on every ground', (name) => {
    for (const ground of grounds) expect(contrast(colours[name]!, colours[ground]!), ground).toBeGreaterThanOrEqual(4.5);
  });
  test.each(['faint', 'accent', 'ok', 'warn', 'bad', 'run', 'ask', 'idle'])('%s is readable where it stands', (name) => {
    for (const ground of ['bg', 'surface', 'sunken']) expect(contrast(colours[name]!, colours[ground]!), ground).toBeGreaterThanOrEqual(4.5);
  });
  test.each(['ok', 'warn', 'bad', 'run', 'ask', 'idle'])('%s is readable on its own soft ground, and on a chosen row', (name) => {
    expect(contrast(colours[name]!, colours[`${name}-soft`]!)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(colours[name]!, colours['selected']!)).toBeGreaterThanOrEqual(4.5);
  });
  test('a button’s words are readable', () => {
    expect(contrast(colours['on-accent']!, colours['accent-solid']!)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(colours['on-accent']!, colours['accent-solid-hover']!)).toBeGreaterThanOrEqual(4.5);
  });
});

describe('the sparkline', () => {
  test('draws one point for each latency, inside its box', () => {
    const { line, last } = sparkPath([10, 20, 15, 40], 90, 20);
    const points = [...line.matchAll(/[ML]([\d.]+) ([\d.]+)/g)].map((match) => [Number(match[1]), Number(match[2])]);
    expect(points).toHaveLength(4);
    for (const [x, y] of points) {
      expect(x).toBeGreaterThanOrEqual(0);
      expect(x).toBeLessThanOrEqual(90);
      expect(y).toBeGreaterThanOrEqual(0);
      expect(y).toBeLessThanOrEqual(20);
    }
    expect(last).toEqual(points.at(-1));
    expect(points[3]![1], 'the longest is the highest').toBeLessThan(points[0]![1]!);
  });
  test('draws nothing for nothing and a level line for one', () => {
    expect(sparkPath([], 90, 20)).toEqual({ line: '', area: '', last: null });
    expect(sparkPath([Number.NaN], 90, 20).last).toBeNull();
    expect(sparkPath([5], 90, 20).line).toMatch(/^M0 [\d.]+L90 /);
  });
  test('a steady server does not look like a jumping one', () => {
    const { line } = sparkPath([10, 10.1, 9.9, 10], 90, 20);
    const heights = [...line.matchAll(/[ML][\d.]+ ([\d.]+)/g)].map((match) => Number(match[1]));
    expect(Math.max(...heights) - Math.min(...heights)).toBeLessThan(2);
  });
});

type Row = { id: string };
const rows: Row[] = Array.from({ length: 5000 }, (_, index) => ({ id: `row-${index}` }));
const columns: Column<Row>[] = [
  { key: 'a', head: 'A', min: 100, grow: 1, cell: (row) => row.id },
  { key: 'b', head: 'B', min: 200, rank: 1, cell: () => 'b' },
  { key: 'c', head: 'C', min: 300, rank: 2, cell: () => 'c' },
];

function List() {
  const [chosen, setChosen] = useState<string | null>(null);
  return <Grid label="rows" rows={rows} columns={columns} rowKey={(row) => row.id} selected={chosen} onSelect={(row) => setChosen(row.id)} rowTestId="row" />;
}

describe('the grid', () => {
  test('five thousand rows draw only those in sight', () => {
    render(<List />);
    expect(screen.getAllByTestId('row').length).toBeLessThan(60);
    expect(screen.getByRole('grid').getAttribute('aria-rowcount')).toBe('5001');
  });
  test('moves with the arrow keys and says where it is', () => {
    render(<List />);
    const grid = screen.getByRole('grid');
    fireEvent.keyDown(grid, { key: 'ArrowDown' });
    fireEvent.keyDown(grid, { key: 'ArrowDown' });
    const chosen = screen.getAllByTestId('row').find((row) => row.getAttribute('aria-selected') === 'true')!;
    expect(chosen.getAttribute('data-key')).toBe('row-1');
    expect(grid.getAttribute('aria-activedescendant')).toBe(chosen.id);
    fireEvent.keyDown(grid, { key: 'Home' });
    expect(screen.getAllByTestId('row').find((row) => row.getAttribute('aria-selected') === 'true')!.getAttribute('data-key')).toBe('row-0');
  });
  test('where there is no room the least needed column goes first', () => {
    const names = (width: number) => fitting(columns, width).map((column) => column.key).join('');
    expect(names(1000)).toBe('abc');
    expect(names(500)).toBe('ab');
    expect(names(200)).toBe('a');
    expect(names(10)).toBe('a');
  });
});

test('a fault says what, what to do, and its reference last', () => {
  render(
    <MantineProvider>
      <FaultView fault={{ kind: 'timeout', code: 'request_timeout', message: { en: 'Calling x took too long.', zh: '调用 x 超时。' }, hint: { en: 'Raise the patience.', zh: '延长等待时间。' }, reference: 'a-1' }} />
    </MantineProvider>,
  );
  const text = screen.getByTestId('fault').textContent!;
  expect(text.indexOf('Calling x')).toBeLessThan(text.indexOf('Raise'));
  expect(text.indexOf('Raise')).toBeLessThan(text.indexOf('a-1'));
});

test('nothing flashes while waiting is short', () => {
  const { container } = render(<Loading />);
  expect(container.querySelectorAll('.ph-skeleton')).toHaveLength(0);
});
