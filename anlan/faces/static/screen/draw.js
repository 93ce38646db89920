// Words and nodes that every part of the wall shares.

export const LEVEL = { 1: "Ⅰ级", 2: "Ⅱ级", 3: "Ⅲ级", 4: "Ⅳ级" };
export const SIGNAL = { red: 1, orange: 2, yellow: 3, blue: 4 };

export function node(tag, attributes = {}, inside = []) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false && value !== "") made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...[inside].flat().filter(part => part !== null && part !== undefined && part !== ""));
  return made;
}

export const fill = (parent, children) => parent.replaceChildren(...children);

export const link = (href, attributes, inside) => (href ? node("a", { ...attributes, href }, inside) : node("span", attributes, inside));

// A level keeps its colour and its word; every other mark stays neutral.
export const badge = level => (level ? node("span", { class: `badge level-${level}` }, LEVEL[level]) : "");

export const stamp = iso => (iso ? `${iso.slice(5, 10)} ${iso.slice(11, 16)}` : "—");

// 无, 0, — and 未配置 are four different answers.
export function figure({ value, unit, state }) {
  if (state === "none") return [node("b", { class: "none" }, "无")];
  if (state === "unset") return [node("b", { class: "unset" }, "未配置")];
  if (state === "unknown" || value === null || value === undefined) return [node("b", { class: "unknown" }, "—")];
  const said = String(value);
  return [node("b", { class: said.length > 4 ? "long" : "" }, said), node("small", {}, unit ?? "")];
}

export function number(row, { source, at }) {
  const tip = [row.label, row.definition && `口径 ${row.definition}`, source && `来源 ${source}`, at && `截至 ${stamp(at)}`].filter(Boolean).join("\n");
  return link(row.href, { class: "figure", "data-state": row.state, "data-tip": tip }, [node("span", {}, row.label), node("p", {}, figure(row))]);
}
