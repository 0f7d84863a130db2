;; Its handler sends a list of four thousand million messages.
(func (export "handle") (param i32) (result i32)
  (call $send-many (i32.const 0) (i32.const 0xffffffff) (i32.const 1024))
  (i32.const 2048))
