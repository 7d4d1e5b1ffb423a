/** The protocols as the core describes them, for the window without a core. `make bindings` writes the JSON. */
import type { ProtocolView } from '../bindings';
import protocols from './protocols.json';

export const PROTOCOLS = protocols as unknown as ProtocolView[];
