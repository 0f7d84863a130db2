;; Its handler logs what is no UTF-8.
(data (i32.const 0) "\ff\fe\c0\80")
(func (export "handle") (param i32) (result i32)
  (call $write (i32.const 2) (i32.const 0) (i32.const 4))
  (i32.const 2048))
