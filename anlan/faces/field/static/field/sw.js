// BASE, VERSION and SHELL are written above by the server. Pages come from the network while it answers in time, else
// from the last copy kept; what was pressed without a signal waits in the outbox.
importScripts(SHELL.find((path) => path.includes("outbox")));
const CACHE = "field" + BASE + ":" + VERSION, HOME = BASE + "/field/", LOST = BASE + "/field/offline/";
const KEPT = ["", "report/disaster/", "report/danger/", "report/zero/"].map((path) => HOME + path);
const PATIENCE_MS = 5000;

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll([...SHELL, LOST])).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const old = (name) => name.startsWith("field" + BASE + ":") && name !== CACHE;
  event.waitUntil(caches.keys()
    .then((names) => Promise.all(names.filter(old).map((name) => caches.delete(name))))
    .then(() => self.clients.claim()));
});

async function fresh(request, page) {
  const answer = await fetch(request);
  if (answer.ok && !answer.redirected && answer.type === "basic") {
    const cache = await caches.open(CACHE);
    await cache.put(page, answer.clone());
  }
  return answer;
}

async function page(request) {
  const here = new URL(request.url).pathname;
  const kept = () => caches.open(CACHE).then((cache) => cache.match(here));
  const asked = KEPT.includes(here) ? fresh(request, here) : fetch(request);
  const old = await kept();
  if (!old) return asked.catch(async () => (await caches.match(LOST)) || Response.error());
  const wait = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, old));
  return Promise.race([asked.catch(() => old), wait]);
}

async function file(request) {
  const cache = await caches.open(CACHE);
  return (await cache.match(new URL(request.url).pathname)) || fetch(request);
}

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin) return;
  if (event.request.mode === "navigate" && url.pathname.startsWith(HOME)) event.respondWith(page(event.request));
  else if (SHELL.includes(url.pathname)) event.respondWith(file(event.request));
});

async function tellAll(message) {
  for (const client of await self.clients.matchAll()) client.postMessage(message);
}

self.addEventListener("sync", (event) => {
  if (event.tag !== "outbox") return;
  event.waitUntil(self.Outbox.flush(true).then(async (receipts) => {
    await tellAll({ receipts });
    if ((await self.Outbox.all()).some((entry) => entry.state === "waiting" && !entry.asks)) throw new Error("still waiting");
  }));
});

self.addEventListener("message", (event) => {
  if (event.data === "keep" || event.data === "home") {
    const wanted = event.data === "home" ? [HOME] : KEPT;
    event.waitUntil(caches.open(CACHE).then((cache) => Promise.all(wanted.map(async (path) => {
      const answer = await fetch(path, { credentials: "same-origin" });
      if (answer.ok && !answer.redirected) await cache.put(path, answer);
    }))).catch(() => null));
  } else if (event.data === "forget") {
    event.waitUntil(caches.open(CACHE).then((cache) => Promise.all(KEPT.map((path) => cache.delete(path)))));
  }
});
