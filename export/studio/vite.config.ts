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

// Whatever is drawn stays on the device: nothing may be asked of, or sent to,
// any other place. Styles may be anywhere, as foreign drawings have them.
const POLICY = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' blob: data:",
  "base-uri 'none'",
  "form-action 'none'",
  "object-src 'none'",
].join('; ');

/** Puts the policy into the page, for servers that send no headers. */
function policy(): Plugin {
  return {
    name: 'policy',
    transformIndexHtml: () => [
      {
        tag: 'meta',
        attrs: {'http-equiv': 'Content-Security-Policy', content: POLICY},
        injectTo: 'head-prepend',
      },
    ],
  };
}

/** Tells the service worker what to keep, and when that has changed. */
function offline(): Plugin {
  return {
    name: 'offline',
    enforce: 'post', // after the page itself has been made
    generateBundle(_, bundle) {
      const hash = createHash('sha256');
      const files = Object.keys(bundle).sort();
      for (const file of files) {
        const part = bundle[file];
        hash.update(file).update(part.type === 'chunk' ? part.code : part.source);
      }
      const own = files.filter((file) => !/^(litert\/|index\.html$)/.test(file));
      const build = JSON.stringify({
        version: hash.digest('hex').slice(0, 16),
        policy: POLICY,
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
  plugins: [policy(), runtime(), offline()],
  worker: {format: 'iife'},
  build: {target: 'es2022', assetsInlineLimit: 0, modulePreload: {polyfill: false}},
});
