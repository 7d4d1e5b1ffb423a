import jsxA11y from 'eslint-plugin-jsx-a11y';
import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

const tauri = { group: ['@tauri-apps/*'], message: 'Only src/ipc/client.ts speaks to Tauri.' };
const features = ['servers', 'tools', 'questions', 'activity', 'settings', 'clusters', 'explorer', 'vault', 'workbench'];

const walls = (patterns) => ({ 'no-restricted-imports': ['error', { patterns: [tauri, ...patterns] }] });

export default tseslint.config(
  { ignores: ['dist', 'dist-fake', 'node_modules', 'src/ipc/bindings.ts'] },
  ...tseslint.configs.recommended,
  jsxA11y.flatConfigs.recommended,
  {
    files: ['**/*.{ts,tsx}'],
    plugins: { 'react-hooks': reactHooks },
    rules: {
      ...reactHooks.configs.recommended.rules,
      ...walls([]),
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': 'error',
      'no-eval': 'error',
      'no-new-func': 'error',
      'no-restricted-syntax': [
        'error',
        { selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']", message: 'What a server says is drawn as text, never as HTML.' },
      ],
    },
  },
  {
    files: ['src/shared/**'],
    rules: walls([{ group: ['@/ipc/*', '@/features/*', '@/app/*'], message: 'shared knows neither the app nor its wire.' }]),
  },
  {
    files: ['src/ipc/**'],
    rules: walls([{ group: ['@/features/*', '@/app/*'], message: 'ipc knows no page.' }]),
  },
  ...features.map((own) => ({
    files: [`src/features/${own}/**`],
    rules: walls([
      {
        group: ['@/app/*', ...features.filter((other) => other !== own).map((other) => `@/features/${other}/*`)],
        message: 'A feature imports ipc, shared and itself. What two share moves to shared/.',
      },
    ]),
  })),
  { files: ['src/ipc/client.ts'], rules: { 'no-restricted-imports': 'off' } },
);
