/** What a tool, a resource or a prompt answered, drawn. **Invariant:** nothing a server sends becomes HTML, and nothing it names is fetched. */
import { Button, SegmentedControl } from '@mantine/core';
import { useMemo, useState } from 'react';
import { useT } from '../i18n/t';
import { bytes, sizeOf } from '../lib/format';
import { visible } from '../lib/visible';
import { isMap, type Json, type JsonMap } from '../lib/words';
import { Icon } from '../ui/icon';
import { CopyButton, Notice } from '../ui/parts';
import { DataTable, tableRows } from './table';
import { JsonTree } from './tree';

/** From this size on a text is shown in part first. */
export const COLLAPSE_BYTES = 256 * 1024;
const SHOW_FIRST = 32 * 1024;
/** From this size (of base64) on a picture is drawn only when asked for. */
const IMAGE_ASK = 2 * 1024 * 1024;
const IMAGE_MAX = 16 * 1024 * 1024;
/** Raster only: SVG may carry scripts and links. */
const IMAGES = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);

export function ContentBlocks({ blocks }: { blocks: readonly Json[] }) {
  const { t } = useT();
  const [all, setAll] = useState(false);
  const shown = all ? blocks : blocks.slice(0, 50);
  return (
    <div className="ph-stack">
      {shown.map((block, index) => (
        <Block key={index} block={block} />
      ))}
      {blocks.length > shown.length && (
        <div>
          <Button onClick={() => setAll(true)}>{t('content.moreBlocks', { count: blocks.length - shown.length })}</Button>
        </div>
      )}
    </div>
  );
}

function Block({ block }: { block: Json }) {
  const { t } = useT();
  if (!isMap(block)) return <JsonTree value={block} />;
  const text = (key: string) => (typeof block[key] === 'string' ? block[key] : '');
  switch (block['type']) {
    case 'text':
      return <TextBlock text={text('text')} />;
    case 'image':
      return <ImageBlock data={text('data')} mime={text('mimeType')} />;
    case 'audio':
      return (
        <Notice tone="idle" icon="file">
          {t('content.audio', { mime: text('mimeType') || '?', size: bytes(Math.floor((text('data').length * 3) / 4)) })}
        </Notice>
      );
    case 'resource_link':
      return <LinkBlock name={text('title') || text('name')} uri={text('uri')} about={text('description')} />;
    case 'resource':
      return isMap(block['resource']) ? <ResourceBlock resource={block['resource']} /> : <JsonTree value={block} />;
    default:
      return <JsonTree value={block} />;
  }
}

/** A name and its address as text. It is never opened or fetched from here. */
function LinkBlock({ name, uri, about }: { name: string; uri: string; about: string }) {
  const { t } = useT();
  return (
    <div className="ph-card">
      <div className="ph-row">
        <Icon name="file" />
        <strong className="ph-cut">{visible(name) || t('content.link')}</strong>
      </div>
      <div className="ph-row">
        <code className="ph-break">{visible(uri)}</code>
        <CopyButton text={uri} />
      </div>
      {about && <div className="ph-muted ph-break">{visible(about)}</div>}
    </div>
  );
}

/** `{uri, mimeType, text | blob}` as in `resources/read`. */
export function ResourceBlock({ resource }: { resource: JsonMap }) {
  const { t } = useT();
  const uri = typeof resource['uri'] === 'string' ? resource['uri'] : '';
  const mime = typeof resource['mimeType'] === 'string' ? resource['mimeType'] : '';
  const blob = typeof resource['blob'] === 'string' ? resource['blob'] : null;
  return (
    <div className="ph-stack tight">
      <div className="ph-row">
        <Icon name="file" />
        <code className="ph-cut">{visible(uri)}</code>
        {mime && <span className="ph-muted">{visible(mime)}</span>}
      </div>
      {typeof resource['text'] === 'string' ? (
        <TextBlock text={resource['text']} />
      ) : blob !== null && IMAGES.has(mime) ? (
        <ImageBlock data={blob} mime={mime} />
      ) : blob !== null ? (
        <Notice tone="idle" icon="file">
          {t('content.blob', { size: bytes(Math.floor((blob.length * 3) / 4)) })}
        </Notice>
      ) : (
        <JsonTree value={resource} />
      )}
    </div>
  );
}

