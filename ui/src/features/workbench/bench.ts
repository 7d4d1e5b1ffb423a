/**
 * What lies on the workbench, and what is under way with it. Outlives the page: who goes to look something up finds everything as it was.
 *
 * **Invariant:** an answer about another text, target or object than what lies there now is dropped; a text is never replaced before it is
 * saved, or its owner has agreed to lose it; what is applied is what was rehearsed and approved, letter by letter.
 */
import type { QueryClient } from '@tanstack/react-query';
import { ask } from '@/ipc/ask';
import { changes } from '@/ipc/bindings';
import { asFault } from '@/ipc/fault';
import { invalidate } from '@/ipc/query';
import type { Client, Name } from '@/ipc/wire';
import { i18next } from '@/shared/i18n/t';
import { difference, type Edit } from '@/shared/yaml-editor/text';
import type { Doc, Handle, Load } from '@/shared/yaml-editor/editor';
import type { UiFault, WbAppliedView, WbCheckView, WbPastView, WbObject, WbProblemView, WbRehearsalView, WbRolloutView } from './api';
import { CALM, keyOfObject, maskedIn, nameOf, naming, rolls, valueEdit, withoutMasked, type Masked } from './manifest';

export type Tab = 'problems' | 'rehearsal' | 'diff' | 'rollout' | 'history' | 'drafts';

/** What is judged together: another one of these makes an answer old. */
export type Target = { cluster: string | null; namespace: string | null; version: string | null; level: string | null };

export type Checked = { rev: number; target: string; view: WbCheckView | null; fault: UiFault | null; masked: Masked[] };
export type Rehearsed = { text: string; cluster: string; namespace: string | null; takeOver: string[]; view: WbRehearsalView; /** It was applied, or the core let it go. */ spent: boolean };
export type Applied = { view: WbAppliedView; at: number; cluster: string; rev: number };
export type Watched = { key: string; cluster: string; object: WbObject; view: WbRolloutView | null; fault: UiFault | null; since: number; running: boolean };
export type Opened = { kind: 'object'; cluster: string; object: WbObject; secretKeys: string[] } | { kind: 'new' };

export type BenchState = {
  doc: Doc;
  load: Load;
  /** Whether somebody changed the text since it was put there. */
  touched: boolean;
  target: Target;
  origin: Opened;
  file: { path: string; rev: number } | null;
  fileFault: UiFault | null;
  draft: { id: string | null; name: string | null; savedAt: number | null; savedRev: number; saving: boolean; fault: UiFault | null };
  check: Checked | null;
  checking: number | null;
  /** Checking was cancelled: it begins again when it is asked for. */
  held: boolean;
  takeOver: string[];
  rehearsal: Rehearsed | null;
  rehearsing: number | null;
  rehearseFault: UiFault | null;
  approved: boolean;
  within: number | null;
  applying: number | null;
  applyFault: UiFault | null;
  applied: Applied | null;
  watched: Watched[];
  opening: { what: string; since: number } | null;
  openFault: UiFault | null;
  /** Somebody must agree to lose the text that lies there. */
  replacing: (() => void) | null;
  tab: Tab;
};

const emptyDoc: Doc = { rev: 0, length: 0, text: () => '' };
const noDraft = { id: null, name: null, savedAt: null, savedRev: 0, saving: false, fault: null };

/** Typing rests for so long before it is judged. */
const REST = 150;
/** And so long before it is saved. */
const SAVE = 900;
/** What is large is saved less often. */
const SAVE_LARGE = 6_000;

export const targetKey = (target: Target): string => JSON.stringify([target.cluster, target.namespace, target.version, target.level]);

/** Judged against what a cluster serves, or against a version's own schemas. */
const versionOf = (target: Target) => (target.cluster === null ? target.version : null);

const start: BenchState = {
  doc: emptyDoc,
  load: { id: 0, text: '' },
  touched: false,
  target: { cluster: null, namespace: null, version: null, level: null },
  origin: { kind: 'new' },
  file: null,
  fileFault: null,
  draft: noDraft,
  check: null,
  checking: null,
  held: false,
  takeOver: [],
  rehearsal: null,
  rehearsing: null,
  rehearseFault: null,
  approved: false,
  within: null,
  applying: null,
  applyFault: null,
  applied: null,
  watched: [],
  opening: null,
  openFault: null,
  replacing: null,
  tab: 'problems',
};

type Put = { text: string; target?: Partial<Target>; origin?: Opened; file?: BenchState['file']; draft?: Partial<BenchState['draft']>; touched?: boolean; tab?: Tab };

