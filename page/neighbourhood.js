// One symbol, what it points to and what points to it, as a picture and as a table.

const FIRST_SHOWN = 30;
const MAX_FIT = 1.5; // zoom; scrolling goes further
const COLOURS = {
  Function: "#1f5a7a", Method: "#3b82a8", Class: "#b5382a", Interface: "#d0705f", Module: "#4d8b57", File: "#7fae86",
  Type: "#c58a1c", Variable: "#9aa3ad", Test: "#6b4c8a", ExceptionType: "#a83279", API: "#5c6670", Library: "#2f3a45",
  Annotation: "#8c6d31", BuildTarget: "#555", Repository: "#111",
};

class Neighbourhood {
  constructor(graph, open) {
    this.graph = graph;
    this.open = open;
    this.limit = FIRST_SHOWN;
    document.getElementById("more").addEventListener("click", () => { this.limit *= 2; this.draw(); });
    document.getElementById("fit").addEventListener("click", () => this.fit());
  }

  show(entity) {
    this.entity = entity;
    this.limit = FIRST_SHOWN;
    document.getElementById("neighbourhood").hidden = false;
    this.describe();
    this.draw();
    this.list();
  }

  describe() {
    const { graph, entity } = this;
    document.getElementById("symbol").textContent = graph.qualified[entity];
    document.getElementById("where").textContent = `${graph.type.at(entity)} · ${graph.where(entity)}`;
    document.getElementById("signature").textContent = graph.signatures.get(entity) ?? "";
    document.getElementById("docstring").textContent = graph.docstrings.get(entity) ?? "";
  }

  // Neighbours in the order in which they are shown: surest triples first, and of these in turn one that it points to
  // and one that points to it, each in the graph's order.
  neighbours() {
    const best = new Map(), turns = new Map();
    for (const { triple, other, out } of this.graph.triplesOf(this.entity)) {
      if (other === this.entity) continue;
      const known = best.get(other) ?? { confidence: 0, out: false };
      best.set(other, { confidence: Math.max(known.confidence, this.graph.confidence[triple]), out: known.out || out });
    }
    for (const one of best.values()) {
      const kind = `${one.out} ${one.confidence}`;
      one.turn = turns.get(kind) ?? 0;
      turns.set(kind, one.turn + 1);
    }
    return [...best].sort(([a, one], [b, other]) =>
      other.confidence - one.confidence || one.turn - other.turn || other.out - one.out || a - b);
  }

  draw() {
    const all = this.neighbours(), shown = all.slice(0, this.limit);
    const ring = new Map(shown.map(([other, { out }]) => [other, out ? 2 : 1]));
    ring.set(this.entity, 3);
    document.getElementById("shown").textContent =
      `${shown.length.toLocaleString("en")} of ${all.length.toLocaleString("en")} neighbours.`;
    document.getElementById("more").hidden = shown.length === all.length;
    this.picture?.destroy();
    const container = document.getElementById("picture");
    const outer = shown.filter(([, { out }]) => !out).length;
    this.picture = cytoscape({
      container,
      elements: [...this.nodes(ring), ...this.edges(ring)],
      style: STYLE,
      layout: { name: "concentric", concentric: (node) => node.data("ring"), levelWidth: () => 1,
                minNodeSpacing: 34, startAngle: 0, padding: 20,
                transform: (node, at) => node.data("ring") === 1 ? turned(at, container, Math.PI / outer) : at },
      minZoom: 0.1,
      maxZoom: 4,
    });
    this.fit();
    this.picture.on("tap", "node", (event) => this.open(Number(event.target.id())));
    this.picture.getElementById(String(this.entity)).addClass("centre");
  }

  // All in view; few symbols are not blown up.
  fit() {
    this.picture.fit(undefined, 20);
    if (this.picture.zoom() > MAX_FIT) this.picture.zoom(MAX_FIT);
    this.picture.center();
  }

