// Line charts in colours that no one can read as a warning level.
import * as echarts from "../vendor/echarts/echarts.esm.min.mjs";
import { parts } from "../desk/clock.js";

const SERIES = ["#58d9f9", "#7cffb2", "#c9a9ff", "#f3f7ff", "#3fa796"];
const kept = new Map();
const unit = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 100;

export function lines(host, line) {
  const chart = echarts.init(host, null, { renderer: "canvas" });
  kept.set(host, { chart, line });
  chart.setOption(option(line));
  new ResizeObserver(() => { if (host.isConnected) { chart.resize(); chart.setOption(option(line)); } }).observe(host);
  for (const [old, { chart: gone }] of kept) if (!old.isConnected) { gone.dispose(); kept.delete(old); }
}

function option({ unit: measure, series }) {
  const u = unit(), text = { color: "#b4cfe9", fontSize: Math.max(11, 16 * u), fontFamily: getComputedStyle(document.body).fontFamily };
  return {
    animation: false, color: SERIES, textStyle: text,
    grid: { left: 8 * u, right: 22 * u, top: 44 * u, bottom: 4 * u, containLabel: true },
    legend: { top: 0, right: 0, icon: "roundRect", itemWidth: 18 * u, itemHeight: 5 * u, textStyle: { ...text, color: "#eef6ff" } },
    tooltip: { trigger: "axis", confine: true, backgroundColor: "#0d2440", borderColor: "#4fd2dd", textStyle: { color: "#eef6ff", fontSize: Math.max(12, 16 * u) }, valueFormatter: v => `${v} ${measure}` },
    xAxis: { type: "time", axisLine: { lineStyle: { color: "#3b6a8c" } }, axisTick: { show: false }, splitNumber: 4, axisLabel: { ...text, hideOverlap: true, formatter: at => parts(at).clock } },
    yAxis: { type: "value", name: measure, nameTextStyle: { ...text, align: "left" }, nameGap: 14 * u, splitNumber: 3, splitLine: { lineStyle: { color: "rgb(120 180 220 / .16)" } }, axisLabel: text },
    series: series.map((s, i) => ({ name: s.name, type: "line", data: s.points, showSymbol: s.points.length < 3, lineStyle: { width: Math.max(1.5, 3 * u), type: i > 4 ? "dashed" : "solid" }, areaStyle: i === 0 ? { opacity: .16 } : undefined })),
  };
}