export class Bench {
  private state: BenchState = start;
  private readonly hearers = new Set<() => void>();
  private readonly resting: { check?: ReturnType<typeof setTimeout>; save?: ReturnType<typeof setTimeout> } = {};
  private under: { check?: AbortController; rehearse?: AbortController; open?: AbortController } = {};
  private readonly watching = new Map<string, AbortController>();
  private revs = 0;
  private loads = 0;
  private saving: Promise<void> | null = null;
  /** The editor, where one is shown. */
  readonly editor: { current: Handle | null } = { current: null };

  private readonly client: Client;
  private readonly queries: QueryClient;

  constructor(client: Client, queries: QueryClient) {
    this.client = client;
    this.queries = queries;
  }

  readonly get = (): BenchState => this.state;

  readonly subscribe = (hear: () => void) => {
    this.hearers.add(hear);
    return () => void this.hearers.delete(hear);
  };

  private set(change: Partial<BenchState>) {
    this.state = { ...this.state, ...change };
    this.hearers.forEach((hear) => hear());
  }

  private done(name: Name) {
    invalidate(this.queries, changes[name]);
  }

  show = (tab: Tab) => this.set({ tab });

  // The text

  /** The page is shown again: its editor begins with the text as it is. */
  resume() {
    const { load, doc } = this.state;
    const text = doc.text();
    // Nobody hears it: the page that is about to be drawn reads it.
    if (load.text !== text) this.state = { ...this.state, load: { id: ++this.loads, text } };
  }

  /** Somebody typed. */
  changed = (length: number, text: () => string) => {
    let known: string | null = null;
    const doc: Doc = { rev: ++this.revs, length, text: () => (known ??= text()) };
    this.set({ doc, touched: true });
    this.judge();
    this.keep();
  };

  /** Makes edits as if somebody typed them. */
  edit(edits: readonly Edit[]) {
    this.editor.current?.edit(edits);
  }

  private put({ text, target, origin, file, draft, touched, tab }: Put) {
    this.under.rehearse?.abort();
    clearTimeout(this.resting.save);
    const rev = ++this.revs;
    this.set({
      doc: { rev, length: text.length, text: () => text },
      load: { id: ++this.loads, text },
      touched: touched ?? false,
      target: { ...this.state.target, ...target },
      origin: origin ?? { kind: 'new' },
      file: file === undefined || file === null ? null : { ...file, rev },
      fileFault: null,
      draft: { ...noDraft, savedRev: rev, ...draft },
      takeOver: [],
      rehearsal: null,
      rehearsing: null,
      rehearseFault: null,
      approved: false,
      applyFault: null,
      applied: null,
      opening: null,
      openFault: null,
      replacing: null,
      tab: tab ?? 'problems',
    });
    this.judge();
    if (touched) this.keep();
  }

  /** Puts another text there, once the one that lies there is safe. */
  private async replace(put: Put) {
    await this.flush();
    const { touched, doc, draft } = this.state;
    if (touched && doc.length > 0 && draft.savedRev !== doc.rev) this.set({ opening: null, replacing: () => this.put(put) });
    else this.put(put);
  }

  keepText = () => this.set({ replacing: null });

  /** A text of its own: nothing, a template, what was dropped. */
  begin = (text: string, name: string | null = null) => this.replace({ text, draft: { name }, touched: text !== '' && name !== null });

  aim(change: Partial<Target>) {
    const target = { ...this.state.target, ...change };
    if (targetKey(target) === targetKey(this.state.target)) return;
    this.under.rehearse?.abort();
    this.set({ target, takeOver: change.cluster === undefined ? this.state.takeOver : [], rehearseFault: null, applyFault: null, approved: false });
    this.judge();
    if (this.state.draft.id !== null || this.state.touched) this.keep();
  }

  // Files

  async openFile() {
    try {
      const { file } = await this.client.call('wb_open', {});
      if (file) await this.replace({ text: file.text, file: { path: file.path, rev: 0 } });
    } catch (why) {
      this.set({ fileFault: asFault(why, 'wb_open') });
    }
  }

