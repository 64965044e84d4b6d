; What only the grammar of TypeScript has.
(required_parameter) @parameter.typed
(optional_parameter) @parameter.typed
(required_parameter (decorator (_) @decorator.parameter))
(public_field_definition) @field
(abstract_class_declaration) @class
(abstract_class_declaration name: (_) @known)
(interface_declaration) @interface
(type_alias_declaration) @type_alias
(enum_declaration) @enum
(internal_module) @namespace
(module name: (identifier)) @namespace
(property_signature) @property_signature
(method_signature) @method_signature
(abstract_method_signature) @method_signature
(function_signature) @function_signature

; Types that are named, and the part that each plays
(extends_clause value: (_) @base)
(extends_type_clause type: (_) @base)
(implements_clause (_) @implemented)
(type_identifier) @type_name
(nested_type_identifier) @type_name.nested
(predefined_type) @type_name
(function_declaration return_type: (_) @return_type)
(function_expression return_type: (_) @return_type)
(generator_function_declaration return_type: (_) @return_type)
(arrow_function return_type: (_) @return_type)
(method_definition return_type: (_) @return_type)
(method_signature return_type: (_) @return_type)
(abstract_method_signature return_type: (_) @return_type)
(type_parameter name: (type_identifier) @type_variable)

; Modules in the CommonJS manner
(import_require_clause) @import.require
