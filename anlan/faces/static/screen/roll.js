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
    list.classList.toggle("more", list.scrollHeight - list.clientHeight > 2);
    if (held() || still.matches || document.hidden) continue;
    const tops = [...list.children].map(row => row.offsetTop - list.firstElementChild.offsetTop);
    const over = list.scrollHeight - list.clientHeight;
    if (over <= 2) continue;
    const next = list.scrollTop >= over - 2 ? 0 : tops.find(top => top > list.scrollTop + 2) ?? 0;
    // The last stop also begins at a whole row.
    const last = tops.find(top => top >= over - parseFloat(list.style.paddingBottom || 0) - 2) ?? over;
    list.style.paddingBottom = `${Math.max(0, last - over + parseFloat(list.style.paddingBottom || 0))}px`;
    list.scrollTo({ top: next, behavior: "smooth" });
  }
}, STEP);
