"""Names that Python itself gives, as of 3.13. Written down, so that no graph depends on the Python that built it."""

EXCEPTIONS = frozenset(
    (
        "ArithmeticError", "AssertionError", "AttributeError", "BaseException", "BaseExceptionGroup",
        "BlockingIOError", "BrokenPipeError", "BufferError", "BytesWarning", "ChildProcessError",
        "ConnectionAbortedError", "ConnectionError", "ConnectionRefusedError", "ConnectionResetError",
        "DeprecationWarning", "EOFError", "EncodingWarning", "EnvironmentError", "Exception", "ExceptionGroup",
        "FileExistsError", "FileNotFoundError", "FloatingPointError", "FutureWarning", "GeneratorExit", "IOError",
        "ImportError", "ImportWarning", "IndentationError", "IndexError", "InterruptedError", "IsADirectoryError",
        "KeyError", "KeyboardInterrupt", "LookupError", "MemoryError", "ModuleNotFoundError", "NameError",
        "NotADirectoryError", "NotImplementedError", "OSError", "OverflowError", "PendingDeprecationWarning",
        "PermissionError", "ProcessLookupError", "PythonFinalizationError", "RecursionError", "ReferenceError",
        "ResourceWarning", "RuntimeError", "RuntimeWarning", "StopAsyncIteration", "StopIteration", "SyntaxError",
        "SyntaxWarning", "SystemError", "SystemExit", "TabError", "TimeoutError", "TypeError", "UnboundLocalError",
        "UnicodeDecodeError", "UnicodeEncodeError", "UnicodeError", "UnicodeTranslateError", "UnicodeWarning",
        "UserWarning", "ValueError", "Warning", "ZeroDivisionError",
    )
)  # fmt: skip
BUILTINS = EXCEPTIONS | frozenset(
    (
        "Ellipsis", "False", "None", "NotImplemented", "True", "__import__", "abs", "aiter", "all", "anext", "any",
        "ascii", "bin", "bool", "breakpoint", "bytearray", "bytes", "callable", "chr", "classmethod", "compile",
        "complex", "copyright", "credits", "delattr", "dict", "dir", "divmod", "enumerate", "eval", "exec", "exit",
        "filter", "float", "format", "frozenset", "getattr", "globals", "hasattr", "hash", "help", "hex", "id",
        "input", "int", "isinstance", "issubclass", "iter", "len", "license", "list", "locals", "map", "max",
        "memoryview", "min", "next", "object", "oct", "open", "ord", "pow", "print", "property", "quit", "range",
        "repr", "reversed", "round", "set", "setattr", "slice", "sorted", "staticmethod", "str", "sum", "super",
        "tuple", "type", "vars", "zip",
    )
)  # fmt: skip
# Methods of texts, bytes, numbers, containers, files, generators and exceptions.
METHODS = frozenset(
    (
        "aclose", "add", "add_note", "append", "args", "as_integer_ratio", "asend", "athrow", "bit_count",
        "bit_length", "buffer", "c_contiguous", "capitalize", "casefold", "cast", "center", "clear", "close",
        "closed", "conjugate", "contiguous", "copy", "count", "decode", "denominator", "detach", "difference",
        "difference_update", "discard", "encode", "encoding", "endswith", "errors", "expandtabs", "extend",
        "f_contiguous", "fileno", "find", "flush", "format", "format_map", "from_bytes", "fromhex", "fromkeys",
        "get", "getbuffer", "getvalue", "gi_code", "gi_frame", "gi_running", "gi_suspended", "gi_yieldfrom", "hex",
        "imag", "index", "insert", "intersection", "intersection_update", "is_integer", "isalnum", "isalpha",
        "isascii", "isatty", "isdecimal", "isdigit", "isdisjoint", "isidentifier", "islower", "isnumeric",
        "isprintable", "isspace", "issubset", "issuperset", "istitle", "isupper", "items", "itemsize", "join",
        "keys", "line_buffering", "ljust", "lower", "lstrip", "maketrans", "mode", "name", "nbytes", "ndim",
        "newlines", "numerator", "obj", "partition", "peek", "pop", "popitem", "raw", "read", "read1", "readable",
        "readinto", "readinto1", "readline", "readlines", "readonly", "real", "reconfigure", "release", "remove",
        "removeprefix", "removesuffix", "replace", "reverse", "rfind", "rindex", "rjust", "rpartition", "rsplit",
        "rstrip", "seek", "seekable", "send", "setdefault", "shape", "sort", "split", "splitlines", "startswith",
        "strides", "strip", "suboffsets", "swapcase", "symmetric_difference", "symmetric_difference_update", "tell",
        "throw", "title", "to_bytes", "tobytes", "tolist", "toreadonly", "translate", "truncate", "union", "update",
        "upper", "values", "with_traceback", "writable", "write", "write_through", "writelines", "zfill",
    )
)  # fmt: skip
