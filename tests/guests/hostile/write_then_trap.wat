;; Its handler writes state and sends a message, and traps: nothing of it may ever have happened.
(data (i32.const 0) "loot")
(data (i32.const 16) "plunder")
(func (export "handle") (param i32) (result i32)
  (call $put (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 4) (i32.const 1024))
  (call $send (i32.const 16) (i32.const 7) (i32.const 0) (i32.const 0) (i32.const 0)
    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
    (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 0) (i32.const 1024))
  unreachable)
