;; Its handler rejects with a cause that is no UTF-8.
(data (i32.const 0) "\f0\28\8c\28")
(data (i32.const 2112) "\01\00\00\00\00\00\00\00\02\00\00\00\00\00\00\00\00\00\00\00\04\00\00\00")
(func (export "handle") (param i32) (result i32) (i32.const 2112))
