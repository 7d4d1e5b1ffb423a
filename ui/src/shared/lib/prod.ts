/** Whether a name says that people depend on it. */
export const isProd = (name: string): boolean => /prod/i.test(name);
