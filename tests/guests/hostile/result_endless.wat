;; Its handler rejects with a cause that is longer than its memory.
(data (i32.const 2112) "\01\00\00\00\00\00\00\00\02\00\00\00\00\00\00\00\00\00\02\00\f0\ff\ff\ff")
(func (export "handle") (param i32) (result i32) (i32.const 2112))
