;; Its handler rejects with a cause of 8 MiB.
(data (i32.const 2112) "\01\00\00\00\00\00\00\00\02\00\00\00\00\00\00\00\00\00\02\00\00\00\80\00")
(func (export "handle") (param i32) (result i32)
  (drop (memory.grow (i32.const 192)))
  (memory.fill (i32.const 131072) (i32.const 104) (i32.const 8388608))
  (i32.const 2112))
