// The console by keyboard: one row is the present one; what is picked takes the step.
const form = document.getElementById("console");
const rows = () => form ? [...form.querySelectorAll("[data-row]")].filter(row => row.offsetParent) : [];
let at = 0;

function go(step) {
  const all = rows();
  if (!all.length) return;
  at = Math.max(0, Math.min(all.length - 1, all[at]?.contains(document.activeElement) ? at + step : at));
  all[at].focus();
}

const here = () => rows()[at];

function pick(row, on) {
  const box = row?.querySelector("input[type=checkbox]");
  if (!box) return;
  box.checked = on ?? !box.checked;
  box.dispatchEvent(new Event("change", { bubbles: true }));
}

function take(name) {
  if (!form?.querySelector("input[name=alarm]:checked")) pick(here(), true);
  form?.querySelector(`[data-step=${name}]`)?.click();
}

function shelve() {
  const why = form?.querySelector("[name=why]");
  if (why?.value) take("shelve"); else why?.focus();
}

const KEYS = {
  j: () => go(1), k: () => go(-1), x: () => pick(here()), a: () => take("acknowledge"), s: shelve,
  o: () => here()?.closest("tbody").querySelector("[data-open]")?.click(), enter: () => { if (here()?.dataset.href) location.href = here().dataset.href; },
};

document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input:not([type=checkbox]), select, textarea, button, a")) return;
  const key = KEYS[event.key.toLowerCase()];
  if (key) { event.preventDefault(); key(); }
});

function count() {
  const n = form.querySelectorAll("input[name=alarm]:checked").length, said = form.querySelector("[data-count]");
  if (said) said.textContent = n ? `已选 ${n} 条` : "未选";
}

form?.addEventListener("focusin", event => { const n = rows().indexOf(event.target.closest("[data-row]")); if (n >= 0) at = n; });
form?.addEventListener("click", event => {
  const opener = event.target.closest("[data-open]");
  if (opener) opener.setAttribute("aria-expanded", String(!opener.closest("tbody").classList.toggle("folded")));
});
form?.addEventListener("change", event => {
  if (event.target.matches("[data-all]")) for (const box of event.target.closest("tbody").querySelectorAll("input[name=alarm]")) box.checked = event.target.checked;
  count();
});
form?.addEventListener("keydown", event => { // Enter takes the step whose words are being typed, not the form's first
  if (event.key !== "Enter" || !event.target.matches(".step input")) return;
  event.preventDefault();
  take(event.target.closest(".step").querySelector("[data-step]").dataset.step);
});
if (form) count();
document.addEventListener("line", event => {
  if (event.detail.verb.startsWith("alarm.") && !form?.querySelector("input:checked") && !document.activeElement.matches("input, select")) {
    clearTimeout(go.timer);
    go.timer = setTimeout(() => location.reload(), 1500);
  }
});
