;; Nothing in it can be called.
(component (core module (func unreachable)))
