// Makes the page work offline, and keeps it on this device.
//
// The build writes BUILD before this: its version, and the page's own files.
// The runtime and the models are kept as the page loads them.

// One origin may have several studios, each in a folder of its own.
const OURS = `studio ${registration.scope} `;
const PAGE = OURS + BUILD.version;
const MODELS = `${OURS}models`;
const LIST = 'models.json';
const PATIENCE = 3000; // milliseconds, for the newest list of models

// A server that sends no headers of its own has these from here.
const HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Content-Security-Policy': BUILD.policy,
};

addEventListener('install', (event) => {
  const keep = async () => {
    const cache = await caches.open(PAGE);
    await cache.addAll(
      // Past the browser's own cache, which may hold an older version.
      BUILD.files.map((file) => new Request(file, {cache: 'reload'})),
    );
  };
  event.waitUntil(keep());
});

addEventListener('activate', (event) => {
  const clean = async () => {
    for (const name of await caches.keys()) {
      const old = name.startsWith(OURS) && name !== PAGE && name !== MODELS;
      if (old) await caches.delete(name);
    }
    await clients.claim();
  };
  event.waitUntil(clean());
});

// The user has said so: until then, the version that is open goes on.
addEventListener('message', ({data}) => {
  if (data === 'take over') void skipWaiting();
});

addEventListener('fetch', (event) => {
  const {request} = event;
  const inside = request.url.startsWith(registration.scope);
  if (inside && request.method === 'GET') event.respondWith(answer(request));
});

async function answer(request) {
  const path = request.url.slice(registration.scope.length);
  if (path === LIST) return withHeaders(await newest(request));
  const isModel = path.startsWith('models/');
  return withHeaders(await kept(request, isModel ? MODELS : PAGE));
}

/** From the cache, which what is not there yet is put into. */
async function kept(request, name) {
  const cache = await caches.open(name);
  const found = await cache.match(request, {ignoreSearch: true});
  if (found) return found;
  const response = await fetch(request);
  if (response.status === 200) await cache.put(request, response.clone());
  return response;
}

/** From the server, if it answers; models that are listed no more go. */
async function newest(request) {
  const cache = await caches.open(MODELS);
  try {
    const response = await fetch(request, {
      cache: 'no-cache',
      signal: AbortSignal.timeout(PATIENCE),
    });
    if (!response.ok) throw new Error(`${response.status}`);
    await cache.put(request, response.clone());
    await forget(cache, await response.clone().json());
    return response;
  } catch {
    return (await cache.match(request)) ?? Response.error();
  }
}

async function forget(cache, entries) {
  const listed = [LIST, ...entries.map(({file}) => file)];
  const urls = new Set(listed.map((file) => registration.scope + file));
  for (const request of await cache.keys()) {
    if (!urls.has(request.url)) await cache.delete(request);
  }
}

function withHeaders(response) {
  const {body, status, statusText} = response;
  if (!status) return response; // an error
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
  return new Response(body, {status, statusText, headers});
}
