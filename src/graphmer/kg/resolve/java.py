"""Java references to facts: names, types and calls resolved across the files of one package.

What is known by the language's rules is `exact`; an overload chosen while an argument's type is unknown is `inferred`;
what lies outside the package is `external`; a receiver of unknown type gives `ambiguous` candidates or nothing.
A definition's own code (method, constructor, lambda) is the head; code in field initialisers and static blocks has
the class as its head.
"""

from graphmer.kg.config import GraphParams
from graphmer.kg.facts import PackageFacts, Resolved
from graphmer.kg.resolve.java_entities import entity_types
from graphmer.kg.resolve.java_facts import JavaFacts
from graphmer.kg.resolve.java_generics import JavaGenerics
from graphmer.kg.resolve.java_hierarchy import declarations, overrides
from graphmer.kg.resolve.java_tests import test_facts


def resolve_java(package: PackageFacts, params: GraphParams) -> Resolved:
    """The facts, external entities, entity types and call counts of the Java files of one package."""
    types = JavaGenerics(package)
    resolved = Resolved(types=entity_types(types))
    facts = JavaFacts(types, resolved, params)
    resolved.facts += declarations(types, resolved.types)
    resolved.facts += overrides(types)
    for file in package.files:
        facts.add_file(file)
    resolved.facts += test_facts(types, resolved.types, facts.direct_calls, params)
    return resolved
