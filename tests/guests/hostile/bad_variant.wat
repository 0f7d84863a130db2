;; Its handler sends at a time of a kind that there is not.
(data (i32.const 0) "plunder")
(func (export "handle") (param i32) (result i32)
  (call $send (i32.const 0) (i32.const 7) (i32.const 0) (i32.const 0) (i32.const 0)
    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
    (i32.const 0) (i32.const 0) (i32.const 77) (i64.const 0) (i32.const 1024))
  (i32.const 2048))
