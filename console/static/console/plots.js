// Plots that update live, drawn by uPlot.
//
// A page says what to draw in elements; this file draws it, and draws again whenever they change, so that a plot goes
// live by htmx swapping elements over a websocket:
//
//   <figure class="plot" data-plot data-unit="percent" data-span="300">
//     <figcaption>CPU</figcaption>
//     <div data-plot-series id="cpu" hidden>
//       <div data-series="web" id="cpu-web"><data data-points="[[1767225600, 12.5], [1767225601, null]]"></data></div>
//     </div>
//   </figure>
//
// - data-series is a line with its name. Its points are those of its <data> elements, in their order: seconds since
//   1970 and a value, or null where the line is broken. Add points by swapping a <data> in "beforeend" of the series'
//   element, start over by "innerHTML"; add, replace or remove whole series below data-plot-series.
// - data-unit: percent, bytes, seconds, milliseconds, or any word, which is written after the number ("messages").
// - data-span: seconds that are shown, up to the latest point; older points are removed. Without it all are shown.
// - data-shape: line (default), steps or bars.  data-minimum, data-maximum: values that the axis always reaches;
//   it begins at 0 unless data-minimum says otherwise.  data-threshold: a value marked by a line.
//
// The template console/partials/plot.html writes this for a console.plots.Plot, console/partials/plots_head.html
// loads what it needs. Times are UTC, as everywhere in the console.
"use strict";

