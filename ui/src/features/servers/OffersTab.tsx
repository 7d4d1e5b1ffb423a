/** Resources and prompts of one server: read, get, look. Nothing is fetched that was not asked for. */
import { Button, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useT } from '@/shared/i18n/t';
import { bytes } from '@/shared/lib/format';
import { visible } from '@/shared/lib/visible';
import { isMap, type Json, type JsonMap } from '@/shared/lib/words';
import { ContentBlocks, ResourceBlock } from '@/shared/json/content';
import { JsonTree } from '@/shared/json/tree';
import { Icon } from '@/shared/ui/icon';
import { Section } from '@/shared/ui/parts';
import { Empty, Failed, FaultView, Loading } from '@/shared/ui/states';
import { useGetPrompt, useOffers, useReadResource, type ServerView } from './api';

const LIVE = new Set(['connected', 'degraded']);
const str = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

export function OffersTab({ server }: { server: ServerView }) {
  const { t } = useT();
  const live = LIVE.has(server.state);
  const offers = useOffers(server.id, live);
  if (!live)
    return (
      <Empty icon="file" title={t('offers.notConnected')}>
        {t('offers.notConnectedHint')}
      </Empty>
    );
  if (offers.isPending) return <Loading />;
  if (!offers.data) return <Failed fault={offers.error} onRetry={() => void offers.refetch()} />;
  const { resources, templates, prompts, faults } = offers.data;
  const nothing = resources.length + templates.length + prompts.length === 0;
  return (
    <div className="ph-stack ph-pad">
      {faults.map((fault, index) => (
        <FaultView key={index} fault={fault} onRetry={() => void offers.refetch()} />
      ))}
      {nothing && faults.length === 0 && (
        <Empty icon="file" title={t('offers.none')}>
          {t('offers.noneHint')}
        </Empty>
      )}
      {resources.length > 0 && (
        <Section title={t('offers.resources', { count: resources.length })}>
          <ul className="ph-offers">{resources.filter(isMap).slice(0, 500).map((item, index) => <Resource key={index} server={server.id} item={item} uri={str(item['uri'])} />)}</ul>
        </Section>
      )}
      {templates.length > 0 && (
        <Section title={t('offers.templates', { count: templates.length })}>
          <ul className="ph-offers">{templates.filter(isMap).map((item, index) => <Template key={index} server={server.id} item={item} />)}</ul>
        </Section>
      )}
      {prompts.length > 0 && (
        <Section title={t('offers.prompts', { count: prompts.length })}>
          <ul className="ph-offers">{prompts.filter(isMap).map((item, index) => <Prompt key={index} server={server.id} item={item} />)}</ul>
        </Section>
      )}
    </div>
  );
}

function Head({ item, address, children }: { item: JsonMap; address: string; children: React.ReactNode }) {
  const size = typeof item['size'] === 'number' ? item['size'] : null;
  return (
    <div className="ph-row">
      <div className="ph-grow">
        <div className="ph-row">
          <strong className="ph-cut">{visible(str(item['title']) || str(item['name']))}</strong>
          {str(item['mimeType']) && <span className="ph-faint">{visible(str(item['mimeType']))}</span>}
          {size !== null && <span className="ph-faint ph-num">{bytes(size)}</span>}
        </div>
        {address && <code className="ph-cut ph-muted">{visible(address)}</code>}
        {str(item['description']) && <div className="ph-muted ph-break">{visible(str(item['description']))}</div>}
      </div>
      {children}
    </div>
  );
}

function Resource({ server, item, uri }: { server: string; item: JsonMap; uri: string }) {
  const { t } = useT();
  const read = useReadResource();
  return (
    <li data-testid="resource-row">
      <Head item={item} address={uri}>
        {read.data ? (
          <Button onClick={() => read.reset()}>{t('common.close')}</Button>
        ) : (
          <Button loading={read.isPending} onClick={() => read.mutate({ server, uri })}>
            {t('offers.read')}
          </Button>
        )}
      </Head>
      {read.error && <FaultView fault={read.error} onRetry={() => read.mutate({ server, uri })} />}
      {read.data && <Contents json={read.data.json} />}
    </li>
  );
}

/** The `contents` of a `resources/read`. */
function Contents({ json }: { json: Json }) {
  const contents = isMap(json) && Array.isArray(json['contents']) ? json['contents'].filter(isMap) : null;
  if (!contents) return <JsonTree value={json} />;
  return (
    <div className="ph-stack ph-answer">
      {contents.map((resource, index) => (
        <ResourceBlock key={index} resource={resource} />
      ))}
    </div>
  );
}

