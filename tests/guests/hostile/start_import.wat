;; Its start function writes state before anybody called it, and does not take no for an answer.
(data (i32.const 0) "loot")
(func $early
  (call $put (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 4) (i32.const 1024))
  (if (i32.load8_u (i32.const 1024)) (then unreachable)))
(start $early)
(func (export "handle") (param i32) (result i32) (i32.const 2048))
