// The graph as flat arrays: columns come as base64 of little-endian numbers, texts as lists.

const WIDTHS = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, f4: Float32Array };

function numbers({ width, base64 }) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return new WIDTHS[width](bytes.buffer);
}

// A column of few different texts: at(row) gives the text.
class Coded {
  constructor({ values, codes }) {
    this.values = values;
    this.codes = numbers(codes);
  }
  at(row) { return this.values[this.codes[row]]; }
}

class Graph {
  constructor(data) {
    const { entities, triples } = data;
    this.size = entities.name.length;
    this.name = entities.name;
    this.qualified = entities.qualified_name;
    for (const column of ["type", "language", "package", "file"]) this[column] = new Coded(entities[column]);
    this.line = numbers(entities.line);
    this.external = numbers(entities.external);
    this.signatures = new Map(entities.signature);
    this.docstrings = new Map(entities.docstring);
    this.head = numbers(triples.head);
    this.tail = numbers(triples.tail);
    for (const column of ["relation", "resolution", "source"]) this[column] = new Coded(triples[column]);
    this.tripleFile = new Coded(triples.file);
    this.tripleLine = numbers(triples.line);
    this.confidence = numbers(triples.confidence);
    this.from = grouped(this.head, this.size);
    this.to = grouped(this.tail, this.size);
    this.lower = this.qualified.map((text) => text.toLowerCase());
  }

  degree(entity) { return this.from.count(entity) + this.to.count(entity); }

  where(entity) {
    if (this.external[entity]) return "external";
    return `${this.package.at(entity)}: ${this.file.at(entity)}:${this.line[entity]}`;
  }

  // The entities of that name in a package, in their order: overloads and a property's functions share one.
  named(package_, qualified) {
    const found = [];
    for (let entity = 0; entity < this.size; entity++) {
      if (this.qualified[entity] === qualified && this.package.at(entity) === package_) found.push(entity);
    }
    return found;
  }

  // Every triple of an entity, its own first: {triple, other, out}. A triple with itself is there once.
  *triplesOf(entity) {
    for (const triple of this.from.of(entity)) yield { triple, other: this.tail[triple], out: true };
    for (const triple of this.to.of(entity)) {
      if (this.head[triple] !== entity) yield { triple, other: this.head[triple], out: false };
    }
  }

  // Entities whose qualified name holds the words, best first: the name itself, its start, its end, then by triples.
  search(text, type, package_) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const found = [];
    for (let entity = 0; entity < this.size; entity++) {
      if (type && this.type.at(entity) !== type) continue;
      if (package_ && this.package.at(entity) !== package_) continue;
      const lower = this.lower[entity];
      if (words.every((word) => lower.includes(word))) found.push([this.rank(entity, words), entity]);
    }
    found.sort((a, b) => a[0] - b[0] || this.degree(b[1]) - this.degree(a[1]) || a[1] - b[1]);
    return found.map(([, entity]) => entity);
  }

  rank(entity, words) {
    const word = words[words.length - 1];
    if (word === undefined) return 0;
    const lower = this.lower[entity], name = this.name[entity].toLowerCase();
    if (lower === word || name === word) return 0;
    return lower.endsWith(`.${word}`) || lower.endsWith(`/${word}`) ? 1 : name.startsWith(word) ? 2 : 3;
  }
}

// Triples by one of their ends, by counting: no list an entity is kept.
function grouped(ends, size) {
  const offsets = new Uint32Array(size + 1);
  for (const end of ends) offsets[end + 1]++;
  for (let at = 0; at < size; at++) offsets[at + 1] += offsets[at];
  const next = offsets.slice(), order = new Uint32Array(ends.length);
  for (let triple = 0; triple < ends.length; triple++) order[next[ends[triple]]++] = triple;
  return {
    of: (entity) => order.subarray(offsets[entity], offsets[entity + 1]),
    count: (entity) => offsets[entity + 1] - offsets[entity],
  };
}
