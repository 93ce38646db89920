// The map: own style, no tiles, no glyph server. Labels are drawn by the browser's fonts and the outline is marked 示意.
import * as maplibre from "../vendor/maplibre-gl/maplibre-gl.mjs";
import { badge, fill, link, node } from "./draw.js";
import { Layers } from "./layers.js";
import { THEMES, legend } from "./themes.js";

maplibre.setWorkerUrl(new URL("../vendor/maplibre-gl/maplibre-gl-worker.mjs", import.meta.url).href);
const FONT = '"Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", sans-serif';
const CITY = [[119.52, 35.58], [121.0, 37.16]];

const label = { "text-field": ["get", "name"], "text-font": ["Noto Sans CJK SC"], "text-padding": 2, "text-max-width": 12 };
const ink = (color, width) => ({ "text-color": color, "text-halo-color": "rgba(5,16,32,.92)", "text-halo-width": width });

function style() {
  const empty = { type: "geojson", data: { type: "FeatureCollection", features: [] } };
  return {
    version: 8,
    sources: { coast: { type: "geojson", data: document.body.dataset.coast }, towns: { ...empty, promoteId: "code" }, districts: empty, names: empty },
    layers: [
      { id: "sea", type: "background", paint: { "background-color": "#07101f" } },
      { id: "shelf", type: "line", source: "coast", layout: { "line-join": "round" }, paint: { "line-color": "#12486a", "line-width": 22, "line-blur": 22, "line-opacity": .75 } },
      { id: "land", type: "fill", source: "districts", paint: { "fill-color": "#10294a" } },
      { id: "towns", type: "fill", source: "towns", paint: { "fill-color": "#10294a", "fill-opacity": .92 } },
      { id: "grid", type: "line", source: "towns", paint: { "line-color": "#8fc9e8", "line-width": .6, "line-opacity": .28 } },
      { id: "aim", type: "line", source: "towns", paint: { "line-color": "#fff", "line-width": ["case", ["boolean", ["feature-state", "aim"], false], 2.5, 0] } },
      { id: "borders", type: "line", source: "districts", layout: { "line-join": "round" }, paint: { "line-color": "#bfe9ff", "line-width": 1.5, "line-opacity": .75 } },
      { id: "coast", type: "line", source: "coast", layout: { "line-join": "round" }, paint: { "line-color": "#4fbfe0", "line-width": 1, "line-opacity": .6 } },
      { id: "town-names", type: "symbol", source: "names", minzoom: 10, filter: ["==", ["get", "level"], "town"], layout: { ...label, "text-size": 14 }, paint: ink("#d4e6f7", 1.4) },
      { id: "district-names", type: "symbol", source: "names", filter: ["==", ["get", "level"], "district"], layout: { ...label, "text-size": ["interpolate", ["linear"], ["zoom"], 7, 13, 9, 21], "text-allow-overlap": false }, paint: ink("#fff", 2.2) },
    ],
  };
}

export class Chart {
  constructor(host, { legend: key, themes, drawer, button, base }) {
    Object.assign(this, { key, themes, box: drawer, button, base, theme: null, chosen: false, state: null });
    try {
      this.map = new maplibre.Map({
        container: host, style: style(), bounds: CITY, attributionControl: false,
        localIdeographFontFamily: FONT, fadeDuration: 0, dragRotate: false, pitchWithRotate: false, minZoom: 6, maxZoom: 14, renderWorldCopies: false,
      });
    } catch (fault) {
      console.warn(fault);
      host.append(node("p", { class: "empty" }, "本机不能显示地图(浏览器未开启图形加速),其余内容不受影响。"));
      return;
    }
    this.map.touchZoomRotate.disableRotation();
    this.layers = new Layers(this.map, (feature, at) => this.marker(feature, at));
    this.drawn = new Promise(done => this.map.once("style.load", done));
    this.ready = this.load();
    this.map.on("resize", () => this.fit(true));
    for (const hand of ["dragstart", "wheel", "touchstart", "dblclick"]) this.map.on(hand, () => { this.moved = true; });
    this.map.on("click", "towns", event => this.town(event));
    this.map.on("mousemove", "towns", event => this.aim(event.features[0]?.id));
    this.map.on("mouseleave", "towns", () => this.aim(null));
    this.button.addEventListener("click", () => this.drawer());
    this.map.on("error", ({ error }) => console.warn(error));
  }

  // What the rails, the title, the event card, the counters and the tools leave free; a narrow page has a map of its own.
  room() {
    if (innerWidth < 900) return { left: 12, right: 12, top: 12, bottom: 12 };
    const edge = (id, side) => document.getElementById(id).getBoundingClientRect()[side];
    const top = Math.max(edge("event", "bottom"), document.querySelector("header.title").getBoundingClientRect().bottom);
    return { left: edge("strip-left", "right") + 10, right: innerWidth - edge("strip-right", "left") + 10, top: top + 14, bottom: innerHeight - edge("legend", "top") + 44 };
  }

