/** How well a text fits what was typed. Pure. */

/** A score above 0 when every typed word is in the text (or at least its letters, in order) or stands beside it; higher is better; 0 does not fit. */
export function score(query: string, text: string, aside = ''): number {
  const wanted = query.trim().toLowerCase();
  if (!wanted) return 1;
  const hay = text.toLowerCase();
  const beside = aside.toLowerCase();
  let total = 0;
  for (const word of wanted.split(/\s+/)) {
    const one = scoreWord(word, hay) || (beside.includes(word) ? 25 : 0);
    if (one === 0) return 0;
    total += one;
  }
  return total;
}

function scoreWord(word: string, hay: string): number {
  const at = hay.indexOf(word);
  if (at >= 0) {
    const start = at === 0 || !isLetter(hay[at - 1]!);
    return (start ? 100 : 60) + Math.max(0, 20 - at / 4) + (hay.length === word.length ? 40 : 0);
  }
  let from = 0;
  let gaps = 0;
  for (const letter of word) {
    const next = hay.indexOf(letter, from);
    if (next < 0) return 0;
    gaps += next - from;
    from = next + 1;
  }
  return Math.max(1, 30 - gaps);
}

const isLetter = (letter: string) => /[\p{L}\p{N}]/u.test(letter);

/** The best `limit` items, best first; the order of equals is kept. */
export function best<T>(items: readonly T[], query: string, text: (item: T) => string, limit: number, aside: (item: T) => string = () => ''): T[] {
  const scored: { item: T; rank: number; place: number }[] = [];
  items.forEach((item, place) => {
    const rank = score(query, text(item), aside(item));
    if (rank > 0) scored.push({ item, rank, place });
  });
  scored.sort((a, b) => b.rank - a.rank || a.place - b.place);
  return scored.slice(0, limit).map(({ item }) => item);
}

/** Whether every typed word is in the text; what a filter wants. */
export function fits(query: string, text: string): boolean {
  const hay = text.toLowerCase();
  return query
    .trim()
    .toLowerCase()
    .split(/\s+/)
    .every((word) => hay.includes(word));
}
