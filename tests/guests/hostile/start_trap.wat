;; Its start function traps.
(func $boom unreachable)
(start $boom)
(func (export "handle") (param i32) (result i32) (i32.const 2048))
