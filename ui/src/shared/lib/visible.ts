/** Foreign text made harmless to read: what cannot be seen or turns the reading direction is shown as an escape. Pure. */

// Control characters other than tab and line breaks, zero-width and direction-changing characters, tag characters.
const ODD = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;

/** The text with odd characters written as `\u{…}`. */
export const visible = (text: string): string => text.replace(ODD, (letter) => `\\u{${letter.codePointAt(0)!.toString(16)}}`);

/** The first line of a text. */
export const firstLine = (text: string): string => text.split(/\r?\n/, 1)[0] ?? '';
