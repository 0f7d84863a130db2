;; A table of a thousand million functions.
(table 1000000000 funcref)
(func (export "handle") (param i32) (result i32) (i32.const 2048))
