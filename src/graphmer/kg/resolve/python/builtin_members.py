"""What values of Python's builtin types have, as of 3.13: no other name is ever one of theirs."""

from graphmer.kg.resolve.python.builtin_names import EXCEPTIONS
from graphmer.kg.resolve.python.library import QUEUE_MEMBERS, QUEUES

_MEMBERS = """
str: capitalize casefold center count encode endswith expandtabs find format format_map index isalnum isalpha isascii \
isdecimal isdigit isidentifier islower isnumeric isprintable isspace istitle isupper join ljust lower lstrip maketrans \
partition removeprefix removesuffix replace rfind rindex rjust rpartition rsplit rstrip split splitlines startswith \
strip swapcase title translate upper zfill
bytes: capitalize center count decode endswith expandtabs find fromhex hex index isalnum isalpha isascii isdigit \
islower isspace istitle isupper join ljust lower lstrip maketrans partition removeprefix removesuffix replace rfind \
rindex rjust rpartition rsplit rstrip split splitlines startswith strip swapcase title translate upper zfill
bytearray: append capitalize center clear copy count decode endswith expandtabs extend find fromhex hex index insert \
isalnum isalpha isascii isdigit islower isspace istitle isupper join ljust lower lstrip maketrans partition pop remove \
removeprefix removesuffix replace resize reverse rfind rindex rjust rpartition rsplit rstrip split splitlines \
startswith strip swapcase title translate upper zfill
int: as_integer_ratio bit_count bit_length conjugate denominator from_bytes imag is_integer numerator real to_bytes
bool: as_integer_ratio bit_count bit_length conjugate denominator from_bytes imag is_integer numerator real to_bytes
float: as_integer_ratio conjugate fromhex from_number hex imag is_integer real
complex: conjugate from_number imag real
list: append clear copy count extend index insert pop remove reverse sort
deque: append appendleft clear copy count extend extendleft index insert maxlen pop popleft remove reverse rotate
tuple: count index
set: add clear copy difference difference_update discard intersection intersection_update isdisjoint issubset \
issuperset pop remove symmetric_difference symmetric_difference_update union update
frozenset: copy difference intersection isdisjoint issubset issuperset symmetric_difference union
dict: clear copy default_factory elements fromkeys get items keys maps most_common move_to_end new_child parents pop \
popitem setdefault subtract total update values
slice: indices start step stop
range: count index start step stop
memoryview: c_contiguous cast contiguous f_contiguous format hex itemsize nbytes ndim obj readonly release shape \
strides suboffsets tobytes tolist toreadonly
property: deleter fdel fget fset getter setter
type: mro
generator: aclose ag_await ag_code ag_frame ag_running asend athrow close gi_code gi_frame gi_running gi_suspended \
gi_yieldfrom send throw
open: buffer close closed closefd detach encoding errors fileno flush isatty line_buffering mode name newlines peek \
raw read read1 readable readall readinto readinto1 readline readlines reconfigure seek seekable tell truncate writable \
write write_through writelines
"""
_OF_EXCEPTIONS = frozenset(
    (
        "add_note", "args", "characters_written", "code", "derive", "encoding", "end", "end_lineno", "end_offset",
        "errno", "exceptions", "filename", "filename2", "lineno", "message", "msg", "name", "obj", "object", "offset",
        "path", "print_file_and_line", "reason", "split", "start", "strerror", "subgroup", "text", "value",
        "with_traceback",
    )
)  # fmt: skip
# A dict here is any of the mappings of `collections` too, a list a deque, a generator any stream: they share a kind.
MEMBERS: dict[str, frozenset[str]] = {
    name: frozenset(members.split())
    for name, _, members in (line.partition(": ") for line in _MEMBERS.strip().splitlines())
}
DEQUE_ONLY = MEMBERS["deque"] - MEMBERS["list"]


def is_type(name: str) -> bool:
    """Whether a builtin name is a type whose members are known, and no function."""
    return name in MEMBERS or name in EXCEPTIONS


def has_member(name: str, member: str) -> bool:
    """Whether values of a builtin type have a member; special names are not listed: any type may have those."""
    if member.startswith("__") and member.endswith("__"):
        return True
    if name in EXCEPTIONS:
        return member in _OF_EXCEPTIONS
    if name in QUEUES:
        return member in QUEUE_MEMBERS
    return member in MEMBERS.get(name, ()) or (name == "list" and member in DEQUE_ONLY)
