// Keeps everything that was loaded once, so that the page works offline.
//
// The build writes BUILD before this: its version, and the page's own files.
// The models and the runtime are kept as the page loads them.

const CACHE = `studio-${BUILD.version}`;

addEventListener('install', (event) => {
  const keep = async () => {
    const cache = await caches.open(CACHE);
    await cache.addAll(
      // Past the browser's own cache, which may hold an older version.
      BUILD.files.map((file) => new Request(file, {cache: 'reload'})),
    );
    await skipWaiting();
  };
  event.waitUntil(keep());
});

addEventListener('activate', (event) => {
  const clean = async () => {
    const names = await caches.keys();
    const old = names.filter((n) => n.startsWith('studio-') && n !== CACHE);
    await Promise.all(old.map((name) => caches.delete(name)));
    await clients.claim();
  };
  event.waitUntil(clean());
});

addEventListener('fetch', (event) => {
  const {request} = event;
  const own = new URL(request.url).origin === location.origin;
  if (own && request.method === 'GET') event.respondWith(answer(request));
});

async function answer(request) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(request, {ignoreSearch: true});
  if (kept) return kept;
  const response = await fetch(request);
  if (response.status === 200) await cache.put(request, response.clone());
  return response;
}
