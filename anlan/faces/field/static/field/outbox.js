// What the phone still has to send. Used by the pages and by the service worker: every answer and report is first
// written here under its own number, sent when there is a signal, and taken away only when the city has it.
(function (global) {
  "use strict";
  const NAME = "anlan-field", STORE = "outbox", LONGEST_S = 300, CUT_S = 30, PATIENCE_MS = 45000;
  let opened = null;

  function open() {
    if (opened) return opened;
    opened = new Promise((resolve, reject) => {
      const asked = indexedDB.open(NAME, 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { keyPath: "id" });
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => { opened = null; reject(asked.error); };
    });
    return opened;
  }

  async function work(mode, act) {
    const db = await open();
    return new Promise((resolve, reject) => {
      const change = db.transaction(STORE, mode);
      const asked = act(change.objectStore(STORE));
      change.oncomplete = () => resolve(asked && asked.result);
      change.onerror = change.onabort = () => reject(change.error);
    });
  }

  const put = (entry) => work("readwrite", (store) => store.put(entry));
  const drop = (id) => work("readwrite", (store) => store.delete(id));
  const get = (id) => work("readonly", (store) => store.get(id));
  async function all() {
    const rows = await work("readonly", (store) => store.getAll());
    return rows.sort((a, b) => a.made - b.made);
  }

  function number() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    const hex = Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  }

  async function ask(url, options) {
    const cut = new AbortController();
    const timer = setTimeout(() => cut.abort(), PATIENCE_MS);
    try {
      return await fetch(url, Object.assign({ credentials: "same-origin", cache: "no-store", signal: cut.signal }, options));
    } finally {
      clearTimeout(timer);
    }
  }

  // Who is signed in in this world, with the token that their browser has to send along.
  async function token(base) {
    const answer = await ask(base + "/field/token/", { headers: { Accept: "application/json" } });
    if (answer.status === 401 || answer.status === 403) return null;
    if (!answer.ok) throw new Error("token " + answer.status);
    return answer.json();
  }

  function packed(entry) {
    const form = new FormData();
    for (const [name, value] of entry.fields) form.append(name, value);
    form.set("client_id", entry.id);
    form.set("made_at", new Date(entry.made).toISOString());
    if (entry.files.length) {
      form.set("marks", JSON.stringify(entry.files.map((file) => file.mark || {})));
      for (const file of entry.files) form.append("photos", file.blob, file.name);
    }
    return form;
  }

  const later = (entry, words, cut = false) => {
    entry.tries += 1;
    entry.cut = cut;
    entry.next = Date.now() + Math.min(cut ? CUT_S : LONGEST_S, 5 * 2 ** Math.min(entry.tries, 6)) * 1000;
    entry.words = words;
    return put(entry);
  };

  // One entry, once. What the city refuses (4xx) becomes a draft for its author; all else is tried again.
  async function send(entry) {
    const headers = { Accept: "application/json" };
    if (entry.person) {
      const known = await token(entry.base);
      if (!known || String(known.person) !== entry.person) {
        entry.words = "请用原来的账号登录,登录后自动发出";
        entry.asks = true;
        return put(entry);
      }
      headers["X-CSRFToken"] = known.csrf;
    }
    const answer = await ask(entry.url, { method: "POST", headers, body: packed(entry), redirect: "manual" });
    entry.asks = answer.type === "opaqueredirect";
    if (entry.asks) return later(entry, "请重新登录,登录后自动发出");
    let told = {};
    try { told = await answer.json(); } catch (fault) { told = {}; }
    if (answer.ok && told.message) {
      await drop(entry.id);
      return { id: entry.id, message: told.message };
    }
    const again = answer.ok || answer.status >= 500 || [401, 408, 425, 429].includes(answer.status);
    if (again) return later(entry, "没发出去(" + answer.status + "),稍后自动再发");
    entry.state = "draft";
    entry.words = told.error || "没有被接收(" + answer.status + "),请改正后再发";
    return put(entry);
  }

  // Send what is due; `now` tries everything that waits, `heard` what only lacked a signal: not every telephone tells
  // that it has one again. Gives the receipts.
  async function flush(now, heard) {
    const run = async () => {
      const receipts = [];
      for (const entry of await all()) {
        if (entry.state !== "waiting" || (!now && !(heard && entry.cut) && entry.next > Date.now())) continue;
        try {
          const sent = await send(entry);
          if (sent && sent.message) receipts.push(sent);
        } catch (fault) {
          await later(entry, "没有信号,有信号后自动发出", true);
          break;
        }
      }
      return receipts;
    };
    if (global.navigator.locks) return global.navigator.locks.request("anlan-outbox", run);
    return run();
  }

  global.Outbox = { put, drop, get, all, number, flush };
})(self);
