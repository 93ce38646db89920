// One event stream for a page. The browser resumes with Last-Event-ID; silence is noticed and said.

const QUIET = 45_000, RETRY = 3_000;

export function live(url, { events = {}, open = () => {}, lost = () => {} }) {
  let source, heard = 0, down = false, retry = 0;
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
    for (const [name, act] of Object.entries(events)) {
      source.addEventListener(name, event => { hear(); act(JSON.parse(event.data)); });
    }
  };
  const guard = setInterval(() => {
    if (performance.now() - heard > QUIET) { fail(); connect(); }
  }, 5_000);
  connect();
  return () => { clearInterval(guard); clearTimeout(retry); source.close(); };
}
