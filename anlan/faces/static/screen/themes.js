// What the town cells say. Both scales avoid the four warning hues.
import { node } from "./draw.js";

const RAIN = [[0.1, "#133a4c", "0.1"], [10, "#17586a", "10"], [25, "#1b7a80", "25"], [50, "#3b9f93", "50"], [100, "#79c4a8", "100"], [150, "#b6e2c4", "150"], [200, "#eefae2", "200"]];
const SILENT = [[0.0001, "#5b3566", ">0"], [0.05, "#8a3f86", "5%"], [0.15, "#bd559f", "15%"], [0.3, "#f08cc6", "30%"]];
const HEARD = "#1c6a5c", WAITING = "#3d5570";

const step = (scale, value) => scale.findLast(([from]) => value >= from)?.[1];
const swatch = (hue, word) => node("li", {}, [node("i", { style: `background:${hue}` }), word]);

export const THEMES = {
  call: {
    title: "叫应",
    unit: "未应答占比",
    colour: area => {
      if (!area?.called) return null;
      if (area.silent) return step(SILENT, area.silent / area.called);
      return area.answered < area.called ? WAITING : HEARD;
    },
    key: () => [swatch(HEARD, "全部应答"), swatch(WAITING, "待应答"), ...SILENT.map(([, hue, word]) => swatch(hue, word)), swatch("#10294a", "未叫")],
  },
  rain: {
    title: "雨量",
    unit: "累计雨量 mm",
    colour: area => (area?.rain_mm === undefined ? null : step(RAIN, area.rain_mm)),
    key: () => [...RAIN.map(([, hue, word]) => swatch(hue, word)), swatch("#10294a", "无雨或无站")],
  },
};

export function legend(theme, areas) {
  const some = Object.values(areas).some(area => theme.colour(area));
  return [node("h3", {}, `图例 ${theme.unit}`), node("ul", {}, theme.key()), some ? "" : node("p", { class: "none" }, "本专题暂无数据")];
}
