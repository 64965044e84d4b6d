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
(case_pattern (dotted_name . (identifier) @capture .))
(keyword_pattern (identifier) @keyword)
(attribute) @attribute
(identifier) @identifier
