import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest

from graphmer.artifacts import write_json, write_text
from graphmer.errors import ArtifactError, EvaluationError
from graphmer.evaluate.cloze import ORDERS, REACH, ContextIndex, Order, context_keys, keys_around
from graphmer.evaluate.code_stream import build_stream
from graphmer.evaluate.config import BootstrapParams
from graphmer.evaluate.graph_tasks import predict_links
from graphmer.evaluate.link_config import LinkParams
from graphmer.evaluate.link_figures import headline_metrics, link_figures
from graphmer.evaluate.link_prediction import LinkData, LinkTask, load_link_data
from graphmer.evaluate.names import shape, subtokens
from graphmer.evaluate.package_view import build_views, find_hole, without_support
from graphmer.evaluate.pykeen_export import export_pykeen
from graphmer.evaluate.queries import SETTINGS, build_queries
from graphmer.evaluate.ranking import chance_mrr
from graphmer.evaluate.symbolic import COLUMN, SymbolicFeatures
from graphmer.ontology.vocabulary import load_ontology
from graphmer.pack.documented import pair_arrays
from graphmer.pack.shards import LAYOUT_VERSION, EntityArrays, SplitArrays, samples_schema
from graphmer.pack.tokenizer import CodeTokenizer

PARAMS = LinkParams(
    max_queries=40,
    max_fit_queries=40,
    min_candidates=10,
    max_holes=4,
    cloze_prior=2.0,
    file_cache=0.3,
    sibling_prior=2.0,
    near_tokens=10,
    l2=1.0,
    relation_l2=10.0,
    min_relation_queries=1000,
    negatives=20,
    max_iterations=500,
    boosting_rounds=10,
    boosting_rate=0.1,
    boosting_leaves=7,
    boosting_l2=1.0,
    seed=0,
)
BOOTSTRAP = BootstrapParams(resamples=200, confidence=0.95, packages_from=20, seed=0)
NOUNS = ("fish", "bird", "tree", "stone", "river", "cloud", "lamp", "chair", "table", "ship", "train", "horse")
VERBS = ("open", "close", "paint")
FILES = 6


def library(verb):
    """A module that defines one function a noun."""
    return "".join(f"def {verb}_{noun}(path):\n    return path + 1\n\n" for noun in NOUNS)


def worker(package, number):
    """A module whose functions call the library: in a file, mostly the same verb, on the nouns that a draw gives."""
    draw = np.random.default_rng([number, len(package)])
    verb = VERBS[number % len(VERBS)]
    lines, calls = [], []
    for job in range(5):
        nouns = draw.choice(NOUNS, size=4, replace=False)
        lines.append(f"def job_{number}_{job}(path):")
        for noun in nouns:
            name = f"{verb}_{noun}" if draw.random() < 0.8 else f"{VERBS[(number + 1) % 3]}_{noun}"
            lines.append(f"    {noun} = {name}(path)")
            calls.append((f"job_{number}_{job}", name))
        lines.append("    print(path)\n")
    imports = sorted({name for _, name in calls})
    head = "".join(f"from {name.split('_')[0]} import {name}\n" for name in imports)
    return head + "\n" + "\n".join(lines), imports, calls


