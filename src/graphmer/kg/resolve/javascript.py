"""Resolution of one package's JavaScript or TypeScript: from raw references to facts."""

from graphmer.kg.config import GraphParams
from graphmer.kg.facts import PackageFacts, Resolved
from graphmer.kg.resolve.javascript_entities import assign_types, find_constructors
from graphmer.kg.resolve.javascript_facts import FactMaker
from graphmer.kg.resolve.javascript_index import build_index
from graphmer.kg.resolve.javascript_tests import test_facts
from graphmer.kg.resolve.javascript_values import Evaluator


def resolve_javascript(package: PackageFacts, params: GraphParams) -> Resolved:
    """Facts, externals, entity types and call counts of a package's files of one of the two languages."""
    index = build_index(package)
    evaluator = Evaluator(index, params)
    find_constructors(index, evaluator)
    resolved = Resolved()
    assign_types(index, evaluator, resolved)
    maker = FactMaker(index, evaluator, resolved, params)
    for source in package.files:
        for symbol in source.symbols:
            maker.of_definition(symbol, source.file)
        for reference in source.references:
            maker.of_reference(reference, source.file)
    resolved.facts += test_facts(index, resolved, params)
    return resolved
