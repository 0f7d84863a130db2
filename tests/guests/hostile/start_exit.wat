;; Its start function ends the process.
(func $leave (call $exit (i32.const 0)))
(start $leave)
(func (export "handle") (param i32) (result i32) (i32.const 2048))
