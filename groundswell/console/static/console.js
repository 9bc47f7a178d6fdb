// Draws the hourly curve on the incident page; without it the table below says the same.
(() => {
  "use strict";
  const place = document.getElementById("curve");
  if (!place || typeof uPlot === "undefined") return;
  const series = JSON.parse(place.dataset.series);
  const zone = place.dataset.zone;
  const events = JSON.parse(place.dataset.events || "[]");
  const answers = JSON.parse(place.dataset.answers || "[]");
  const two = (n) => String(n).padStart(2, "0");
  const at = (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone);
  const short = (seconds) => {
    const d = at(seconds);
    return d.getHours() === 0 ? `${d.getMonth() + 1}/${d.getDate()}` : `${two(d.getHours())}:00`;
  };
  let chart = null;

  // Events of the calendar are shaded behind the bars, each with its name.
  function shade(u, fill, ink) {
    const { ctx, bbox } = u;
    const edge = (seconds) => Math.min(Math.max(u.valToPos(seconds, "x", true), bbox.left), bbox.left + bbox.width);
    ctx.save();
    ctx.font = `${Math.round(11 * devicePixelRatio)}px system-ui, sans-serif`;
    ctx.textBaseline = "top";
    events.forEach(({ name, from, to }, n) => {
      const [left, right] = [edge(from), edge(to)];
      if (right - left < 1) return;
      ctx.globalAlpha = 0.13;
      ctx.fillStyle = fill;
      ctx.fillRect(left, bbox.top, right - left, bbox.height);
      ctx.globalAlpha = 1;
      ctx.fillStyle = ink;
      ctx.fillText(name, left + 4, bbox.top + 2 + (n % 3) * 14 * devicePixelRatio, bbox.left + bbox.width - left - 4);
    });
    ctx.restore();
  }

  // Answers in public stand as dashed lines over the bars.
  function mark(u, ink) {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.strokeStyle = ink;
    ctx.lineWidth = 1.5 * devicePixelRatio;
    ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
    for (const seconds of answers) {
      const x = u.valToPos(seconds, "x", true);
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  }

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
      hooks: {
        drawClear: [(u) => shade(u, colour("--accent"), colour("--soft"))],
        draw: [(u) => mark(u, colour("--ink"))],
      },
      scales: { x: { range: (u, low, high) => [low - 2400, high + 2400] }, y: { range: (u, low, high) => [0, Math.max(4, high * 1.1)] } },
      axes: [
        { ...axis, space: 56, incrs: [1, 2, 3, 6, 12, 24, 48].map((hours) => hours * 3600), values: (u, ticks) => ticks.map(short) },
        { ...axis, size: 36, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] },
      ],
      series: [
        { label: "时间" },
        { label: "提及", stroke: colour("--accent"), width: 1, fill: colour("--bar"), paths: uPlot.paths.bars({ size: [0.8, 72] }), points: { show: false } },
        { label: "作者", stroke: colour("--soft"), width: 2, paths: () => null, points: { show: true, size: 7, width: 2, fill: colour("--card") } },
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