  /** Takes a file's text: what is no text is refused. */
  async drop(file: File) {
    try {
      const raw = new Uint8Array(await file.arrayBuffer());
      const text = new TextDecoder('utf-8', { fatal: true }).decode(raw);
      if (text.includes('\u0000')) throw new TypeError('no text');
      await this.replace({ text, draft: { name: file.name }, touched: true });
    } catch {
      const name = file.name;
      this.set({ fileFault: { kind: 'usage', code: 'not_text', message: { en: `could not take ${name}: it is not text in UTF-8`, zh: `无法载入 ${name}：它不是 UTF-8 文本` }, hint: { en: 'Drop a YAML or JSON file.', zh: '请拖入 YAML 或 JSON 文件。' }, params: {}, reference: null } });
    }
  }

  /** Writes the file; one that somebody else changed meanwhile is left alone by the core, and its fault says so. */
  async saveFile(elsewhere = false) {
    const { doc, file } = this.state;
    const text = doc.text();
    try {
      const saved = await this.client.call('wb_save', { path: elsewhere || !file ? null : file.path, text });
      // No path: the dialog was closed without choosing.
      if (saved.path !== null) this.set({ file: { path: saved.path, rev: doc.rev }, fileFault: null });
    } catch (why) {
      this.set({ fileFault: asFault(why, 'wb_save') });
    }
  }

  /** Makes the edits of a fix, where the text is still the one that was judged. */
  async mend(problem: WbProblemView, rev: number, late: () => void) {
    const { doc } = this.state;
    if (!problem.fix) return;
    if (doc.rev !== rev) return late();
    try {
      const { document, path, edit } = problem.fix;
      const { edits } = await this.client.call('wb_fix', { text: doc.text(), document, path, edit });
      if (this.state.doc.rev === rev) this.edit(edits);
      else late();
    } catch (why) {
      this.set({ fileFault: asFault(why, 'wb_fix') });
    }
  }

  forgetFileFault = () => this.set({ fileFault: null });

  async format() {
    const { doc } = this.state;
    try {
      const { text } = await this.client.call('wb_format', { text: doc.text() });
      if (this.state.doc.rev !== doc.rev) return;
      const edit = difference(doc.text(), text);
      if (edit) this.edit([edit]);
      this.set({ fileFault: null });
    } catch (why) {
      this.set({ fileFault: asFault(why, 'wb_format') });
    }
  }

  // Objects of a cluster

  async openObject(cluster: string, object: WbObject) {
    this.under.open?.abort();
    const mine = (this.under.open = new AbortController());
    this.set({ opening: { what: `${object.kind}/${object.name}`, since: Date.now() }, openFault: null });
    try {
      const [found] = await ask(this.client, 'wb_live', { cluster, namespace: object.namespace, text: naming(object) }, mine.signal);
      if (mine.signal.aborted) return;
      if (!found || found.yaml === null) {
        const what = `${object.kind} "${object.name}"`;
        this.set({ opening: null, openFault: { kind: 'not_found', code: 'no_such_object', message: { en: `could not open ${what}: it is not in the cluster any more`, zh: `无法打开 ${what}：它已不在集群中` }, hint: { en: 'Somebody may have deleted it. Look again in the Explorer.', zh: '可能已被删除，请在“浏览”中重新查看。' }, params: {}, reference: null } });
        return;
      }
      const secret = object.kind === 'Secret' && object.apiVersion === 'v1';
      const { text, keys } = secret ? withoutMasked(found.yaml) : { text: found.yaml, keys: [] };
      await this.replace({ text, target: { cluster, namespace: object.namespace }, origin: { kind: 'object', cluster, object, secretKeys: keys } });
    } catch (why) {
      if (!mine.signal.aborted) this.set({ opening: null, openFault: asFault(why, 'wb_live') });
    }
  }

  stopOpening = () => {
    this.under.open?.abort();
    this.set({ opening: null });
  };

  forgetOpenFault = () => this.set({ openFault: null });

  /** Writes a place for a Secret's new value. */
  writeValue(key: string) {
    const { doc } = this.state;
    this.edit([valueEdit(doc.text(), key)]);
  }

  // Checking

  /** Judges the text once typing rests; a long one when it is asked for. */
  private judge() {
    clearTimeout(this.resting.check);
    this.under.check?.abort();
    this.under.check = undefined;
    if (this.state.checking !== null || this.state.held) this.set({ checking: null, held: false });
    const { doc } = this.state;
    if (doc.length === 0 || doc.length > CALM) return;
    this.resting.check = setTimeout(() => void this.checkNow(), REST);
  }

