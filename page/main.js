// Reads the data, fills the sections, and follows the address: #symbol=package/qualified.name opens a neighbourhood,
// #symbol=package/qualified.name&nth=2 that of the second entity of the name.

const MAX_ROWS = 2000; // of the table; the search is narrowed past that
const SYMBOL = "#symbol=", NTH = "&nth=";

function facts(id, pairs) {
  for (const [term, value] of pairs) {
    const box = document.createElement("div");
    box.append(Object.assign(document.createElement("dt"), { textContent: term }),
               Object.assign(document.createElement("dd"), { textContent: value }));
    document.getElementById(id).append(box);
  }
}

function options(id, values) {
  for (const value of [...values].sort()) {
    document.getElementById(id).append(new Option(value, value));
  }
}

function entityTable(graph, open) {
  const row = (entity) => ({ id: entity, name: graph.qualified[entity], type: graph.type.at(entity),
                             where: graph.where(entity), triples: graph.degree(entity) });
  const field = (id) => document.getElementById(id);
  const matches = () => graph.search(field("search").value, field("type").value, field("package").value);
  const rows = () => {
    const found = matches();
    const more = found.length > MAX_ROWS ? `, the first ${MAX_ROWS.toLocaleString("en")} are shown` : "";
    field("found").dataset.words = field("search").value;
    field("found").textContent = `${found.length.toLocaleString("en")} entities${more}`;
    return found.slice(0, MAX_ROWS).map(row);
  };
  const table = new Tabulator("#entity-table", {
    data: rows(), layout: "fitColumns", height: "380px", placeholder: "no entity with these words",
    columns: [
      { title: "entity", field: "name", widthGrow: 3 },
      { title: "type", field: "type", width: 130 },
      { title: "where", field: "where", widthGrow: 2 },
      { title: "triples", field: "triples", width: 100, hozAlign: "right", sorter: "number" },
    ],
  });
  table.on("rowClick", (_event, clicked) => open(clicked.getData().id));
  let waiting;
  const refresh = () => { clearTimeout(waiting); waiting = setTimeout(() => table.setData(rows()), 120); };
  for (const id of ["search", "type", "package"]) field(id).addEventListener("input", refresh);
  field("search-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const [first] = matches();
    if (first !== undefined) open(first);
  });
}

function shown(value) {
  return typeof value === "number" ? value.toLocaleString("en", { maximumFractionDigits: 4 }) : value ?? "";
}

function plainTable(id, rows, titles) {
  const columns = titles.map(([field, title]) => ({
    field, title, hozAlign: typeof rows[0]?.[field] === "number" ? "right" : "left",
    formatter: (cell) => document.createTextNode(shown(cell.getValue())),
  }));
  return new Tabulator(id, { data: rows, layout: "fitColumns", maxHeight: "420px", columns });
}

// An address that somebody cut off in the middle is looked up as it stands.
function decoded(text) {
  try { return decodeURIComponent(text); } catch { return text; }
}

function start(data) {
  const graph = new Graph(data.graph);
  for (const part of document.querySelectorAll("[data-needs]")) part.hidden = !data[part.dataset.needs];
  const address = (entity) => {
    const package_ = graph.package.at(entity), name = graph.qualified[entity];
    const nth = graph.named(package_, name).indexOf(entity) + 1;
    return `${SYMBOL}${encodeURIComponent(`${package_}/${name}`)}${nth > 1 ? `${NTH}${nth}` : ""}`;
  };
  const view = new Neighbourhood(graph, (entity) => { location.hash = address(entity); });
  const follow = () => {
    if (!location.hash.startsWith(SYMBOL)) return;
    // A name holds no "&": it is encoded.
    const [place, nth = "1"] = location.hash.slice(SYMBOL.length).split(NTH);
    const asked = decoded(place);
    const found = graph.named(asked.slice(0, asked.indexOf("/")), asked.slice(asked.indexOf("/") + 1));
    const entity = found[Number(nth) - 1];
    if (entity === undefined) {
      document.getElementById("found").textContent = `no entity ${asked} in this graph`;
      return;
    }
    view.show(entity);
    document.getElementById("neighbourhood").scrollIntoView({ block: "start" });
  };
  window.addEventListener("hashchange", follow);
  Object.assign(window, { graph, view }); // for the console, and for tests
  facts("facts", data.facts);
  drawRelations(data.relations);
  plainTable("#packages", data.packages, [["package", "package"], ["languages", "languages"], ["split", "split"],
    ["licence", "licence"], ["files", "files"], ["entities", "entities"], ["triples", "triples"]]);
  options("type", graph.type.values);
  options("package", graph.package.values.filter(Boolean));
  entityTable(graph, (entity) => { location.hash = address(entity); });
  if (data.train) { facts("train-facts", data.train.facts); drawCurves(data.train.curve); }
  if (data.tasks) {
    for (const verdict of data.tasks.verdicts) {
      document.getElementById("verdicts").append(Object.assign(document.createElement("li"), { textContent: verdict }));
    }
    drawTasks(data.tasks.rows);
    plainTable("#task-table", data.tasks.rows, [["task", "task"], ["setting", "setting"], ["scorer", "scorer"],
      ["figure", "figure"], ["value", "value"], ["low", "low"], ["high", "high"], ["queries", "queries"]]);
  }
  if (data.ablation) drawForest(data.ablation);
  follow();
  document.documentElement.dataset.ready = "yes";
}

start(JSON.parse(document.getElementById("data").textContent));
