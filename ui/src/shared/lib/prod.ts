/** Whether a name says that mistakes cost something there: a word of it, by the core's rule. */
export const isProd = (name: string): boolean => /(^|[^a-z0-9])(prod|prd|production|live)\d*([^a-z0-9]|$)/i.test(name);
