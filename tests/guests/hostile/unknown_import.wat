;; It wants what the host does not have.
(component
  (import "acme:bank/vault@1.0.0" (instance (export "open" (func))))
  (instance $handler)
  (export "wasmill:plugin/handler@0.1.0" (instance $handler)))
