/** A cluster's name and colour, wherever one is named. */
import { useT } from '../i18n/t';
import { isProd } from '../lib/prod';
import { visible } from '../lib/visible';

/** A cluster's colour as a small square; nothing where it has none. */
export function ColourMark({ colour }: { colour: string | null }) {
  return colour === null ? null : <span className="ph-colourmark" data-colour={colour} aria-hidden="true" />;
}

/** A context's or cluster's name with its colour; production is red, with a word for those who see no colour. `colour` is left out where
 * nobody could choose one yet. */
export function ClusterName({ name, colour, strong = true }: { name: string; colour?: string | null; strong?: boolean }) {
  const { t } = useT();
  const prod = isProd(name);
  const text = visible(name);
  return (
    <span className={`ph-row${prod ? ' ph-tone-bad' : ''}`}>
      <ColourMark colour={colour === undefined ? (prod ? 'red' : null) : colour} />
      {strong ? <strong className="ph-cut">{text}</strong> : <span className="ph-cut">{text}</span>}
      {prod && <span className="ph-sr">{t('clusters.prod')}</span>}
    </span>
  );
}
