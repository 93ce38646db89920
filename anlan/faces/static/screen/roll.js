// A list longer than its box moves one row each two seconds and stands still under the pointer or the focus.

const STEP = 2_000;
const still = matchMedia("(prefers-reduced-motion: reduce)");
const rolling = new Set();

export function roll(list) {
  if (getComputedStyle(list).overflowY === "visible") return;
  let held = false;
  for (const [name, value] of [["pointerenter", true], ["pointerleave", false], ["focusin", true], ["focusout", false]]) {
    list.addEventListener(name, () => { held = value; });
  }
  rolling.add({ list, held: () => held });
}

setInterval(() => {
  for (const entry of rolling) {
    const { list, held } = entry;
    if (!list.isConnected) { rolling.delete(entry); continue; }
    if (held() || still.matches || document.hidden) continue;
    list.style.paddingBottom = "";
    const over = list.scrollHeight - list.clientHeight, row = list.firstElementChild?.getBoundingClientRect().height;
    if (over <= 2 || !row) continue;
    list.style.paddingBottom = `${(row - (over % row)) % row}px`;  // the last stop also shows whole rows
    list.scrollTo({ top: list.scrollTop >= over - 2 ? 0 : (Math.round(list.scrollTop / row) + 1) * row, behavior: "smooth" });
  }
}, STEP);
