; What is captured of a Python file. Everything else (names, nesting, values) follows from the byte ranges of these nodes.

; Definitions
(class_definition) @class
(function_definition) @function
(lambda) @lambda

; Imports
(import_statement) @import
(import_from_statement) @import_from

; Bindings
(assignment) @assignment
(augmented_assignment) @augmented
(named_expression) @walrus
(with_item) @with
(for_statement) @for
(for_in_clause) @for
(global_statement) @global
(nonlocal_statement) @global

; What code does
(call) @call
(return_statement) @return
(yield) @yield
(raise_statement) @raise
(except_clause) @except
(match_statement) @match
(keyword_pattern (identifier) @keyword)

; What calls special methods
(binary_operator) @binary
(comparison_operator) @comparison
(unary_operator) @unary
(augmented_assignment) @augments
(subscript) @subscript
(set) @display
(dictionary) @display
(list_splat) @spread
(if_statement) @condition
(elif_clause) @condition
(while_statement) @condition
(if_clause) @condition
(assert_statement) @condition
(conditional_expression) @conditional
(not_operator) @negation
(boolean_operator) @choice
(interpolation) @interpolation
(await) @await

; What is read
(attribute) @attribute
(identifier) @identifier
