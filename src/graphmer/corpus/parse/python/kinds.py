"""The kinds of nodes of the Python grammar that the parser tells apart, by number."""

from graphmer.corpus.parse.treesitter import kind_ids

NAMES = ("identifier", "attribute", "subscript", "slice", "call", "argument_list", "keyword_argument")
CONSTANTS = ("string", "string_content", "concatenated_string", "integer", "float", "true", "false", "none")
DISPLAYS = ("list", "tuple", "set", "expression_list", "dictionary", "pair", "list_splat", "dictionary_splat")
COMPREHENSIONS = ("list_comprehension", "set_comprehension", "dictionary_comprehension", "generator_expression")
OPERATORS = (
    *("unary_operator", "binary_operator", "boolean_operator", "comparison_operator", "not_operator"),
    *("conditional_expression", "parenthesized_expression", "named_expression", "await", "lambda", "type"),
)
PARAMETERS = ("keyword_separator", "typed_parameter", "default_parameter", "typed_default_parameter")
TARGETS = (
    *("list_splat_pattern", "dictionary_splat_pattern", "tuple_pattern", "pattern_list", "list_pattern"),
    *("as_pattern", "as_pattern_target"),
)
STATEMENTS = (
    *("decorated_definition", "decorator", "aliased_import", "wildcard_import", "assignment", "expression_statement"),
    "comment",
)
KIND = kind_ids(
    "python",
    (*NAMES, *CONSTANTS, *DISPLAYS, *COMPREHENSIONS, *OPERATORS, *PARAMETERS, *TARGETS, *STATEMENTS),
)
# Those that every file is full of, without a look-up.
ATTRIBUTE, IDENTIFIER = KIND["attribute"], KIND["identifier"]
NAMED = frozenset({ATTRIBUTE, IDENTIFIER})
APPLIED = frozenset({KIND["call"], KIND["subscript"]})  # to what their first part names
