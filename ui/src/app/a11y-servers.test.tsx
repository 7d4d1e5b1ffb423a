/** The pages of servers, by the rules of WCAG 2.1 AA. */
import { test } from 'vitest';
import { accessible } from '../../test/accessible';

test.each([
  ['servers', '#/servers', 'server-row'],
  ['one server', '#/servers/srv-staging', 'server-panel'],
  ['a server under review', '#/servers/srv-time', 'review'],
  ['a server’s tools', '#/servers/srv-prod/tools', 'server-panel'],
  ['resources and prompts', '#/servers/srv-every/offers', 'prompt-row'],
  ['the log', '#/servers/srv-every/log', 'log-row'],
  ['a server’s settings', '#/servers/srv-prod/settings', 'server-form'],
  ['templates', '#/servers/add', 'template-card'],
  ['a new server', '#/servers/add/form', 'server-form'],
])('%s', (_, hash, mark) => accessible(hash, mark));
