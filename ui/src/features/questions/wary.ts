/** What makes a server's question one to be careful with. Pure. */
import { isMap, type Json } from '@/shared/lib/words';

const SECRET_NAMES = /pass(word|wd|phrase|code)?$|passwd|password|secret|token|api[_-]?key|private[_-]?key|credential|\bpin\b|\bcvv\b|\botp\b|密码|口令|密钥|令牌/i;

/** Fields of a form that ask for a secret: MCP forbids it, and the answer would travel in the open. */
export function asksForSecrets(schema: Json): string[] {
  if (!isMap(schema) || !isMap(schema['properties'])) return [];
  return Object.entries(schema['properties'])
    .filter(([name, field]) => {
      if (!isMap(field)) return SECRET_NAMES.test(name);
      const title = typeof field['title'] === 'string' ? field['title'] : '';
      if (field['format'] === 'password' || field['format'] === 'secret' || field['writeOnly'] === true) return true;
      // "Number of tokens" is a number, not a secret.
      if (field['type'] === 'integer' || field['type'] === 'number' || field['type'] === 'boolean') return false;
      return SECRET_NAMES.test(name) || SECRET_NAMES.test(title);
    })
    .map(([name]) => name);
}

/** The host a page is on; nothing when it is not one that may be opened. */
export function hostOf(url: string): string | null {
  try {
    const parsed = new URL(url);
    return parsed.protocol === 'https:' || (parsed.protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(parsed.hostname)) ? parsed.host : null;
  } catch {
    return null;
  }
}

/** What is unusual about an address: letters that look like others, a user name before the host, a bare number as host. */
export function odd(url: string): 'punycode' | 'userinfo' | 'number' | null {
  try {
    const parsed = new URL(url);
    if (parsed.username || parsed.password) return 'userinfo';
    if (parsed.hostname.split('.').some((part) => part.startsWith('xn--'))) return 'punycode';
    if (/^\d+(\.\d+){3}$|^\[/.test(parsed.hostname) && parsed.hostname !== '127.0.0.1' && parsed.hostname !== '[::1]') return 'number';
    return null;
  } catch {
    return null;
  }
}