  *nodes(ring) {
    for (const [entity, level] of ring) {
      const colour = COLOURS[this.graph.type.at(entity)] ?? "#5c6670";
      yield { data: { id: String(entity), label: this.graph.name[entity], ring: level, colour } };
    }
  }

  // Triples among all that are shown, not only those of the symbol itself; one line for all from one to another.
  *edges(ring) {
    for (const source of ring.keys()) {
      const lines = new Map();
      for (const triple of this.graph.from.of(source)) {
        const target = this.graph.tail[triple];
        if (ring.has(target)) lines.set(target, [...(lines.get(target) ?? []), triple]);
      }
      for (const [target, triples] of lines) {
        const own = source === this.entity || target === this.entity;
        const relations = new Set(triples.map((triple) => this.graph.relation.at(triple)));
        yield { data: { id: `${source}-${target}`, source: String(source), target: String(target),
                        label: own ? [...relations].join(", ") : "",
                        sure: Math.max(...triples.map((triple) => this.graph.confidence[triple])) },
                classes: own ? "own" : "" };
      }
    }
  }

  list() {
    const { graph } = this;
    const rows = [...graph.triplesOf(this.entity)].map(({ triple, other, out }) => ({
      id: triple, other, out: out ? "→" : "←", relation: graph.relation.at(triple), name: graph.qualified[other],
      type: graph.type.at(other), where: `${graph.tripleFile.at(triple)}:${graph.tripleLine[triple]}`,
      confidence: graph.confidence[triple], resolution: graph.resolution.at(triple), source: graph.source.at(triple),
    }));
    this.table?.destroy();
    this.table = new Tabulator("#triples", {
      data: rows, layout: "fitColumns", maxHeight: "360px", placeholder: "no triples",
      columns: [
        { title: "", field: "out", width: 40, headerSort: false },
        { title: "relation", field: "relation", width: 130 },
        { title: "entity", field: "name", widthGrow: 3 },
        { title: "type", field: "type", width: 120 },
        { title: "where", field: "where", widthGrow: 2 },
        { title: "confidence", field: "confidence", width: 125, hozAlign: "right",
          formatter: (cell) => cell.getValue().toFixed(2) },
        { title: "resolution", field: "resolution", width: 125 },
        { title: "source", field: "source", width: 140 },
      ],
    });
    this.table.on("rowClick", (_event, row) => this.open(row.getData().other));
  }
}

// The outer ring starts half a step on, so that its first symbol does not hide behind the inner ring's.
function turned({ x, y }, { clientWidth, clientHeight }, angle) {
  const right = x - clientWidth / 2, down = y - clientHeight / 2;
  return { x: clientWidth / 2 + right * Math.cos(angle) - down * Math.sin(angle),
           y: clientHeight / 2 + right * Math.sin(angle) + down * Math.cos(angle) };
}

const STYLE = [
  { selector: "node", style: {
    "background-color": "data(colour)", label: "data(label)", "font-size": 10, width: 16, height: 16, color: "#1d2329",
    "text-valign": "bottom", "text-margin-y": 3, "text-max-width": 110, "text-wrap": "ellipsis" } },
  { selector: "node.centre", style: { width: 30, height: 30, "font-size": 13, "font-weight": "bold",
    "border-width": 3, "border-color": "#1d2329" } },
  { selector: "edge", style: {
    width: 0.8, "line-color": "#d9dde2", "target-arrow-color": "#d9dde2", "target-arrow-shape": "triangle",
    "curve-style": "bezier", "arrow-scale": 0.7 } },
  { selector: "edge.own", style: {
    width: 1.4, "line-color": "#8a8f98", "target-arrow-color": "#8a8f98", label: "data(label)", "font-size": 8,
    color: "#5c6670", "text-rotation": "autorotate", "text-background-color": "#fff", "text-background-opacity": 0.8 } },
  { selector: "edge.own[sure < 1]", style: { "line-style": "dashed" } },
];
