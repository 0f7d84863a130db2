;; What is around a fragment: a component that handles messages, whose core module the fragment's
;; fields are. It has a memory of its own with a bump allocator, which is set back by each handler
;; that begins, and the host's functions as they are lowered. From 1,024 on, 1,024 bytes are for the
;; host's answers, and from 2,048 on, 32 zeros are a handler's `ok`.
(component
  (import "wasmill:plugin/types@0.1.0" (instance $types
    (type $timestamp' u64)
    (export "timestamp" (type $timestamp (eq $timestamp')))
    (type $duration' u64)
    (export "duration" (type $duration (eq $duration')))
    (type $header' (tuple string string))
    (export "header" (type $header (eq $header')))
    (type $message' (record
      (field "id" string) (field "topic" string) (field "subscription" string)
      (field "key" (option string)) (field "tag" (option string))
      (field "headers" (list $header)) (field "body" (list u8))
      (field "produced-at" $timestamp) (field "attempt" u32)
      (field "correlation" string) (field "causation" (option string))))
    (export "message" (type $message (eq $message')))
    (type $delivery' (variant
      (case "now") (case "after" $duration) (case "at" $timestamp) (case "level" u8)))
    (export "delivery" (type $delivery (eq $delivery')))
    (type $outgoing' (record
      (field "topic" string) (field "key" (option string)) (field "tag" (option string))
      (field "headers" (list $header)) (field "body" (list u8)) (field "when" $delivery)))
    (export "outgoing" (type $outgoing (eq $outgoing')))
    (type $half-state' (enum "prepared" "committed" "rolled-back"))
    (export "half-state" (type $half-state (eq $half-state')))
    (type $retry-later' (record (field "delay" $duration) (field "cause" string)))
    (export "retry-later" (type $retry-later (eq $retry-later')))
    (type $failure' (variant
      (case "retry" string) (case "retry-after" $retry-later) (case "reject" string)))
    (export "failure" (type $failure (eq $failure')))
    (type $exceeded' (record (field "what" string) (field "limit" u64) (field "actual" u64)))
    (export "exceeded" (type $exceeded (eq $exceeded')))
    (type $error' (variant
      (case "no-key") (case "limit" $exceeded) (case "unknown-topic" string)
      (case "invalid" string) (case "unavailable" string)))
    (export "error" (type $error (eq $error')))))
  (alias export $types "header" (type $header))
  (alias export $types "message" (type $message))
  (alias export $types "delivery" (type $delivery))
  (alias export $types "outgoing" (type $outgoing))
  (alias export $types "half-state" (type $half-state))
  (alias export $types "failure" (type $failure))
  (alias export $types "error" (type $error))

  (import "wasmill:plugin/queue@0.1.0" (instance $queue
    (alias outer 1 $outgoing (type $outgoing'))
    (export "outgoing" (type $outgoing (eq $outgoing')))
    (alias outer 1 $error (type $error'))
    (export "error" (type $error (eq $error')))
    (export "send" (func (param "message" $outgoing) (result (result string (error $error)))))
    (export "send-many" (func (param "messages" (list $outgoing))
      (result (result (list string) (error $error)))))))
  (import "wasmill:plugin/timer@0.1.0" (instance $timer
    (alias outer 1 $delivery (type $delivery'))
    (export "delivery" (type $delivery (eq $delivery')))
    (alias outer 1 $header (type $header'))
    (export "header" (type $header (eq $header')))
    (alias outer 1 $error (type $error'))
    (export "error" (type $error (eq $error')))
    (type $alarm' (record
      (field "topic" string) (field "tag" (option string))
      (field "headers" (list $header)) (field "body" (list u8))))
    (export "alarm" (type $alarm (eq $alarm')))
    (export "set" (func (param "name" string) (param "when" $delivery) (param "message" $alarm)
      (result (result (error $error)))))))
  (import "wasmill:plugin/transaction@0.1.0" (instance $transaction
    (alias outer 1 $outgoing (type $outgoing'))
    (export "outgoing" (type $outgoing (eq $outgoing')))
    (alias outer 1 $half-state (type $half-state'))
    (export "half-state" (type $half-state (eq $half-state')))
    (alias outer 1 $error (type $error'))
    (export "error" (type $error (eq $error')))
    (export "prepare" (func (param "name" string) (param "message" $outgoing)
      (result (result $half-state (error $error)))))))
  (import "wasmill:plugin/state@0.1.0" (instance $state
    (alias outer 1 $error (type $error'))
    (export "error" (type $error (eq $error')))
    (export "get" (func (param "name" string)
      (result (result (option (list u8)) (error $error)))))
    (export "put" (func (param "name" string) (param "value" (list u8))
      (result (result (error $error)))))))
  (import "wasmill:plugin/config@0.1.0" (instance $config
    (export "get" (func (param "name" string) (result (option string))))))
  (import "wasmill:plugin/log@0.1.0" (instance $log
    (type $level' (enum "trace" "debug" "info" "warn" "error"))
    (export "level" (type $level (eq $level')))
    (export "write" (func (param "level" $level) (param "message" string)))))
  (import "wasi:random/random@0.2.0" (instance $random
    (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
  (import "wasi:cli/exit@0.2.0" (instance $exit
    (export "exit" (func (param "status" (result))))))

  (core module $libc-module
    (memory (export "memory") 4)
    (global $next (export "next") (mut i32) (i32.const 131072))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      ;; $at = the next place of this alignment
      (local.set $at (i32.and
        (i32.add (global.get $next) (i32.sub (local.get 2) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get 2))))
      (global.set $next (i32.add (local.get $at) (local.get 3)))
      (block $fits (loop $more
        (br_if $fits (i32.le_u (global.get $next) (i32.shl (memory.size) (i32.const 16))))
        (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))
        (br $more)))
      (local.get $at)))
  (core instance $libc (instantiate $libc-module))
  (alias core export $libc "memory" (core memory $memory))
  (alias core export $libc "realloc" (core func $realloc))

  (core func $send (canon lower (func $queue "send") (memory $memory) (realloc $realloc)))
  (core func $send-many (canon lower (func $queue "send-many") (memory $memory) (realloc $realloc)))
  (core func $set (canon lower (func $timer "set") (memory $memory) (realloc $realloc)))
  (core func $prepare (canon lower (func $transaction "prepare") (memory $memory) (realloc $realloc)))
  (core func $get (canon lower (func $state "get") (memory $memory) (realloc $realloc)))
  (core func $put (canon lower (func $state "put") (memory $memory) (realloc $realloc)))
  (core func $configured (canon lower (func $config "get") (memory $memory) (realloc $realloc)))
  (core func $write (canon lower (func $log "write") (memory $memory) (realloc $realloc)))
  (core func $random (canon lower (func $random "get-random-bytes") (memory $memory) (realloc $realloc)))
  (core func $exit (canon lower (func $exit "exit")))

  (core module $guest-module
    (import "libc" "memory" (memory 4))
    (import "libc" "next" (global $next (mut i32)))
    (import "libc" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
    ;; topic, key, tag, headers, body, when, place of the answer
    (import "host" "send" (func $send
      (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i32)))
    ;; messages, place of the answer
    (import "host" "send-many" (func $send-many (param i32 i32 i32)))
    ;; name, when, topic, tag, headers, body, place of the answer
    (import "host" "set" (func $set
      (param i32 i32 i32 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
    ;; name, then as `send`
    (import "host" "prepare" (func $prepare
      (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i32)))
    ;; name, place of the answer
    (import "host" "get" (func $get (param i32 i32 i32)))
    ;; name, value, place of the answer
    (import "host" "put" (func $put (param i32 i32 i32 i32 i32)))
    ;; name, place of the answer
    (import "host" "configured" (func $configured (param i32 i32 i32)))
    ;; level, line
    (import "host" "write" (func $write (param i32 i32 i32)))
    ;; length, place of the answer
    (import "host" "random" (func $random (param i64 i32)))
    (import "host" "exit" (func $exit (param i32)))
    ;; FRAGMENT
  )
  (core instance $guest (instantiate $guest-module
    (with "libc" (instance $libc))
    (with "host" (instance
      (export "send" (func $send))
      (export "send-many" (func $send-many))
      (export "set" (func $set))
      (export "prepare" (func $prepare))
      (export "get" (func $get))
      (export "put" (func $put))
      (export "configured" (func $configured))
      (export "write" (func $write))
      (export "random" (func $random))
      (export "exit" (func $exit))))))

  (func $handle (param "message" $message) (result (result (error $failure)))
    (canon lift (core func $guest "handle") (memory $memory) ;; LIFT
    ))
  (instance $handler (export "handle" (func $handle)))
  (export "wasmill:plugin/handler@0.1.0" (instance $handler)))
