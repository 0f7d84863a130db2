;; Its handler calls what is no function.
(type $none (func))
(table 4 funcref)
(func (export "handle") (param i32) (result i32)
  (call_indirect (type $none) (i32.const 3))
  (i32.const 2048))
