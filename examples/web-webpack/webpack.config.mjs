import { fileURLToPath } from 'node:url';
import CopyPlugin from 'copy-webpack-plugin';

export default {
  mode: 'production',
  entry: './main.js',
  target: ['web', 'es2022'],
  output: { path: fileURLToPath(new URL('./dist', import.meta.url)), filename: 'main.js', module: true, clean: true },
  experiments: { outputModule: true, topLevelAwait: true },
  resolve: { conditionNames: ['onnxruntime-web-use-extern-wasm', 'import', 'browser', 'module', 'default'] },
  // Optional: only for reading video files.
  externals: { mediabunny: 'mediabunny' },
  performance: false,
  plugins: [
    new CopyPlugin({
      patterns: [
        'index.html',
        '../sample.png',
        // The engine's files are copied as they are: its threads load their own script by name.
        {
          from: 'node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded{,.asyncify}.{mjs,wasm}',
          to: 'ort/[name][ext]',
        },
      ],
    }),
  ],
};