class Corpus:
    """Files, entities and triples of a small made-up package, in the pipeline's own tables."""

    def __init__(self):
        self.files, self.entities, self.triples = {}, {}, []

    def add_package(self, package, split):
        for verb in VERBS:
            file = f"{verb}.py"
            self.files[package, file] = (split, library(verb))
            for noun in NOUNS:
                self._entity("Function", package, file, f"{verb}_{noun}")
        for number in range(FILES):
            file = f"work/w{number}.py"
            text, imports, calls = worker(package, number)
            self.files[package, file] = (split, text)
            self._entity("File", package, file, "")
            for name in imports:
                self._triple(split, package, file, "", "imports", name, text.index(f"import {name}") + len("import "))
            for job, name in calls:
                self._entity("Function", package, file, job)
                start = text.index(f"{name}(", text.index(f"def {job}("))
                self._triple(split, package, file, job, "calls", name, start)

    def _symbol(self, package, file, name):
        return f"python:{package}:{file}#{name}" if name else f"python:{package}:{file}"

    def _entity(self, kind, package, file, name):
        row = {"type": kind, "name": name or file, "qualified_name": name, "language": "python", "package": package}
        spans = dict.fromkeys(("line_start", "line_end", "byte_start", "byte_end"), 0)
        texts = {"signature": "(path)" if name else "", "docstring": "", "external": False, "file": file}
        self.entities[self._symbol(package, file, name)] = row | spans | texts

    def _triple(self, split, package, file, head, relation, tail, start):
        triple = {
            "head": self._symbol(package, file, head),
            "relation": relation,
            "tail": self._symbol(package, f"{tail.split('_')[0]}.py", tail),
            "language": "python",
            "package": package,
            "file": file,
            "byte_start": start,
            "byte_end": start + len(tail),
            "resolution": "exact",
            "split": split,
        }
        if not any(all(triple[key] == row[key] for key in ("head", "relation", "tail")) for row in self.triples):
            self.triples.append(triple)

    def data(self):
        tokenizer = CodeTokenizer.train([text for _, text in self.files.values()], 400, 2)
        table = pd.DataFrame([{"entity": entity, **self.entities[entity]} for entity in sorted(self.entities)])
        triples = pd.DataFrame(sorted(self.triples, key=lambda row: (row["head"], row["relation"], row["tail"])))
        ontology = load_ontology()
        empty = np.zeros((len(table), 1), np.int32)
        entities = EntityArrays(
            type_id=np.asarray([ontology.type_id(name) for name in table["type"]], np.int32),
            external=table["external"].to_numpy(np.bool_),
            name_token=empty,
            name_length=empty[:, 0],
            key_token=empty,
            key_length=empty[:, 0],
            symbols=table["entity"].tolist(),
            packages=table["package"].tolist(),
            names=table["name"].tolist(),
        )
        splits = {split: self._arrays(split, tokenizer, entities, triples) for split in ("val", "test")}
        return LinkData(splits, entities, table, triples, tokenizer)

    def _arrays(self, split, tokenizer, entities, triples):
        """Windows: one a function, one for the rest of the file."""
        words, rows, tokens, leaves = {}, [], [], []
        row_of = {symbol: row for row, symbol in enumerate(entities.symbols)}
        for (package, file), (owner_split, text) in sorted(self.files.items()):
            if owner_split != split:
                continue
            encoding = tokenizer.encode(text)
            cuts = [0, *(start for start in range(len(text)) if text.startswith("def ", start)), len(text)]
            for low, high in itertools.pairwise(cuts):
                chosen = np.flatnonzero((encoding.starts >= low) & (encoding.starts < high))
                if not len(chosen):
                    continue
                word = [
                    words.setdefault(encoding.names[w], len(words)) if w >= 0 else -1 for w in encoding.words[chosen]
                ]
                parts = (encoding.ids, encoding.first, encoding.starts, encoding.ends)
                tokens.append((np.asarray(word, np.int32), *(part[chosen] for part in parts)))
                found = 0
                mine = (triples["package"] == package) & (triples["file"] == file)
                for index, triple in triples[
                    mine & (triples["byte_start"] >= low) & (triples["byte_start"] < high)
                ].iterrows():
                    roots = np.flatnonzero(
                        (encoding.starts[chosen] >= triple["byte_start"])
                        & (encoding.ends[chosen] <= triple["byte_end"])
                    )
                    is_query = index % 5 == 0 and triple["relation"] == "calls"
                    ids = (row_of[triple["head"]], row_of[triple["tail"]], is_query, False, index)
                    relation = load_ontology().relations[triple["relation"]].id
                    leaves.append((relation, roots[0], roots[-1] + 1, *ids))
                    found += 1
                rows.append((len(rows), package, "python", file, file, "function", low, high, len(chosen), found))
        samples = pd.DataFrame(rows, columns=samples_schema().names)
        leaf = np.asarray(leaves, np.int32).T
        nothing = np.zeros(0, np.int32)
        word, ids, first, starts, ends = (np.concatenate(column) for column in zip(*tokens))
        return SplitArrays(
            token_id=ids,
            token_word=word,
            token_first=first,
            token_start=starts,
            token_end=ends,
            sample_token=np.concatenate([[0], np.cumsum(samples["tokens"])]),
            leaf_relation=leaf[0],
            leaf_anchor_start=leaf[1],
            leaf_anchor_end=leaf[2],
            leaf_head=leaf[3],
            leaf_tail=leaf[4],
            leaf_query=leaf[5].astype(np.bool_),
            leaf_ambiguous=leaf[6].astype(np.bool_),
            leaf_triple=leaf[7],
            sample_leaf=np.concatenate([[0], np.cumsum(samples["leaves"])]),
            edge_relation=nothing,
            edge_source=nothing,
            edge_target=nothing,
            edge_head=nothing,
            edge_tail=nothing,
            sample_edge=np.zeros(len(samples) + 1, np.int64),
            **pair_arrays([], words, 1),
            entity_word=np.asarray([words.get(name, -1) for name in entities.names], np.int32),
            words=list(words),
            samples=samples,
        )


