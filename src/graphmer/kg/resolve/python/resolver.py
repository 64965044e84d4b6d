"""Resolution of one Python package: from raw references to facts."""

from graphmer.kg.config import GraphParams
from graphmer.kg.facts import PackageFacts, Resolved
from graphmer.kg.resolve.python.constraints import flow_values
from graphmer.kg.resolve.python.descriptors import note_descriptors
from graphmer.kg.resolve.python.entities import assign_types
from graphmer.kg.resolve.python.facts import FactMaker
from graphmer.kg.resolve.python.index import build_index
from graphmer.kg.resolve.python.static import Statics
from graphmer.kg.resolve.python.tests import test_facts
from graphmer.kg.resolve.python.world import World, leave_behind


def resolve_python(package: PackageFacts, params: GraphParams) -> Resolved:
    """Facts, externals, entity types and call counts of a package's Python files."""
    index = build_index(package)
    statics = Statics(index, params)
    note_descriptors(index, statics)
    resolved = Resolved()
    assign_types(index, statics, resolved)
    world = World(index, statics, params)
    flow_values(world, package)
    maker = FactMaker(world, resolved, params)
    for source in package.files:
        for symbol in source.symbols:
            maker.of_definition(symbol, source.file)
        for reference in source.references:
            maker.of_reference(reference, source.file)
    if world.network.left_over:
        resolved.calls["left_by_the_bound_of_steps"] = world.network.left_over
    resolved.facts += test_facts(index, resolved)
    leave_behind(world)
    return resolved
