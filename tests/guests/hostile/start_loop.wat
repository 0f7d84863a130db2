;; Its start function never ends.
(func $spin (loop (br 0)))
(start $spin)
(func (export "handle") (param i32) (result i32) (i32.const 2048))
