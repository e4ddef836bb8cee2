import js from '@eslint/js';
import regexp from 'eslint-plugin-regexp';
import tseslint from 'typescript-eslint';

const ground = ['core', 'tracker', 'temporal'];
const noNode = [
  'node:*',
  'fs',
  'path',
  'os',
  'url',
  'worker_threads',
  'child_process',
  'crypto',
  'stream',
  'buffer',
  'util',
  'events',
];
const engines = [
  'onnxruntime-node',
  'onnxruntime-web',
  'onnxruntime-web/*',
  'onnxruntime-common',
  'sharp',
  'node-av',
  'node-av/*',
];
/** The runtimes' half of core, for packages that run a detector's sessions or pass its settings and errors on. */
const engine = '@facedet/core/engine';
const forbid = (...patterns) => ({
  'no-restricted-imports': [
    'error',
    {
      patterns: [
        ...(patterns.length
          ? [
              {
                group: patterns,
                message: 'This import breaks the dependency layers: see the table in CONTRIBUTING.md.',
              },
            ]
          : []),
        {
          regex: '^@facedet/[^/]+/(src|dist)',
          message: "Import a package by its name: nothing looks past a package's index.",
        },
        {
          regex: '^\\.\\./\\.\\./\\.\\./',
          message: 'A relative import leaves the package: import the other package by its name.',
        },
      ],
    },
  ],
});

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', 'tools/**', '**/.cache/**', '**/public/**'] },
  js.configs.recommended,
  ...tseslint.configs.recommended,
  {
    rules: {
      'no-console': 'error',
      eqeqeq: 'error',
      'prefer-const': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // Numeric code names its arrays' elements by hand; every assertion is a claim that the index is in range.
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  // Short functions: longer ones hold two ideas, and more parameters are an options object.
  {
    files: ['**/*.{ts,tsx,js,mjs}'],
    ignores: ['**/*.test.{ts,mjs}', '**/fixtures/**'],
    rules: {
      'max-lines-per-function': ['error', { max: 80, skipBlankLines: false }],
      'max-params': ['error', { max: 4 }],
    },
  },
  {
    files: ['**/*.{js,mjs}'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        URL: 'readonly',
        Buffer: 'readonly',
        performance: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        fetch: 'readonly',
        WebAssembly: 'readonly',
      },
    },
  },
  { files: ['examples/web-*/main.js'], languageOptions: { globals: { document: 'readonly' } } },
  // No DOM and no Node global on the ground: what is used there exists in every runtime.
  {
    files: ['packages/{checks,core,tracker,temporal,pipeline,eval}/src/**'],
    ignores: ['**/*.test.ts', '**/fixtures/**'],
    rules: {
      'no-restricted-globals': [
        'error',
        'window',
        'document',
        'navigator',
        'self',
        'location',
        'localStorage',
        'process',
        'Buffer',
        'require',
        'HTMLElement',
        'OffscreenCanvas',
        'createImageBitmap',
        'Worker',
      ],
    },
  },
  // Names, messages and files of others reach these expressions: none may take more than linear time.
  {
    files: ['packages/*/src/**', 'apps/*/src/**'],
    ignores: ['**/*.test.ts', '**/fixtures/**'],
    plugins: { regexp },
    rules: {
      'regexp/no-super-linear-backtracking': ['error', { report: 'potential' }],
      'regexp/no-super-linear-move': ['error', { report: 'potential', ignoreSticky: false, ignorePartial: false }],
    },
  },
  // The dependency layers: what each package may import.
  ...ground.map((name) => ({
    files: [`packages/${name}/src/**`],
    ignores: ['**/*.test.ts', '**/fixtures/**'],
    rules: forbid('@facedet/*', '!@facedet/checks', ...noNode, ...engines),
  })),
  // Bundled into the packages above, so it may import even less.
  { files: ['packages/checks/src/**'], ignores: ['**/*.test.ts'], rules: forbid('@facedet/*', ...noNode, ...engines) },
  {
    files: ['packages/pipeline/src/**'],
    ignores: ['**/*.test.ts', '**/fixtures/**'],
    rules: forbid(
      '@facedet/*',
      '!@facedet/checks',
      '!@facedet/core',
      '!@facedet/tracker',
      '!@facedet/temporal',
      ...noNode,
      ...engines,
    ),
  },
  {
    files: ['packages/draw/src/**'],
    ignores: ['**/*.test.ts', '**/fixtures/**'],
    rules: forbid('@facedet/*', '!@facedet/checks', '!@facedet/core', engine, ...noNode, ...engines),
  },
  {
    files: ['packages/eval/src/**'],
    ignores: ['**/*.test.ts', '**/fixtures/**'],
    rules: forbid('@facedet/*', '!@facedet/checks', '!@facedet/core', engine, ...noNode, ...engines),
  },
  {
    files: ['packages/models/src/**'],
    ignores: ['**/*.test.ts', 'packages/models/src/node.ts', 'packages/models/src/node/**'],
    rules: forbid('@facedet/*', '!@facedet/checks', '!@facedet/core', engine, ...noNode, ...engines),
  },
  {
    files: ['packages/runtime-node/src/**'],
    ignores: ['**/*.test.ts', '**/fixtures/**'],
    rules: forbid(
      '@facedet/runtime-web',
      '@facedet/video-node',
      '@facedet/eval',
      'onnxruntime-web',
      'node-av',
      'node-av/*',
    ),
  },
  {
    files: ['packages/video-node/src/**'],
    ignores: ['**/*.test.ts', '**/fixtures.ts'],
    rules: forbid(
      '@facedet/*',
      '!@facedet/checks',
      '!@facedet/files',
      '!@facedet/http',
      '!@facedet/core',
      engine,
      '!@facedet/draw',
      '!@facedet/models',
      '!@facedet/pipeline',
      ...engines.filter((name) => !name.startsWith('node-av')),
    ),
  },
  // Bundled into packages for Node, so it may import less than they do.
  {
    files: ['packages/files/src/**'],
    ignores: ['**/*.test.ts'],
    rules: forbid('@facedet/*', '!@facedet/checks', ...engines),
  },
  {
    files: ['packages/http/src/**'],
    ignores: ['**/*.test.ts'],
    rules: forbid('@facedet/*', '!@facedet/checks', '!@facedet/files', ...engines),
  },
  {
    files: ['packages/models/src/node.ts', 'packages/models/src/node/**'],
    ignores: ['**/*.test.ts'],
    rules: forbid(
      '@facedet/*',
      '!@facedet/checks',
      '!@facedet/files',
      '!@facedet/http',
      '!@facedet/core',
      engine,
      ...engines,
    ),
  },
  {
    files: ['packages/runtime-web/src/**'],
    ignores: ['**/*.test.ts', '**/fixtures/**'],
    rules: forbid('@facedet/runtime-node', '@facedet/eval', 'onnxruntime-node', 'sharp', 'node-av', ...noNode),
  },
  { files: ['apps/*/src/**', 'examples/**'], ignores: ['**/*.test.ts', 'apps/cli/src/**'], rules: forbid(engine) },
  { files: ['apps/cli/src/**'], ignores: ['**/*.test.ts'], rules: forbid() },
  {
    files: [
      'apps/**',
      'examples/**',
      'scripts/**',
      '**/*.test.ts',
      '**/bench/**',
      'packages/*/scripts/**',
      '**/fixtures/**',
    ],
    rules: { 'no-console': 'off' },
  },
);