function ImageBlock({ data, mime }: { data: string; mime: string }) {
  const { t } = useT();
  const [asked, setAsked] = useState(false);
  const [broken, setBroken] = useState(false);
  const size = bytes(Math.floor((data.length * 3) / 4));
  if (!IMAGES.has(mime) || data.length > IMAGE_MAX || broken || !/^[A-Za-z0-9+/=\s]*$/.test(data.slice(0, 4096)))
    return (
      <Notice tone="idle" icon="file">
        {broken ? t('content.imageBroken', { mime, size }) : t('content.imageNotShown', { mime: mime || '?', size })}
      </Notice>
    );
  if (data.length > IMAGE_ASK && !asked)
    return (
      <Notice tone="idle" icon="file" actions={<Button onClick={() => setAsked(true)}>{t('content.showImage')}</Button>}>
        {t('content.imageBig', { mime, size })}
      </Notice>
    );
  return (
    <figure className="ph-figure">
      <img
        src={`data:${mime};base64,${data}`}
        alt={t('content.imageAlt')}
        decoding="async"
        onError={() => setBroken(true)}
        onLoad={(event) => {
          const { naturalWidth, naturalHeight } = event.currentTarget;
          if (naturalWidth * naturalHeight > 40_000_000) setBroken(true);
        }}
      />
      <figcaption className="ph-muted">
        {mime}, {size}
      </figcaption>
    </figure>
  );
}

/** A text; where it is JSON, as a tree or a table too. */
export function TextBlock({ text }: { text: string }) {
  const json = useMemo(() => parsed(text), [text]);
  return json === undefined ? <PlainText text={text} /> : <JsonBlock value={json} text={text} />;
}

function parsed(text: string): Json | undefined {
  const start = text.trimStart()[0];
  if ((start !== '{' && start !== '[') || text.length > COLLAPSE_BYTES * 4) return undefined;
  try {
    const value = JSON.parse(text) as Json;
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** JSON as table, tree or text. */
export function JsonBlock({ value, text }: { value: Json; text?: string }) {
  const { t } = useT();
  const rows = useMemo(() => tableRows(value), [value]);
  const [view, setView] = useState<'table' | 'tree' | 'text'>(rows ? 'table' : 'tree');
  const plain = () => text ?? JSON.stringify(value, null, 2);
  return (
    <div className="ph-stack tight">
      <div className="ph-row ph-spread">
        <SegmentedControl
          value={view}
          onChange={(next) => setView(next as typeof view)}
          aria-label={t('content.view')}
          data={[
            ...(rows ? [{ value: 'table', label: t('content.table') }] : []),
            { value: 'tree', label: t('content.tree') },
            { value: 'text', label: t('content.text') },
          ]}
        />
        <CopyButton text={plain} />
      </div>
      {view === 'table' && rows ? <DataTable rows={rows} label={t('content.table')} /> : view === 'tree' ? <JsonTree value={value} /> : <PlainText text={plain()} bare />}
    </div>
  );
}

/** Text as it came; a long one in part first. */
export function PlainText({ text, bare }: { text: string; bare?: boolean }) {
  const { t } = useT();
  const [all, setAll] = useState(false);
  const size = useMemo(() => (text.length > COLLAPSE_BYTES / 4 ? sizeOf(text) : 0), [text]);
  const cut = size > COLLAPSE_BYTES && !all;
  return (
    <div className="ph-text">
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <pre className="wrap" tabIndex={0} role="group" aria-label={t('content.text')}>
        {visible(cut ? text.slice(0, SHOW_FIRST) : text) || <span className="ph-faint">{t('content.emptyText')}</span>}
      </pre>
      {!bare && text && <CopyButton text={text} />}
      {cut && (
        <div className="ph-row ph-more">
          <span className="ph-muted">{t('content.cut', { shown: bytes(SHOW_FIRST), size: bytes(size) })}</span>
          <Button onClick={() => setAll(true)} data-testid="show-all">
            {t('content.showAll')}
          </Button>
        </div>
      )}
    </div>
  );
}
