; What is captured of a JavaScript or a TypeScript file alike; javascript.scm, typescript.scm and jsx.scm add what only
; one grammar has. Everything else (names, nesting, values) follows from the byte ranges of these nodes.

; Definitions; functions and classes that are values may be named by what they are bound to
(function_declaration) @function
(generator_function_declaration) @function
(function_expression) @function.value
(generator_function) @function.value
(arrow_function) @arrow
(method_definition) @method
(class_declaration) @class
(class) @class.value
(comment) @comment

; Parameters, and other names that a scope binds
(arrow_function parameter: (identifier) @parameter)
(variable_declaration (variable_declarator) @declarator.var)
(lexical_declaration (variable_declarator) @declarator)
(shorthand_property_identifier_pattern) @pattern
(pair_pattern value: (identifier) @pattern)
(array_pattern (identifier) @pattern)
(rest_pattern (identifier) @pattern)
(catch_clause parameter: (identifier) @pattern @binding)
(for_in_statement kind: _ left: (identifier) @pattern @binding)
(assignment_expression) @assignment
(augmented_assignment_expression) @augmented
(update_expression argument: (_) @augmented.target)

; Blocks; those that bind names of their own are scopes
(statement_block) @block
(for_statement) @block
(for_in_statement) @block
(catch_clause) @block
(switch_body) @block
(lexical_declaration) @binding

; Objects, whose functions are members where the object has a name
(object) @object
(pair key: [(property_identifier) (string)] value: [(function_expression) (generator_function) (arrow_function) (class)
  (object) (identifier) (member_expression) (call_expression) (new_expression)]) @pair
(shorthand_property_identifier) @shorthand

; Modules
(import_statement) @import
(import_specifier) @import.name
(import_clause (identifier) @import.default)
(namespace_import (identifier) @import.namespace)
(export_statement) @export
(export_specifier) @export.name
(namespace_export (identifier) @export.namespace)

; What code does
(call_expression function: (_) @callee)
(new_expression constructor: (_) @new)
(return_statement (_) @return)
(arrow_function body: (_) @arrow_body)
(throw_statement (_) @throw)
(decorator (_) @decorator)
(call_expression arguments: (arguments . (string) @test.title [(arrow_function) (function_expression)] @test.body))

; Names as values
(member_expression) @member
(identifier) @identifier
(function_declaration name: (identifier) @known)
(class_declaration name: (_) @known)
(program (lexical_declaration (variable_declarator name: (identifier) @known)))
(program (variable_declaration (variable_declarator name: (identifier) @known)))
(program (export_statement declaration: (lexical_declaration (variable_declarator name: (identifier) @known))))