/** The names in a URI template (`{path}`, `{+path}`, `{?a,b}`). */
export function uriNames(template: string): string[] {
  const names: string[] = [];
  for (const match of template.matchAll(/\{[+#./;?&]?([^}]*)\}/g)) for (const part of match[1]!.split(',')) names.push(part.replace(/[*]|:\d+$/g, '').trim());
  return [...new Set(names.filter(Boolean))];
}

/** RFC 6570, levels 1 to 3, which is what servers use. */
export function fillUri(template: string, values: Record<string, string>): string {
  return template.replace(/\{([+#./;?&]?)([^}]*)\}/g, (_, kind: string, list: string) => {
    const names = list.split(',').map((part) => part.replace(/[*]|:\d+$/g, '').trim());
    const given = names.filter((name) => (values[name] ?? '') !== '');
    if (given.length === 0) return '';
    const raw = (text: string) => encodeURI(text);
    const safe = (text: string) => encodeURIComponent(text).replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
    const value = (name: string) => (kind === '+' || kind === '#' ? raw(values[name]!) : safe(values[name]!));
    const pairs = given.map((name) => `${name}=${value(name)}`);
    switch (kind) {
      case '?':
        return `?${pairs.join('&')}`;
      case '&':
        return `&${pairs.join('&')}`;
      case ';':
        return `;${pairs.join(';')}`;
      case '/':
        return `/${given.map(value).join('/')}`;
      case '.':
        return `.${given.map(value).join('.')}`;
      case '#':
        return `#${given.map(value).join(',')}`;
      default:
        return given.map(value).join(',');
    }
  });
}

function Template({ server, item }: { server: string; item: JsonMap }) {
  const { t } = useT();
  const read = useReadResource();
  const template = str(item['uriTemplate']);
  const names = uriNames(template);
  const [values, setValues] = useState<Record<string, string>>({});
  const uri = fillUri(template, values);
  return (
    <li data-testid="template-row">
      <Head item={item} address={template}>
        <Button loading={read.isPending} disabled={names.some((name) => !values[name])} onClick={() => read.mutate({ server, uri })}>
          {t('offers.read')}
        </Button>
      </Head>
      <div className="ph-row wrap">
        {names.map((name) => (
          <TextInput key={name} label={visible(name)} value={values[name] ?? ''} onChange={(event) => setValues({ ...values, [name]: event.currentTarget.value })} spellCheck={false} />
        ))}
      </div>
      {read.error && <FaultView fault={read.error} />}
      {read.data && <Contents json={read.data.json} />}
    </li>
  );
}

function Prompt({ server, item }: { server: string; item: JsonMap }) {
  const { t } = useT();
  const get = useGetPrompt();
  const name = str(item['name']);
  const args = Array.isArray(item['arguments']) ? item['arguments'].filter(isMap) : [];
  const [values, setValues] = useState<Record<string, string>>({});
  const missing = args.some((arg) => arg['required'] === true && !values[str(arg['name'])]);
  const run = () => get.mutate({ server, name, args: Object.fromEntries(Object.entries(values).filter(([, value]) => value !== '')) });
  const messages = get.data && isMap(get.data.json) && Array.isArray(get.data.json['messages']) ? get.data.json['messages'].filter(isMap) : null;
  return (
    <li data-testid="prompt-row">
      <Head item={item} address={name}>
        <Button loading={get.isPending} disabled={missing} onClick={run}>
          {t('offers.get')}
        </Button>
      </Head>
      {args.length > 0 && (
        <div className="ph-row wrap">
          {args.map((arg) => {
            const key = str(arg['name']);
            return <TextInput key={key} label={visible(key)} withAsterisk={arg['required'] === true} description={visible(str(arg['description'])) || undefined} value={values[key] ?? ''} onChange={(event) => setValues({ ...values, [key]: event.currentTarget.value })} />;
          })}
        </div>
      )}
      {get.error && <FaultView fault={get.error} onRetry={run} />}
      {messages ? (
        <div className="ph-stack ph-answer">
          {messages.map((message, index) => (
            <div key={index} className="ph-stack tight">
              <span className="ph-row ph-muted">
                <Icon name={message['role'] === 'user' ? 'person' : 'info'} size={13} />
                {visible(str(message['role']))}
              </span>
              <ContentBlocks blocks={Array.isArray(message['content']) ? message['content'] : [message['content'] ?? null]} />
            </div>
          ))}
        </div>
      ) : (
        get.data && <JsonTree value={get.data.json} />
      )}
    </li>
  );
}