  // Fitted anew when the free room changes, but never under the hand of someone who has moved the map.
  fit(force = false) {
    const room = this.room(), said = JSON.stringify(room);
    if (!force && (said === this.fitted || this.moved)) return;
    this.fitted = said;
    this.map.fitBounds(CITY, { padding: room, animate: false });
  }

  async load() {
    const read = url => fetch(url).then(answer => { if (!answer.ok) throw new Error(`${url} ${answer.status}`); return answer.json(); });
    const { towns, districts } = document.body.dataset;
    const [cells, borders] = await Promise.all([read(towns), read(districts)]);
    await this.drawn;
    this.names = new Map(cells.features.map(f => [f.properties.code, f.properties.name]));
    this.map.getSource("towns").setData(cells);
    this.map.getSource("districts").setData(borders);
    const points = [...cells.features, ...borders.features].map(({ properties: p }) => ({ type: "Feature", geometry: { type: "Point", coordinates: p.label }, properties: { name: p.name, level: p.level } }));
    this.map.getSource("names").setData({ type: "FeatureCollection", features: points });
  }

  show(state) {
    if (this.state?.state !== state.state) this.moved = false;
    this.state = state;
    if (!this.map) return;
    if (!this.chosen) this.theme = state.state === "event" ? "call" : "rain";
    this.switches();
    this.ready.then(() => {
      this.layers.fill(state.layers, state.world.id);
      if (!this.box.hidden) this.panel();
      this.colour();
      this.fit();
    }, fault => this.key.replaceChildren(node("p", { class: "alert" }, `底图未取到:${fault.message}`)));
  }

  switches() {
    fill(this.themes, Object.entries(THEMES).map(([name, theme]) => {
      const made = node("button", { "aria-pressed": String(name === this.theme) }, theme.title);
      made.addEventListener("click", () => { this.theme = name; this.chosen = true; this.switches(); this.colour(); });
      return made;
    }));
  }

  colour() {
    const theme = THEMES[this.theme], { areas } = this.state;
    const paint = [...this.names.keys()].flatMap(code => { const hue = theme.colour(areas[code]); return hue ? [code, hue] : []; });
    const said = paint.join();
    if (said !== this.painted) this.map.setPaintProperty("towns", "fill-color", paint.length ? ["match", ["get", "code"], ...paint, "#10294a"] : "#10294a");
    this.painted = said;
    fill(this.key, legend(theme, areas));
  }

  aim(code) {
    if (this.aimed === code) return;
    if (this.aimed) this.map.setFeatureState({ source: "towns", id: this.aimed }, { aim: false });
    if (code) this.map.setFeatureState({ source: "towns", id: code }, { aim: true });
    this.aimed = code;
    this.map.getCanvas().style.cursor = code ? "pointer" : "";
  }

  town(event) {
    if (this.layers.at(event.point)) return;
    const { code, name } = event.features[0].properties, area = this.state.areas[code] ?? {};
    const rows = [["已叫", area.called], ["已应答", area.answered], ["未应答", area.silent], ["累计雨量", area.rain_mm === undefined ? undefined : `${area.rain_mm} mm`]];
    this.popup(event.lngLat, [node("h3", {}, link(area.href, {}, name)), node("dl", {}, rows.map(([k, v]) => node("div", {}, [node("dt", {}, k), node("dd", {}, v === undefined ? "—" : String(v))])))]);
  }

  marker({ properties: p }, at) {
    const rows = [["类别", p.kind], ["数值", p.value], ["状态", p.state], ["地点", p.place]].filter(([, v]) => v !== undefined && v !== null && v !== "" && v !== "null");
    this.popup(at, [
      node("h3", {}, [badge(p.level), p.title]), node("dl", {}, rows.map(([k, v]) => node("div", {}, [node("dt", {}, k), node("dd", {}, String(v))]))),
      p.href ? node("a", { class: "button", href: p.href }, "查看详情") : "",
    ]);
  }

  popup(at, content) {
    this.open?.remove();
    this.open = new maplibre.Popup({ maxWidth: "none", closeButton: true }).setLngLat(at).setDOMContent(node("div", {}, content)).addTo(this.map);
  }

  drawer(open = this.box.hidden) {
    this.box.hidden = !open;
    this.button.setAttribute("aria-expanded", String(open));
    if (open) this.panel();
  }

  panel() { if (this.layers && this.state) this.layers.panel(this.box, this.state.layers, () => this.drawer(false)); }

  close() { this.open?.remove(); this.drawer(false); }
}
