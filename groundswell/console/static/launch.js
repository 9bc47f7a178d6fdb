// Draws the daily curve of a launch; without it the table below says the same.
(() => {
  "use strict";
  const place = document.getElementById("curve");
  if (!place || typeof uPlot === "undefined") return;
  const series = JSON.parse(place.dataset.series);
  const zone = place.dataset.zone;
  const at = (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone);
  const short = (seconds) => {
    const d = at(seconds);
    return `${d.getMonth() + 1}/${d.getDate()}`;
  };
  let chart = null;

  function draw() {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    if (chart) chart.destroy();
    chart = new uPlot({
      width: place.clientWidth,
      height: 210,
      tzDate: at,
      cursor: { drag: { x: false, y: false } },
      legend: { live: false },
      scales: { x: { range: (u, low, high) => [low - 57600, high + 57600] }, y: { range: (u, low, high) => [0, Math.max(4, high * 1.1)] } },
      axes: [
        { ...axis, space: 56, incrs: [1, 2, 3, 7, 14, 28].map((days) => days * 86400), values: (u, ticks) => ticks.map(short) },
        { ...axis, size: 36, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] },
      ],
      series: [
        { label: "日期" },
        { label: "提及", stroke: colour("--accent"), width: 1, fill: colour("--bar"), paths: uPlot.paths.bars({ size: [0.8, 72] }), points: { show: false } },
        { label: "负面", stroke: colour("--soft"), width: 2, paths: () => null, points: { show: true, size: 7, width: 2, fill: colour("--card") } },
      ],
    }, [series.hours, series.mentions, series.authors], place);
  }

  draw();
  let width = place.clientWidth;
  new ResizeObserver(() => {
    if (place.clientWidth !== width) {
      width = place.clientWidth;
      chart.setSize({ width, height: 210 });
    }
  }).observe(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();
