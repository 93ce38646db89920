// One event stream for a page. The browser resumes with Last-Event-ID; silence is noticed and said.

const QUIET = 45_000, RETRY = 3_000;

// JSON merge patch (RFC 7396).
export function merge(target, patch) {
  if (patch === null || typeof patch !== "object" || Array.isArray(patch)) return patch;
  const made = target && typeof target === "object" && !Array.isArray(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete made[name];
    else made[name] = merge(made[name], value);
  }
  return made;
}

// A watched view comes whole when the stream begins, then as changes; `state` is always given the whole.
export function live(url, { state, events = {}, open = () => {}, lost = () => {} }) {
  let source, whole = null, heard = 0, down = false, retry = 0;
  const hear = () => {
    heard = performance.now();
    if (down) { down = false; open(); }
  };
  const fail = () => { if (!down) { down = true; lost(); } };
  const connect = () => {
    source?.close();
    source = new EventSource(url);
    heard = performance.now();
    source.onopen = hear;
    source.onerror = () => {
      fail();
      if (source.readyState === EventSource.CLOSED) { clearTimeout(retry); retry = setTimeout(connect, RETRY); }
    };
    source.addEventListener("ping", hear);
    const views = state ? {
      state: found => state(whole = found),
      patch: change => state(whole = merge(whole, change)),
    } : {};
    for (const [name, act] of Object.entries({ ...views, ...events })) {
      source.addEventListener(name, event => { hear(); act(JSON.parse(event.data)); });
    }
  };
  const guard = setInterval(() => {
    if (performance.now() - heard > QUIET) { fail(); connect(); }
  }, 5_000);
  connect();
  return () => { clearInterval(guard); clearTimeout(retry); source.close(); };
}