const PLOT_HEIGHT = 170;
const PLOT_LINES = 6; // colours --plot-1 to --plot-6 and as many kinds of dashes; more lines begin anew
const DASHES = [[], [8, 4], [2, 3], [12, 4, 2, 4], [5, 2], [1, 5]];
const SCALES = {
  bytes: [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"], [0, "B"]],
  seconds: [[1, "s"], [0.001, "ms"], [0, "s"]],
  milliseconds: [[1000, "s", 1000], [0, "ms"]],
};
const BYTES_APART = [...Array(50).keys()].map((power) => 2 ** power);

const drawn = new Map(); // each figure's uPlot, its names and what hears of its size
const waiting = new Set(); // figures to draw in the next frame

function written(value, unit) {
  if (value === null || value === undefined) return "–";
  const [least, name] = (SCALES[unit] ?? []).find(([least]) => Math.abs(value) >= least) ?? [0, unit];
  const scaled = unit in SCALES && least > 0 ? value / least : value;
  const number = scaled.toLocaleString("en", { maximumFractionDigits: Math.abs(scaled) < 10 ? 2 : 1 });
  return unit === "percent" ? `${number} %` : `${number} ${name ?? ""}`.trim();
}

// UTC, no finer than the axis' marks are apart.
function timeWritten(seconds, step) {
  const text = new Date(seconds * 1000).toISOString();
  if (step >= 86400) return text.slice(5, 10);
  return step >= 60 ? text.slice(11, 16) : text.slice(11, 19);
}

function seriesOf(figure) {
  const found = [...figure.querySelectorAll("[data-series]")].map((element) => ({
    name: element.dataset.series,
    chunks: [...element.querySelectorAll("[data-points]")],
  }));
  for (const line of found) line.points = line.chunks.flatMap((chunk) => JSON.parse(chunk.dataset.points));
  const latest = Math.max(...found.flatMap((line) => line.points.slice(-1).map(([at]) => at)));
  const span = Number(figure.dataset.span);
  if (span && Number.isFinite(latest)) {
    for (const line of found) {
      line.points = line.points.filter(([at]) => at >= latest - span);
      for (const chunk of line.chunks) {
        const last = JSON.parse(chunk.dataset.points).at(-1);
        if (last && last[0] < latest - span) chunk.remove();
      }
    }
  }
  return found;
}

// All lines on the same times; a time that a line lacks does not break it.
function aligned(lines) {
  if (!lines.length) return [[], []];
  return uPlot.join(lines.map(({ points }) => [points.map(([at]) => at), points.map(([, value]) => value)]));
}

function colour(figure, name) {
  return getComputedStyle(figure).getPropertyValue(name).trim();
}

function pathsOf(shape) {
  if (shape === "steps") return uPlot.paths.stepped({ align: 1 });
  if (shape === "bars") return uPlot.paths.bars({ size: [0.8, 40] });
  return uPlot.paths.linear();
}

function markThreshold(figure) {
  const threshold = Number(figure.dataset.threshold);
  return (plot) => {
    if (!figure.dataset.threshold) return;
    const y = plot.valToPos(threshold, "y", true);
    plot.ctx.save();
    plot.ctx.strokeStyle = colour(figure, "--bad");
    plot.ctx.setLineDash([6, 4]);
    plot.ctx.beginPath();
    plot.ctx.moveTo(plot.bbox.left, y);
    plot.ctx.lineTo(plot.bbox.left + plot.bbox.width, y);
    plot.ctx.stroke();
    plot.ctx.restore();
  };
}

function options(figure, lines, host) {
  const { unit = "", shape = "line", minimum, maximum, threshold } = figure.dataset;
  const axis = { stroke: colour(figure, "--soft"), grid: { stroke: colour(figure, "--line"), width: 1 }, ticks: { show: false } };
  const least = Number(minimum ?? 0);
  const reached = [maximum, threshold].filter((each) => each !== undefined && each !== "").map(Number);
  return {
    width: host.clientWidth || 300,
    height: Number(figure.dataset.height) || PLOT_HEIGHT,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    scales: {
      x: { range: (_, from, to) => shownTimes(figure, from, to) },
      y: { range: (_, from, to) => shownValues(Math.min(least, from ?? least), Math.max(...reached, to ?? 0)) },
    },
    axes: [
      { ...axis, space: 70, size: 30, values: (_, marks, __, ___, step) => marks.map((mark) => timeWritten(mark, step)) },
      { ...axis, size: 72, incrs: unit === "bytes" ? BYTES_APART : undefined, values: (_, marks) => marks.map((mark) => written(mark, unit)) },
    ],
    series: [
      {},
      ...lines.map((line, index) => ({
        label: line.name,
        stroke: colour(figure, `--plot-${(index % PLOT_LINES) + 1}`),
        fill: shape === "bars" ? colour(figure, `--plot-${(index % PLOT_LINES) + 1}`) : undefined,
        dash: DASHES[index % PLOT_LINES],
        width: 1.75,
        paths: pathsOf(shape),
        points: { show: (_, __, first, last) => shape === "line" && first === last },
      })),
    ],
    hooks: { setCursor: [(plot) => tell(figure, plot)], draw: [markThreshold(figure)] },
  };
}

function shownTimes(figure, from, to) {
  if (from === null || from === undefined) return [Date.now() / 1000 - 60, Date.now() / 1000];
  const span = Number(figure.dataset.span);
  // A little more than the latest point, which is drawn whole then.
  return span ? [to - span, to + span / 100] : [from, Math.max(to, from + 1)];
}

function shownValues(from, to) {
  return [from, to > from ? from + (to - from) * 1.08 : from + 1];
}

// The legend: each line's value under the cursor, else its latest.
function tell(figure, plot) {
  const { lines, legend } = drawn.get(figure) ?? {};
  if (!legend) return;
  const index = plot.cursor.idx;
  lines.forEach((line, number) => {
    const under = index === null || index === undefined ? undefined : plot.data[number + 1]?.[index];
    const value = under ?? line.points.at(-1)?.[1];
    legend.children[number].querySelector("b").textContent = written(value, figure.dataset.unit);
  });
}

function legendOf(lines) {
  const legend = document.createElement("ul");
  legend.className = "plot-legend";
  lines.forEach((line, index) => {
    const item = document.createElement("li");
    item.className = `plot-line-${(index % PLOT_LINES) + 1}`;
    item.append(line.name, " ", document.createElement("b"));
    legend.append(item);
  });
  return legend;
}

function begin(figure, lines) {
  end(figure);
  const host = document.createElement("div");
  host.className = "plot-canvas";
  const legend = legendOf(lines);
  figure.append(host, legend);
  const plot = new uPlot(options(figure, lines, host), aligned(lines), host);
  const sizes = new ResizeObserver(() => {
    if (host.clientWidth && host.clientWidth !== plot.width) plot.setSize({ width: host.clientWidth, height: plot.height });
  });
  sizes.observe(host);
  drawn.set(figure, { plot, host, legend, sizes, lines, names: JSON.stringify(lines.map((line) => line.name)) });
}

function end(figure) {
  const { plot, host, legend, sizes } = drawn.get(figure) ?? {};
  if (!plot) return;
  sizes.disconnect();
  plot.destroy();
  host.remove();
  legend.remove();
  drawn.delete(figure);
}

function draw(figure) {
  const lines = seriesOf(figure);
  figure.classList.toggle("plot-waits", !lines.some((line) => line.points.length));
  const known = drawn.get(figure);
  if (known?.names === JSON.stringify(lines.map((line) => line.name))) {
    known.lines = lines;
    known.plot.setData(aligned(lines));
  } else {
    begin(figure, lines);
  }
  tell(figure, drawn.get(figure).plot);
}

function drawSoon(figure) {
  if (!waiting.size) requestAnimationFrame(drawWaiting);
  waiting.add(figure);
}

function drawWaiting() {
  const figures = [...waiting];
  waiting.clear();
  for (const figure of figures) {
    if (figure.isConnected) draw(figure);
    else end(figure);
  }
}

function redrawAll() {
  for (const figure of [...drawn.keys()]) {
    end(figure);
    drawSoon(figure);
  }
}

new MutationObserver((mutations) => {
  for (const { target, addedNodes } of mutations) {
    if (target.closest?.("[data-plot-series]")) drawSoon(target.closest("[data-plot]"));
    for (const node of addedNodes) node.querySelectorAll?.("[data-plot]").forEach(drawSoon);
  }
  for (const figure of [...drawn.keys()]) if (!figure.isConnected) end(figure);
}).observe(document.body, { childList: true, subtree: true });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
document.querySelectorAll("[data-plot]").forEach(drawSoon);