@pytest.fixture(scope="module")
def data():
    corpus = Corpus()
    for package, split in (("alpha", "val"), ("beta", "val"), ("gamma", "test"), ("delta", "test")):
        corpus.add_package(package, split)
    return corpus.data()


@pytest.fixture(scope="module")
def predictions(data):
    return predict_links(LinkTask(data, PARAMS), RandomNet(seed=1), RandomNet(seed=2))


class RandomNet:
    """A net whose columns are noise."""

    def __init__(self, seed):
        self.draw = np.random.default_rng(seed)

    def link(self, queries):
        return {"link": [self.draw.random(size) for size in queries.pool_sizes]}


class KnowingNet(RandomNet):
    """A net that knows every answer, to see that the combiner uses it."""

    def link(self, queries):
        columns = super().link(queries)["link"]
        for row, truth in zip(columns, queries.truth):
            row[truth] += 3
        return {"link": columns}


class BrokenNet(RandomNet):
    def link(self, queries):
        columns = super().link(queries)["link"]
        columns[3][0] = np.nan
        return {"link": columns}


def view_of(data, split="test"):
    arrays = data.splits[split]
    return next(build_views(arrays, data.entities, data.entity_table, data.triples, data.tokenizer))


def queries_of(data, setting="headline", split="test", params=PARAMS):
    return build_queries(split, data.splits[split], data.entities, data.triples, params, setting)


def matrix_of(data, queries, query, view, change=lambda hole: hole):
    arrays = data.splits[queries.split]
    hole = change(find_hole(view, arrays, queries, query))
    return SymbolicFeatures(view, arrays, PARAMS).matrix(queries, query, hole)


def first_query(view, queries):
    return next(index for index, key in enumerate(queries.pool) if key.startswith(f"{view.package}:"))


def test_names_fall_into_their_parts():
    assert subtokens("HTTPServer_run2") == ("http", "server", "run", "2")
    assert shape("__init__") != shape("_init") != shape("Init") != shape("init")


def test_one_holes_keys_are_those_of_all_holes():
    token = np.random.default_rng(0).integers(0, 50, size=30)
    start, end = np.asarray([5, 12]), np.asarray([5, 14])
    for hole in range(2):
        left = token[start[hole] - REACH : start[hole] + 1]
        keys = keys_around([*left.tolist(), *token[end[hole] : end[hole] + REACH + 1].tolist()])
        for order in ORDERS:
            assert keys[order] == context_keys(token, start, end, order)[hole]


def test_cloze_probabilities_are_backed_off_counts():
    """x ( y and x ( z: by hand, left order 1 then 2 of a chain with one pseudo-count."""
    token = np.asarray([9, 9, 9, 1, 5, 2, 1, 5, 3, 4, 5, 2, 9, 9, 9])
    holes = np.asarray([5, 8, 11])
    index = ContextIndex(token, holes, holes, token[holes], ORDERS)
    keys = keys_around([0, 1, 5, 0, 0, 0, 0, 0])
    base = np.full(6, 1 / 6, np.float32)
    chain = (Order(1, 0), Order(2, 0))
    after_5 = np.asarray([(count + 1 / 6) / 4 for count in (0, 0, 2, 1, 0, 0)])
    after_1_5 = (np.asarray([0, 0, 1, 1, 0, 0]) + after_5) / 3
    assert np.allclose(index.backed_off(chain, keys, base, np.zeros(0, np.int64), 1.0), after_1_5)
    after_5 = np.asarray([(count + 1 / 6) / 3 for count in (0, 0, 1, 1, 0, 0)])
    after_1_5 = (np.asarray([0, 0, 0, 1, 0, 0]) + after_5) / 2
    assert np.allclose(index.backed_off(chain, keys, base, np.asarray([0]), 1.0), after_1_5)


