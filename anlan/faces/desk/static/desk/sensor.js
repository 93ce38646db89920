// A sensor's readings as a line that breaks where nothing came, with its limits across.
import * as echarts from "../vendor/echarts/echarts.esm.min.mjs";

const BEIJING = 8 * 3_600_000; // the axis shows the city's time, wherever the browser is
const host = document.getElementById("chart"), said = document.getElementById("chart-said");
const answer = await fetch(host.dataset.url, { headers: { Accept: "application/json" } });
if (!answer.ok) {
  said.textContent = "读数取不到,请刷新再试";
} else {
  const { unit, span, points, gap_ms, limits, count } = await answer.json();
  said.textContent = count ? `${count} 条读数${count > points.length ? ",按时段显示最低和最高" : ""};空白处没有读数` : "这一时段没有读数";
  const low = [], high = [];
  points.forEach(([t, a, b], n) => {
    const at = t + BEIJING;
    if (n && gap_ms && t - points[n - 1][0] > gap_ms) { low.push([at - 1, null]); high.push([at - 1, null]); }
    low.push([at, a]); high.push([at, b]);
  });
  const line = (name, data) => ({ name, type: "line", data, showSymbol: points.length < 60, symbolSize: 4, lineStyle: { width: 1.5 }, connectNulls: false });
  const chart = echarts.init(host, null, { renderer: "canvas" });
  chart.setOption({
    useUTC: true, animation: false, color: ["#12688f", "#12688f"], grid: { left: 8, right: 16, top: 24, bottom: 8, containLabel: true }, tooltip: { trigger: "axis", valueFormatter: v => v == null ? "—" : `${v} ${unit}` },
    xAxis: { type: "time", min: span[0] + BEIJING, max: span[1] + BEIJING, axisLabel: { hideOverlap: true } }, yAxis: { type: "value", name: unit, scale: true },
    series: [{ ...line("读数", high), markLine: { symbol: "none", silent: true, lineStyle: { color: "#555", type: "dashed" }, data: limits.map(([name, y]) => ({ yAxis: y, label: { formatter: name, position: "insideEndTop" } })) } }, ...(count > points.length ? [line("最低", low)] : [])],
  });
  new ResizeObserver(() => chart.resize()).observe(host);
}