  async checkNow() {
    clearTimeout(this.resting.check);
    this.under.check?.abort();
    const mine = (this.under.check = new AbortController());
    const { doc, target } = this.state;
    const of = targetKey(target);
    this.set({ checking: Date.now(), held: false });
    const settle = (view: WbCheckView | null, fault: UiFault | null) => {
      // Of another text, or of another cluster: nobody wants it any more.
      if (mine.signal.aborted || this.state.doc.rev !== doc.rev || targetKey(this.state.target) !== of) return;
      this.set({ checking: null, check: { rev: doc.rev, target: of, view: view ?? (fault ? null : (this.state.check?.view ?? null)), fault, masked: view ? maskedIn(doc.text(), view.outline) : [] } });
    };
    try {
      settle(await ask(this.client, 'wb_check', { text: doc.text(), cluster: target.cluster, version: versionOf(target), level: target.level }, mine.signal), null);
    } catch (why) {
      settle(null, asFault(why, 'wb_check'));
    }
  }

  stopChecking = () => {
    clearTimeout(this.resting.check);
    this.under.check?.abort();
    this.set({ checking: null, held: true });
  };

  /** A rule's level changed: what was found is judged anew. */
  recheck = () => {
    if (this.state.doc.length > 0) void this.checkNow();
  };

  // Drafts

  private keep() {
    clearTimeout(this.resting.save);
    this.resting.save = setTimeout(() => void this.saveDraft(), this.state.doc.length > CALM ? SAVE_LARGE : SAVE);
  }

  /** Saves what is not saved, now. */
  private async flush() {
    clearTimeout(this.resting.save);
    if (this.saving) await this.saving;
    const { touched, doc, draft } = this.state;
    if (touched && doc.length > 0 && draft.savedRev !== doc.rev) await this.saveDraft();
  }

  saveDraft = async (): Promise<void> => {
    clearTimeout(this.resting.save);
    // One at a time: a second draft of the same text would be born otherwise.
    if (this.saving) {
      await this.saving;
      if (this.state.draft.savedRev === this.state.doc.rev) return;
    }
    const { doc, draft, target, check, load } = this.state;
    if (doc.length === 0) return;
    const name = draft.name ?? (check?.view ? nameOf(check.view.outline) : null) ?? i18next.t('workbench.untitled');
    this.set({ draft: { ...draft, saving: true } });
    const mine = (async () => {
      try {
        const saved = await this.client.call('wb_draft_save', { id: draft.id, name, text: doc.text(), cluster: target.cluster, namespace: target.namespace });
        // Another text lies there by now: this one is safe, and that is all.
        if (this.state.load.id !== load.id && this.state.draft.id !== saved.id) return;
        this.set({ draft: { ...this.state.draft, id: saved.id, savedAt: saved.savedAt, savedRev: doc.rev, saving: false, fault: null } });
        this.done('wb_draft_save');
      } catch (why) {
        this.set({ draft: { ...this.state.draft, saving: false, fault: asFault(why, 'wb_draft_save') } });
      }
    })();
    this.saving = mine;
    await mine;
    if (this.saving === mine) this.saving = null;
  };

  rename(name: string) {
    this.set({ draft: { ...this.state.draft, name: name.trim() === '' ? null : name.trim() } });
    void this.saveDraft();
  }

  async openDraft(id: string, version: number | null = null) {
    const found = await this.client.call('wb_draft_get', { id, version });
    const old = version !== null;
    await this.replace({ text: found.text, target: { cluster: found.cluster, namespace: found.namespace }, draft: { id: found.id, name: found.name, savedAt: found.savedAt }, touched: old, tab: 'drafts' });
  }

  async removeDraft(id: string) {
    await this.client.call('wb_draft_remove', { id });
    this.done('wb_draft_remove');
    // The text stays where it is; it is only no draft any more.
    if (this.state.draft.id === id) this.set({ draft: { ...noDraft, savedRev: this.state.doc.rev, name: this.state.draft.name } });
  }

  // Rehearse, approve, apply

  takeOver(field: string, on: boolean) {
    const others = this.state.takeOver.filter((one) => one !== field);
    this.set({ takeOver: on ? [...others, field] : others, approved: false });
  }

  async rehearse() {
    const { doc, target, takeOver } = this.state;
    if (target.cluster === null) return;
    this.under.rehearse?.abort();
    const mine = (this.under.rehearse = new AbortController());
    const cluster = target.cluster;
    const text = doc.text();
    this.set({ rehearsing: Date.now(), rehearseFault: null, applyFault: null, approved: false, tab: 'rehearsal' });
    try {
      const view = await ask(this.client, 'wb_rehearse', { cluster, text, namespace: target.namespace, takeOver }, mine.signal);
      if (mine.signal.aborted) return;
      this.set({ rehearsing: null, rehearsal: { text, cluster, namespace: target.namespace, takeOver, view, spent: false }, applied: null });
    } catch (why) {
      if (!mine.signal.aborted) this.set({ rehearsing: null, rehearsal: null, rehearseFault: asFault(why, 'wb_rehearse') });
    }
  }

