;; Its handler writes a line that looks like another of the host's, and one with a terminal's commands.
(data (i32.const 0) "well\0a2026-01-01T00:00:00.000000Z ERROR wasmill: the store failed: forged\0a\1b[2J\1b[31mred")
(func (export "handle") (param i32) (result i32)
  (call $write (i32.const 2) (i32.const 0) (i32.const 92))
  unreachable)
