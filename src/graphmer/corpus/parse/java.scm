; What is captured of a Java file. Everything else (names, nesting, values) follows from the byte ranges of these nodes.

; The compilation unit
(package_declaration [(identifier) (scoped_identifier)] @package)
(import_declaration) @import

; Definitions; the part after the dot is the symbol's kind
(class_declaration) @type.class
(interface_declaration) @type.interface
(enum_declaration) @type.enum
(record_declaration) @type.record
(annotation_type_declaration) @type.annotation_type
(object_creation_expression (class_body) @body)
(enum_constant body: (class_body) @body)
(enum_constant) @enum_constant
(method_declaration) @method
(annotation_type_element_declaration) @method
(constructor_declaration) @constructor
(compact_constructor_declaration) @constructor
(formal_parameter) @parameter
(spread_parameter) @parameter
(field_declaration) @field
(constant_declaration) @field
(lambda_expression) @lambda
(lambda_expression parameters: (identifier) @lambda_parameter)
(inferred_parameters (identifier) @lambda_parameter)
(type_parameter) @type_parameter
(block_comment) @comment

; Local variables, and what ends their scope
(local_variable_declaration) @local
(resource name: (_)) @local.resource
(enhanced_for_statement) @local.for
(catch_formal_parameter) @local.catch
(block (local_variable_declaration)) @block
(constructor_body (local_variable_declaration)) @block
(switch_block_statement_group (local_variable_declaration)) @block
(for_statement init: (local_variable_declaration)) @block
(catch_clause) @block
(try_with_resources_statement) @block
(instanceof_expression name: (_)) @local.pattern
(type_pattern) @local.pattern
(record_pattern_component) @local.pattern

; What code does
(method_invocation) @call
(explicit_constructor_invocation) @constructor_call
(object_creation_expression) @new
(method_reference) @method_reference
(field_access) @field_access
(assignment_expression) @assignment
(update_expression) @assignment
(throw_statement) @throw

; Names as values: fields, classes, local variables. Plain (identifier) would capture four times
; as many nodes; arguments and receivers of calls are met with their call.
(field_access object: (identifier) @identifier)
(array_access (identifier) @identifier)
(binary_expression (identifier) @identifier)
(unary_expression (identifier) @identifier)
(update_expression (identifier) @identifier)
(assignment_expression (identifier) @identifier)
(return_statement (identifier) @identifier)
(expression_statement (identifier) @identifier)
(parenthesized_expression (identifier) @identifier)
(ternary_expression (identifier) @identifier)
(variable_declarator value: (identifier) @identifier)
(enhanced_for_statement value: (identifier) @identifier)
(lambda_expression body: (identifier) @identifier)
(cast_expression value: (identifier) @identifier)
(instanceof_expression left: (identifier) @identifier)
(array_initializer (identifier) @identifier)
(throw_statement (identifier) @identifier)
(method_reference . (identifier) @identifier)
(switch_label (identifier) @identifier)
(yield_statement (identifier) @identifier)
(assert_statement (identifier) @identifier)
(for_statement (identifier) @identifier)
(dimensions_expr (identifier) @identifier)
(explicit_constructor_invocation object: (identifier) @identifier)
(object_creation_expression . (identifier) @identifier)
(resource . (identifier) @identifier)
(record_pattern . (identifier) @identifier)
(element_value_pair value: (identifier) @identifier)
(element_value_array_initializer (identifier) @identifier)
(annotation_argument_list (identifier) @identifier)

; The types that are named, and the part of those that no definition or new object names
(type_identifier) @type_name
(scoped_type_identifier) @scoped_type_name
(superclass (_) @role.extends)
(extends_interfaces (type_list (_) @role.extends))
(super_interfaces (type_list (_) @role.implements))
(throws (_) @role.throws)
(cast_expression type: (_) @role.cast)
(instanceof_expression right: (_) @role.instanceof)

; Annotations
(modifiers (marker_annotation name: (_) @annotation))
(modifiers (annotation name: (_) @annotation))