  stopRehearsing = () => {
    this.under.rehearse?.abort();
    this.set({ rehearsing: null });
  };

  approve = (approved = true) => this.set({ approved });
  confirmWithin = (within: number | null) => this.set({ within });

  async apply() {
    const { rehearsal, approved, within, doc, applying } = this.state;
    if (!rehearsal || !approved || rehearsal.spent || applying !== null || stale(this.state) !== null) return;
    const { cluster, text, namespace, takeOver, view } = rehearsal;
    this.set({ applying: Date.now(), applyFault: null });
    try {
      const done = await this.client.call('wb_apply', { cluster, text, namespace, takeOver, digest: view.digest, confirmWithin: within });
      const rolling = done.applied.filter((one) => one.action !== 'unchanged' && rolls(one.object));
      this.set({
        applying: null,
        approved: false,
        rehearsal: this.state.rehearsal === rehearsal ? { ...rehearsal, spent: true } : this.state.rehearsal,
        applied: { view: done, at: Date.now(), cluster, rev: doc.rev },
        tab: rolling.length > 0 ? 'rollout' : 'history',
      });
      this.follow(cluster, rolling.map((one) => one.object));
    } catch (why) {
      const fault = asFault(why, 'wb_apply');
      // What no longer holds goes back to the person; what was only not agreed to can be asked again.
      const over = ['rehearsal_stale', 'rehearsal_expired', 'field_conflict', 'apply_incomplete'].includes(fault.code);
      this.set({ applying: null, applyFault: fault, ...(over && this.state.rehearsal === rehearsal ? { approved: false, rehearsal: { ...rehearsal, spent: true } } : {}) });
    } finally {
      this.done('wb_apply');
    }
  }

  // Rollouts

  follow(cluster: string, objects: readonly WbObject[]) {
    for (const object of objects.slice(0, 40)) {
      const key = `${cluster}\n${keyOfObject(object)}`;
      this.watching.get(key)?.abort();
      const mine = new AbortController();
      this.watching.set(key, mine);
      const fresh: Watched = { key, cluster, object, view: null, fault: null, since: Date.now(), running: true };
      this.set({ watched: [fresh, ...this.state.watched.filter((one) => one.key !== key)].slice(0, 60) });
      const tell = (change: Partial<Watched>) => {
        if (!mine.signal.aborted) this.set({ watched: this.state.watched.map((one) => (one.key === key ? { ...one, ...change } : one)) });
      };
      ask(this.client, 'wb_rollout', { cluster, object }, mine.signal, (view) => tell({ view })).then(
        (view) => tell({ view, running: false }),
        (why) => tell({ fault: asFault(why, 'wb_rollout'), running: false }),
      );
    }
  }

  stopWatching(key: string) {
    this.watching.get(key)?.abort();
    this.set({ watched: this.state.watched.map((one) => (one.key === key ? { ...one, running: false } : one)) });
  }

  /** What was taken back is watched on its way back. */
  undone(kept: WbPastView) {
    if (this.state.applied?.view.undoId === kept.id) this.set({ applied: null });
    this.follow(kept.cluster, kept.objects.filter((one) => one.action !== 'create' && rolls(one.object)).map((one) => one.object));
  }
}

/** Why a rehearsal is no longer of what lies there; null while it is. */
export function stale(state: BenchState): 'text' | 'cluster' | 'namespace' | 'takeOver' | null {
  const { rehearsal, doc, target, takeOver } = state;
  if (!rehearsal) return null;
  if (rehearsal.text.length !== doc.length || rehearsal.text !== doc.text()) return 'text';
  if (rehearsal.cluster !== target.cluster) return 'cluster';
  if (rehearsal.namespace !== target.namespace) return 'namespace';
  if ([...rehearsal.takeOver].sort().join('\n') !== [...takeOver].sort().join('\n')) return 'takeOver';
  return null;
}

const benches = new WeakMap<Client, Bench>();

export function benchOf(client: Client, queries: QueryClient): Bench {
  let bench = benches.get(client);
  if (!bench) benches.set(client, (bench = new Bench(client, queries)));
  return bench;
}
