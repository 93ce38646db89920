// Nothing typed is lost: drafts of long forms stay on this machine until they are taken; a form is sent once.

const form = document.querySelector("form[data-draft]");
const kept = name => `anlan.draft.${name}`;
const fields = () => [...form.elements].filter(e => e.name && e.type !== "hidden" && e.type !== "submit" && e.type !== "button");

function read(name) {
  try { return JSON.parse(localStorage.getItem(kept(name)) || "null"); } catch { return null; }
}

function keep() {
  const values = Object.fromEntries(fields().map(e => [e.name, e.type === "checkbox" ? e.checked : e.value]));
  try { localStorage.setItem(kept(form.dataset.draft), JSON.stringify(values)); say("草稿已存"); } catch { say("本机不能保存草稿"); }
}

function bring(values) {
  for (const e of fields()) {
    if (!(e.name in values)) continue;
    if (e.type === "checkbox") e.checked = values[e.name]; else e.value = values[e.name];
  }
  say("已恢复上次未登记的草稿");
}

function say(text) {
  const note = document.querySelector("[data-draft-note]");
  if (note) note.textContent = text;
}

if (form) {
  const values = read(form.dataset.draft);
  if (values && "fresh" in form.dataset) bring(values);
  let timer = 0;
  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(keep, 300); });
  form.addEventListener("keydown", event => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit(); });
  form.querySelector("[data-clear]")?.addEventListener("click", () => {
    localStorage.removeItem(kept(form.dataset.draft));
    form.reset();
    say("草稿已清空");
  });
}
const done = document.querySelector("[data-draft-done]");
if (done) localStorage.removeItem(kept(done.dataset.draftDone));

document.addEventListener("submit", event => {
  const sent = event.target;
  if (!("once" in sent.dataset)) return;
  if (sent.dataset.once === "sent") { event.preventDefault(); return; }
  sent.dataset.once = "sent";
  setTimeout(() => { sent.dataset.once = ""; }, 8000);
});
document.addEventListener("keydown", event => {
  if (event.target.closest("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
  const target = document.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (!target) return;
  event.preventDefault();
  target.click();
  target.closest("details[open]")?.querySelector("form :is(input:not([type=hidden]), textarea, select)")?.focus();
});
