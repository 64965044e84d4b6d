// The tables of plots/ and results/ as charts.

const OURS = "#b5382a", PEER = "#8a8f98";
const PALETTE = ["#b5382a", "#1f5a7a", "#4d8b57", "#c58a1c", "#6b4c8a", "#3b82a8", "#a83279"];
const RESOLUTIONS = { exact: "#1f5a7a", inferred: "#4d8b57", ambiguous: "#c58a1c", external: PEER };
const CONFIG = { responsive: true, displaylogo: false };
const BASE = { font: { family: "system-ui, sans-serif", size: 12 }, margin: { l: 10, r: 20, t: 36, b: 40 } };
const words = (text) => text.replaceAll("_", " ");

function drawRelations(counts) {
  const traces = counts.resolutions.map((resolution, at) => ({
    type: "bar", orientation: "h", name: resolution, y: counts.relations, x: counts.triples[at],
    marker: { color: RESOLUTIONS[resolution] ?? PALETTE[at % PALETTE.length] },
  }));
  Plotly.newPlot("relations", traces, {
    ...BASE, barmode: "stack", height: 140 + 20 * counts.relations.length, title: { text: "Triples by relation" },
    xaxis: { title: { text: "triples" } }, yaxis: { automargin: true }, legend: { traceorder: "normal" },
  }, CONFIG);
}

function drawCurves(table) {
  const terms = Object.keys(table).filter((name) => name.startsWith("loss") && table[name].some((one) => one !== null));
  const traces = terms.map((term, at) => ({
    type: "scatter", mode: "lines", name: term, x: table.step, y: table[term],
    line: { color: PALETTE[at % PALETTE.length], width: 1.6 },
  }));
  traces.push({ type: "scatter", mode: "lines", name: "learning rate", x: table.step, y: table.learning_rate, yaxis: "y2",
                line: { color: PEER, width: 1, dash: "dot" } });
  Plotly.newPlot("curves", traces, {
    ...BASE, height: 420, title: { text: "Loss and its terms" }, xaxis: { title: { text: "step" } },
    yaxis: { title: { text: "nats" }, type: "log", automargin: true },
    yaxis2: { title: { text: "learning rate" }, overlaying: "y", side: "right", showgrid: false, automargin: true,
              tickmode: "auto" },
    legend: { orientation: "h", y: -0.18 },
  }, CONFIG);
}

// Values with the ends of their intervals; a bare point where the table has none.
function points(rows, value, label, colour) {
  const end = (row, name) => Math.max(0, row[name] === null ? 0 : Math.abs(row[name] - row[value]));
  return {
    type: "scatter", mode: "markers", x: rows.map((row) => row[value]), y: rows.map(label),
    marker: { size: 8, color: rows.map(colour) },
    error_x: { type: "data", symmetric: false, array: rows.map((row) => end(row, "high")),
               arrayminus: rows.map((row) => end(row, "low")), color: PEER, thickness: 1.4, width: 3 },
    text: rows.map((row) => row.verdict ?? ""), hovertemplate: "%{y}: %{x:.4f} %{text}<extra></extra>", showlegend: false,
  };
}

function panel(parent, title, rows, trace, axis) {
  const chart = document.createElement("div");
  document.getElementById(parent).append(chart);
  Plotly.newPlot(chart, [trace], {
    ...BASE, height: 96 + 24 * rows.length, title: { text: title, font: { size: 13 } },
    xaxis: { zeroline: true, automargin: true, ...axis }, yaxis: { automargin: true, autorange: "reversed" },
  }, CONFIG);
}

function grouped_by(rows, key) {
  const groups = new Map();
  for (const row of rows) groups.set(key(row), [...(groups.get(key(row)) ?? []), row]);
  return groups;
}

function drawTasks(rows) {
  const groups = grouped_by(rows, (row) => `${words(row.task)}: ${words(row.setting)} (${row.figure})`);
  for (const [title, group] of groups) {
    group.sort((a, b) => b.value - a.value || (a.scorer < b.scorer ? -1 : 1));
    const colour = (row) => (row.ours ? OURS : PEER);
    panel("panels", title, group, points(group, "value", (row) => row.scorer, colour), { range: [0, 1] });
  }
}

function drawForest({ rows, baseline, source }) {
  document.getElementById("ablation-note").textContent =
    `Each row's paired difference to ${baseline}, with its interval; from ${source}. Red: the verdict says that it differs.`;
  for (const [measure, group] of grouped_by(rows, (row) => row.measure)) {
    const title = `${measure}, ${group[0].seeds} seeds`;
    const colour = (row) => (row.verdict.endsWith("than the baseline") ? OURS : PEER);
    panel("forest", title, group, points(group, "difference", (row) => words(row.row), colour),
          { title: { text: `difference to ${baseline}` } });
  }
}
