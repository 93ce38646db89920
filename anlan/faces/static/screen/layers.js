// Point layers from the registers: a shape for each family, a colour only for a level.
import { fill, node } from "./draw.js";

const HUE = { 0: "#c9f3ff", 1: "#f0323c", 2: "#ff8a1f", 3: "#ffdb26", 4: "#3b7dff" };
const SHAPES = ["circle", "square", "diamond", "triangle", "house", "cross"];
const FAMILIES = ["监测对象", "应急物资", "紧急救援力量", "重点防护目标", "安置点", "指挥部"];
const REFRESH = 30_000;

export class Layers {
  constructor(map, pick) {
    Object.assign(this, { map, pick, on: null, shown: new Map(), families: [...FAMILIES] });
    map.on("click", event => { const feature = this.at(event.point); if (feature) pick(feature, feature.geometry.coordinates); });
    setInterval(() => this.shown.forEach((layer, name) => this.read(name, layer.url)), REFRESH);
  }

  at(point) {
    const ids = [...this.shown.keys()].map(name => `layer-${name}`).filter(id => this.map.getLayer(id));
    const reach = [[point.x - 8, point.y - 8], [point.x + 8, point.y + 8]];
    return ids.length ? this.map.queryRenderedFeatures(reach, { layers: ids })[0] : undefined;
  }

  fill(layers) {
    this.on ??= new Set(layers.filter(layer => layer.on).map(layer => layer.name));
    for (const layer of layers) this.set(layer, this.on.has(layer.name));
  }

  shape(family) {
    if (!this.families.includes(family)) this.families.push(family);
    return SHAPES[this.families.indexOf(family) % SHAPES.length];
  }

  set(layer, wanted) {
    const id = `layer-${layer.name}`;
    if (!wanted) {
      if (this.shown.delete(layer.name)) { this.map.removeLayer(id); this.map.removeSource(id); }
      return;
    }
    if (this.shown.has(layer.name)) return;
    this.shown.set(layer.name, layer);
    const shape = this.shape(layer.family);
    for (const level of Object.keys(HUE)) {
      const name = `${shape}-${level}`;
      if (!this.map.hasImage(name)) this.map.addImage(name, icon(shape, HUE[level]), { pixelRatio: 2 });
    }
    this.map.addSource(id, { type: "geojson", data: { type: "FeatureCollection", features: [] } });
    this.map.addLayer({
      id, type: "symbol", source: id,
      layout: {
        "icon-image": ["concat", `${shape}-`, ["to-string", ["coalesce", ["get", "level"], 0]]], "icon-allow-overlap": true,
        "icon-size": ["case", ["<=", ["coalesce", ["get", "level"], 9], 2], .95, ["==", ["coalesce", ["get", "level"], 9], 9], .5, .78],
        "symbol-sort-key": ["-", 9, ["coalesce", ["get", "level"], 9]],
      },
    }, "district-names");
    this.read(layer.name, layer.url);
  }

  async read(name, url) {
    const answer = await fetch(url);
    if (!answer.ok) { console.warn(`${url} ${answer.status}`); return; }
    const points = await answer.json();
    this.map.getSource(`layer-${name}`)?.setData(points);
  }

  panel(box, layers, close) {
    const families = [...new Set(layers.map(layer => layer.family))];
    const shut = node("button", { "aria-label": "关闭" }, "✕");
    shut.addEventListener("click", close);
    fill(box, [
      node("header", {}, [node("h2", {}, "图层"), shut]),
      ...(families.length ? families.map(family => this.group(family, layers.filter(layer => layer.family === family))) : [node("p", { class: "empty" }, "未配置")]),
    ]);
  }

  group(family, layers) {
    return node("fieldset", {}, [node("legend", {}, [node("i", { class: `shape ${this.shape(family)}` }), family]), ...layers.map(layer => {
      const box = node("input", { type: "checkbox" });
      box.checked = this.on.has(layer.name);
      box.addEventListener("change", () => { this.on[box.checked ? "add" : "delete"](layer.name); this.set(layer, box.checked); });
      return node("label", {}, [box, node("span", {}, layer.label), layer.href ? node("a", { href: layer.href }, String(layer.count)) : node("b", {}, String(layer.count))]);
    })]);
  }
}

const OUTLINES = {
  square: [[.18, .18], [.82, .18], [.82, .82], [.18, .82]],
  diamond: [[.5, .08], [.92, .5], [.5, .92], [.08, .5]],
  triangle: [[.5, .1], [.92, .86], [.08, .86]],
  house: [[.5, .08], [.9, .44], [.78, .44], [.78, .9], [.22, .9], [.22, .44], [.1, .44]],
  cross: [[.36, .1], [.64, .1], [.64, .36], [.9, .36], [.9, .64], [.64, .64], [.64, .9], [.36, .9], [.36, .64], [.1, .64], [.1, .36], [.36, .36]],
};

function icon(shape, hue) {
  const size = 44, canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const pen = canvas.getContext("2d");
  pen.beginPath();
  if (shape === "circle") pen.arc(size / 2, size / 2, size * .38, 0, 7);
  else OUTLINES[shape].forEach(([x, y], i) => pen[i ? "lineTo" : "moveTo"](x * size, y * size));
  pen.closePath();
  pen.fillStyle = hue;
  pen.fill();
  pen.lineWidth = 4;
  pen.lineJoin = "round";
  pen.strokeStyle = "#04101f";
  pen.stroke();
  return pen.getImageData(0, 0, size, size);
}