def test_the_stream_reads_as_the_code_does(data):
    arrays = data.splits["test"]
    stream = build_stream(arrays, "gamma", data.tokenizer)
    where = np.flatnonzero(stream.file == stream.files.index("open.py"))[:9]
    names = [arrays.words[token] if token < stream.num_words else "mark" for token in stream.token[where]]
    assert names == ["def", "open_fish", "mark", "path", "mark", "mark", "mark", "return", "path"]
    assert stream.token[where[2]] == stream.marks.opening
    imported = {arrays.words[t] for t in stream.token[stream.in_import & stream.is_word]}
    assert {"from", "import", "open", "open_fish"} <= imported
    assert not {"def", "path", "print"} & imported


def test_every_query_has_its_tail_in_a_pool_of_the_right_types(data):
    ontology = load_ontology()
    by_id = {relation.id: relation for relation in ontology.relations.values()}
    for setting in SETTINGS:
        queries = queries_of(data, setting)
        assert len(queries) > 20
        for query in range(len(queries)):
            pool = queries.candidates(query)
            assert pool[queries.truth[query]] == queries.tail[query]
            relation = by_id[int(queries.relation[query])]
            assert not relation.structural
            types = {ontology.entity_types[data.entities.type_id[row]] for row in pool}
            assert types <= relation.range


def test_other_true_tails_are_filtered(data):
    queries = queries_of(data)
    triples = data.triples
    symbols = data.entities.symbols
    for query in range(len(queries)):
        head, tail = symbols[queries.head[query]], symbols[queries.tail[query]]
        true = set(triples.loc[(triples["head"] == head) & (triples["relation"] == "calls"), "tail"]) - {tail}
        pool = queries.candidates(query)
        assert {symbols[pool[position]] for position in queries.known[query]} == true


def test_small_pools_and_queries_over_the_cap_are_counted(data):
    picky = dataclasses.replace(PARAMS, min_candidates=10_000)
    assert len(queries_of(data, params=picky)) == 0
    assert queries_of(data, params=picky).dropped["few_candidates"] > 0
    capped = queries_of(data, params=dataclasses.replace(PARAMS, max_queries=5))
    assert len(capped) == 10
    assert capped.dropped["over_the_cap"] > 0


def test_no_feature_source_of_a_hidden_query_mentions_the_tail(data):
    view, queries = view_of(data), queries_of(data)
    stream, arrays = view.stream, data.splits["test"]
    query = first_query(view, queries)
    hole = find_hole(view, arrays, queries, query)
    name = arrays.words.index(data.entities.names[queries.tail[query]])
    assert name in hole.hidden
    assert name not in stream.token[hole.visible]
    assert name not in stream.context(hole.start, hole.hidden, 3)
    read = np.setdiff1d(np.flatnonzero(stream.file == hole.file), hole.unseen)
    assert not stream.in_import[read[stream.token[read] == name]].any()
    hidden = view.support.between(hole.head, hole.tail)
    assert not (view.support.tail[~hidden & (view.support.head == hole.head)] == hole.tail).any()
    matrix, truth = matrix_of(data, queries, query, view), queries.truth[query]
    for feature in ("mention", "mention_near", "imported", "plain_imported", "inside_head"):
        assert matrix[truth, COLUMN[feature]] == 0, feature


def test_a_fact_between_head_and_tail_changes_no_feature(data):
    """Any relation, either direction, the import of the name, what else the mention shows: without them, the same."""
    view, queries = view_of(data), queries_of(data)
    query = first_query(view, queries)
    hole = find_hole(view, data.splits["test"], queries, query)
    uses, imports = load_ontology().relations["uses"].id, load_ontology().relations["imports"].id
    file = view.entities.local(np.asarray([data.entities.symbols.index(f"python:{view.package}:work/w0.py")]))[0]
    support = view.support
    kept = ~((support.head == file) & (support.relation == imports) & (support.tail == hole.tail))
    bare = dataclasses.replace(
        support,
        head=support.head[kept],
        relation=support.relation[kept],
        tail=support.tail[kept],
        position=support.position[kept],
    )
    told = dataclasses.replace(
        bare,
        head=np.append(bare.head, [hole.head, hole.tail, file, hole.head]),
        relation=np.append(bare.relation, [uses, uses, imports, uses]),
        tail=np.append(bare.tail, [hole.tail, hole.head, hole.tail, hole.tail + 1]),
        position=np.append(bare.position, [-1, -1, -1, hole.start]),
    )
    expected = matrix_of(data, queries, query, dataclasses.replace(view, support=bare))
    assert np.array_equal(matrix_of(data, queries, query, dataclasses.replace(view, support=told)), expected)


