// The build: the page, the runtime's WebAssembly and the service worker.

import {createHash} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {type Plugin, defineConfig} from 'vite';

const RUNTIME = 'node_modules/@litertjs/core/wasm';
// For browsers with relaxed SIMD, and without.
const VARIANTS = ['litert_wasm_internal', 'litert_wasm_compat_internal'];

/** Puts LiteRT's WebAssembly beside the page. */
function runtime(): Plugin {
  return {
    name: 'runtime',
    generateBundle() {
      for (const variant of VARIANTS) {
        for (const ending of ['js', 'wasm']) {
          const fileName = `litert/${variant}.${ending}`;
          const source = readFileSync(`${RUNTIME}/${variant}.${ending}`);
          this.emitFile({type: 'asset', fileName, source});
        }
      }
    },
  };
}

/** Tells the service worker what to keep, and when that has changed. */
function offline(): Plugin {
  return {
    name: 'offline',
    generateBundle(_, bundle) {
      const hash = createHash('sha256');
      const files = Object.keys(bundle).sort();
      for (const file of files) {
        const part = bundle[file];
        hash.update(file).update(part.type === 'chunk' ? part.code : part.source);
      }
      const own = files.filter((file) => !file.startsWith('litert/'));
      const build = JSON.stringify({
        version: hash.digest('hex').slice(0, 16),
        files: ['./', ...own, 'manifest.webmanifest', 'icon-192.png'],
      });
      const source = readFileSync('src/offline/sw.js', 'utf8');
      this.emitFile({
        type: 'asset',
        fileName: 'sw.js',
        source: `const BUILD = ${build};\n${source}`,
      });
    },
  };
}

export default defineConfig({
  base: './',
  plugins: [runtime(), offline()],
  worker: {format: 'iife'},
  build: {target: 'es2022', assetsInlineLimit: 0, modulePreload: {polyfill: false}},
});
