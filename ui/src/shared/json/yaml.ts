/** Colours for YAML, line by line: keys, scalars, block text, comments. What it says is the core's to judge, not the editor's. */
import { StreamLanguage } from '@codemirror/language';

type State = { /** How far in the key stands whose block text we are in; none when we are in none. */ block: number | null; /** What a key must be left of to end the block. */ key: number };

const KEY = /^(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s#'"[\]{},&*!|>%@`-][^#]*?|-[^\s#][^#]*?)(?=\s*:(?:\s|$))/;
const WORD = /^(?:true|false|null|yes|no|~)(?=\s*(?:$|#|,|\]|\}))/;
const NUMBER = /^[-+]?(?:\d[\d_]*(?:\.\d+)?(?:e[-+]?\d+)?|0x[0-9a-f]+|0o[0-7]+|\.inf|\.nan)(?=\s*(?:$|#|,|\]|\}))/i;

export const yaml = StreamLanguage.define<State>({
  name: 'yaml',
  startState: () => ({ block: null, key: 0 }),
  token(stream, state) {
    if (stream.sol()) {
      const depth = stream.indentation();
      if (state.block !== null) {
        if (stream.match(/^\s*$/) !== null || depth > state.block) {
          stream.skipToEnd();
          return 'string';
        }
        state.block = null;
      }
      state.key = depth;
      if (stream.match(/^(?:---|\.\.\.)(?=\s|$)/)) return 'meta';
    }
    if (stream.eatSpace()) return null;
    if (stream.peek() === '#') {
      stream.skipToEnd();
      return 'comment';
    }
    if (stream.match(/^-(?=\s|$)/)) {
      state.key = stream.column();
      return null;
    }
    if (stream.match(KEY)) return 'propertyName';
    if (stream.match(/^:(?=\s|$)/)) return null;
    if (stream.match(/^[|>][-+0-9]*\s*(?=$|#)/)) {
      state.block = state.key;
      return 'meta';
    }
    if (stream.match(/^[&*!][^\s,\]}]*/)) return 'meta';
    if (stream.match(WORD)) return 'bool';
    if (stream.match(NUMBER)) return 'number';
    if (stream.match(/^(?:"(?:[^"\\]|\\.)*"?|'(?:[^']|'')*'?)/)) return 'string';
    if (stream.match(/^[[\]{},]/)) return null;
    if (stream.match(/^[^#,[\]{}]+/) || stream.next()) return 'string';
    return null;
  },
});