def test_zero_support_reads_nothing_of_the_graph(data):
    view, queries = view_of(data), queries_of(data, "zero_support")
    query = first_query(view, queries)
    assert not queries.support.any()
    matrix = matrix_of(data, queries, query, without_support(view))
    for feature in ("sibling", "sibling_package", "home_of_head", "imported", "entity_cloze", "type_cloze"):
        assert np.unique(matrix[:, COLUMN[feature]]).size == 1, feature
    assert np.unique(matrix[:, COLUMN["cloze"]]).size > 5


def test_cloze_leaves_the_querys_own_window_out(data):
    view, queries = view_of(data), queries_of(data)
    query = first_query(view, queries)
    expected = matrix_of(data, queries, query, view)
    token = view.stream.token.copy()
    hole = find_hole(view, data.splits["test"], queries, query)
    window = view.stream.sample_positions[int(queries.sample[query])]
    far = window[np.abs(window - hole.start) > 4]
    far = far[(token[far] < view.stream.num_words) & ~np.isin(token[far], hole.hidden)]
    token[far] = token[far][0]
    changed = dataclasses.replace(view, stream=dataclasses.replace(view.stream, token=token))
    found = matrix_of(data, queries, query, changed)
    for feature in ("cloze_left", "cloze_right", "cloze_both", "words_in_package", "words_in_file"):
        assert np.allclose(found[:, COLUMN[feature]], expected[:, COLUMN[feature]], atol=1e-5), feature


def test_sibling_counts_are_those_of_the_neighbours(data):
    view, queries = view_of(data), queries_of(data)
    query = first_query(view, queries)
    matrix, pool = matrix_of(data, queries, query, view), queries.candidates(query)
    head, file = data.entities.symbols[queries.head[query]], None
    file = data.entity_table.loc[data.entity_table["entity"] == head, "file"].iat[0]
    asked = set(data.splits["test"].leaf_triple[data.splits["test"].leaf_query])
    rows = data.triples[(data.triples["package"] == view.package) & (data.triples["relation"] == "calls")]
    rows = rows[~rows.index.isin(asked) & (rows["head"] != head)]
    for feature, part in (("sibling_package", rows), ("sibling_file", rows[rows["file"] == file])):
        counts = part["tail"].value_counts()
        expected = [np.log1p(counts.get(data.entities.symbols[row], 0)) for row in pool]
        assert np.allclose(matrix[:, COLUMN[feature]], expected), feature


def test_all_scorers_answer_all_queries_in_all_settings(predictions):
    counts = predictions.groupby(["setting", "scorer"])["query"].nunique().unstack()
    assert set(counts.index) == set(SETTINGS)
    assert {"graphmer", "neural", "symbolic", "sibling", "cloze_sibling"} <= set(counts.columns)
    assert counts.drop(columns="untrained").nunique(axis=1).eq(1).all()
    assert set(predictions.loc[predictions["scorer"] == "untrained", "setting"]) == {"headline"}


def test_strata_follow_what_the_window_shows(predictions):
    strata = predictions.groupby("setting")["stratum"].agg(set)
    assert strata["mentions_visible"] == {"A"}
    assert "A" not in strata["headline"]
    assert "B" in strata["headline"]


def test_a_random_net_scores_chance_and_counts_beat_it(predictions):
    headline = predictions[predictions["setting"] == "headline"]
    reciprocal = 1 / headline.set_index(["scorer", "query"])["rank"]
    noise = reciprocal["untrained"]
    pool = headline["pool"].iloc[0]
    spread = np.std(1 / np.arange(1, pool + 1)) / np.sqrt(len(noise))
    assert abs(noise.mean() - chance_mrr(pool)) < 4 * spread
    assert reciprocal["symbolic"].mean() > reciprocal["sibling"].mean() > noise.mean()


def test_the_mixture_uses_a_net_that_knows(data):
    table = LinkTask(data, PARAMS).predict("headline", KnowingNet(seed=3))
    reciprocal = (1 / table["rank"]).groupby(table["scorer"]).mean()
    assert reciprocal["graphmer"] == 1 > reciprocal["symbolic"]


def test_predictions_are_the_same_twice(data):
    first, second = (LinkTask(data, PARAMS).predict("headline") for _ in range(2))
    pd.testing.assert_frame_equal(first, second)


