; What only the grammar of JavaScript has.
(formal_parameters (identifier) @parameter)
(formal_parameters (assignment_pattern left: (identifier) @parameter))
(formal_parameters (rest_pattern (identifier) @parameter))
(field_definition) @field
(class_heritage (_) @base)
