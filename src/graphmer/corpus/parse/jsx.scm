; Elements of JSX, in JavaScript and in TSX.
(jsx_opening_element name: (_) @jsx)
(jsx_self_closing_element name: (_) @jsx)
