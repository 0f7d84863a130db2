;; Its handler never ends.
(func (export "handle") (param i32) (result i32) (loop (br 0)) (i32.const 2048))
