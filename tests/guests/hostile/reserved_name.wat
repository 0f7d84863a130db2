;; Its handler writes an entry of the host's own, and traps if that is refused, as it must be.
(data (i32.const 0) "\00t\00timer")
(func (export "handle") (param i32) (result i32)
  (call $put (i32.const 0) (i32.const 8) (i32.const 0) (i32.const 4) (i32.const 1024))
  (if (i32.load8_u (i32.const 1024)) (then unreachable))
  (i32.const 2048))
