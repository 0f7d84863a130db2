;; Its handler sends a million messages, whatever the host says.
(data (i32.const 0) "plunder")
(func (export "handle") (param i32) (result i32)
  (local $left i32)
  (local.set $left (i32.const 1000000))
  (loop $next
    (global.set $next (i32.const 131072))
    (call $send (i32.const 0) (i32.const 7) (i32.const 0) (i32.const 0) (i32.const 0)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
      (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 0) (i32.const 1024))
    (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
  (i32.const 2048))