def test_a_net_that_returns_nan_is_named(data):
    with pytest.raises(EvaluationError, match=r"scorer 'neural\.link', query 3: 1 of \d+ scores are not finite"):
        LinkTask(data, PARAMS).predict("headline", BrokenNet(seed=0))


def test_figures_hold_paired_gains_and_the_metrics_a_screenful(predictions):
    figures = link_figures(predictions, BOOTSTRAP)
    means = (1 / predictions["rank"]).groupby([predictions["setting"], predictions["scorer"]]).mean()
    overall = figures[figures["slice"] == "all"].set_index(["setting", "scorer", "figure"])["value"]
    gain = means["headline", "graphmer"] - means["headline", "symbolic"]
    assert overall["headline", "graphmer", "gain_over_symbolic"] == pytest.approx(gain)
    metrics = headline_metrics(figures)
    assert metrics["link_prediction.headline.gain.mrr"] == pytest.approx(gain)
    assert metrics["link_prediction.headline.gain.mrr_low"] <= gain <= metrics["link_prediction.headline.gain.mrr_high"]
    for setting in ("calls", "mentions_visible", "zero_support"):
        name = f"link_prediction.{setting}.gain.mrr"
        assert metrics[f"{name}_low"] <= metrics[name] <= metrics[f"{name}_high"]
    assert metrics["link_prediction.calls.symbolic.mrr"] == pytest.approx(means["headline", "symbolic"])
    assert len(metrics) <= 40


def test_a_graph_that_was_not_the_packed_one_is_refused(tmp_path):
    for name in ("entities.parquet", "triples.parquet"):
        write_text(tmp_path / "kg" / name, "another graph")
    sizes = {"vocabulary": 1, "name_slots": 1, "key_tokens": 1, "relations": [], "entity_types": []}
    digests = {"entities.parquet": "0" * 64, "triples.parquet": "0" * 64}
    manifest = {"layout_version": LAYOUT_VERSION, "kg": digests, **sizes}
    write_json(tmp_path / "packed" / "manifest.json", manifest)
    with pytest.raises(ArtifactError, match=r"packed from another entities\.parquet .* run dvc repro pack"):
        load_link_data(tmp_path / "packed", tmp_path / "kg")


def rows_of(path):
    return [tuple(line.split("\t")) for line in path.read_text(encoding="utf-8").splitlines()]


def test_exported_queries_pools_and_known_tails_are_those_that_are_ranked_here(data, tmp_path):
    exported = export_pykeen(data, PARAMS, tmp_path / "out")
    pools = {}
    for pool, entity in rows_of(tmp_path / "out" / "pools.tsv"):
        pools.setdefault(pool, []).append(entity)
    for split, name in (("val", "validation"), ("test", "testing")):
        queries = queries_of(data, split=split)
        asked = rows_of(tmp_path / "out" / f"{name}.tsv")
        keys = [key for (key,) in rows_of(tmp_path / "out" / f"{name}.pools.tsv")]
        known = rows_of(tmp_path / "out" / f"{name}.known.tsv")
        assert len(asked) == len(keys) == len(queries) == getattr(exported, name) > 0
        for query, ((head, relation, tail), key) in enumerate(zip(asked, keys, strict=True)):
            assert head == data.entities.symbols[queries.head[query]]
            assert load_ontology().relations[relation].id == queries.relation[query]
            assert pools[key].index(tail) == queries.truth[query]
            others = [pools[key].index(entity) for number, entity in known if int(number) == query]
            assert others == queries.known[query].tolist()


def test_no_exported_training_triple_joins_the_ends_of_a_held_out_one(data, tmp_path):
    exported = export_pykeen(data, PARAMS, tmp_path / "out")
    training = rows_of(tmp_path / "out" / "training.tsv")
    ends = {frozenset((head, tail)) for head, _, tail in training}
    held = [data.triples.iloc[np.unique(one.leaf_triple[one.leaf_query])] for one in data.splits.values()]
    assert sum(map(len, held)) >= exported.validation + exported.testing
    for triples in held:
        assert not {frozenset(pair) for pair in zip(triples["head"], triples["tail"], strict=True)} & ends
    left_out = sum(count for name, count in vars(exported).items() if name.endswith("_left_out"))
    assert len(training) + left_out == len(data.triples)


def test_an_export_never_replaces_a_folder_that_holds_something(data, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ArtifactError, match="give a new or an empty folder"):
        export_pykeen(data, PARAMS, tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
