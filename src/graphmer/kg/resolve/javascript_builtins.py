"""The names that a JavaScript program finds without an import, and the methods of its builtin values."""

LANGUAGE = """
AggregateError Array ArrayBuffer Atomics BigInt BigInt64Array BigUint64Array Boolean DataView Date Error EvalError
FinalizationRegistry Float32Array Float64Array Function Infinity Int16Array Int32Array Int8Array Intl Iterator JSON Map
Math NaN Number Object Promise Proxy RangeError ReferenceError Reflect RegExp Set SharedArrayBuffer String Symbol
SyntaxError TypeError URIError Uint16Array Uint32Array Uint8Array Uint8ClampedArray WeakMap WeakRef WeakSet decodeURI
decodeURIComponent encodeURI encodeURIComponent escape eval globalThis isFinite isNaN parseFloat parseInt unescape
"""
NODE_AND_WEB = """
AbortController AbortSignal Blob BroadcastChannel Buffer CustomEvent DOMException DOMParser Event EventSource
EventTarget File FileReader FormData HTMLElement Headers IntersectionObserver MessageChannel MutationObserver Node
ReadableStream Request ResizeObserver Response TextDecoder TextEncoder TransformStream URL URLSearchParams WebAssembly
WebSocket Worker WritableStream XMLHttpRequest alert atob btoa cancelAnimationFrame clearImmediate clearInterval
clearTimeout confirm console crypto document fetch global history localStorage location navigator performance process
prompt queueMicrotask requestAnimationFrame requestIdleCallback self sessionStorage setImmediate setInterval setTimeout
structuredClone window
"""
TEST_RUNNERS = """
after afterAll afterEach assert before beforeAll beforeEach bench context describe expect expectTypeOf it jest jasmine
mocha QUnit setup sinon specify suite suiteSetup suiteTeardown teardown test vi xdescribe xit
"""
# Methods of builtin values: where nothing is known of a receiver, it may well be one of those.
METHODS = """
add all allSettled any apply arrayBuffer at bind call catch charAt charCodeAt clear codePointAt concat copyWithin delete
endsWith entries every exec fill filter finally find findIndex findLast findLastIndex flat flatMap forEach get
getFullYear getMonth getTime has hasOwnProperty includes indexOf isPrototypeOf join json keys lastIndexOf localeCompare
map match matchAll next normalize padEnd padStart pop propertyIsEnumerable push race reduce reduceRight repeat replace
replaceAll resolve return reverse search set shift slice some sort splice split startsWith substr substring test text
then throw toFixed toISOString toJSON toLocaleString toLowerCase toPrecision toReversed toSorted toString toUpperCase
trim trimEnd trimStart unshift valueOf values
"""
# Types that say nothing of a value's class.
EMPTY_TYPES = frozenset(["any", "never", "null", "object", "this", "undefined", "unknown", "void"])
PRIMITIVES = {"string": "String", "number": "Number", "boolean": "Boolean", "bigint": "BigInt", "symbol": "Symbol"}

GLOBALS = frozenset((LANGUAGE + NODE_AND_WEB).split())
TEST_GLOBALS = frozenset(TEST_RUNNERS.split())
BUILTIN_METHODS = frozenset(METHODS.split())
NODE_MODULES = frozenset(
    [
        "assert",
        "async_hooks",
        "buffer",
        "child_process",
        "cluster",
        "console",
        "constants",
        "crypto",
        "dgram",
        "diagnostics_channel",
        "dns",
        "domain",
        "events",
        "fs",
        "http",
        "http2",
        "https",
        "inspector",
        "module",
        "net",
        "os",
        "path",
        "perf_hooks",
        "process",
        "punycode",
        "querystring",
        "readline",
        "repl",
        "stream",
        "string_decoder",
        "sys",
        "test",
        "timers",
        "tls",
        "trace_events",
        "tty",
        "url",
        "util",
        "v8",
        "vm",
        "wasi",
        "worker_threads",
        "zlib",
    ]
)


def library_of(specifier: str) -> str:
    """The library that a bare specifier names: `npm:@scope/name`, or `node:fs` for what Node.js brings."""
    bare = specifier.removeprefix("node:")
    parts = bare.split("/")
    top = parts[0]
    if specifier.startswith("node:") or top in NODE_MODULES:
        return f"node:{top}"
    return f"npm:{'/'.join(parts[:2])}" if top.startswith("@") else f"npm:{top}"
