"""The generic part of Java's standard library: what its classes extend, take and return, by their type variables.

Source: the Java SE 17 API documentation. A line is a class with its type variables and supertypes; below it stand its
methods, `name(parameters) returned`. A single capital letter is a type variable, any other name a class of this text or
of java.lang. Wildcards are left out: a value is read from `? extends T` as a T and handed to `? super T` as one.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

TEXT = """
java.lang.CharSequence
java.lang.Number
java.math.BigDecimal : Number, Comparable<BigDecimal>
java.math.BigInteger : Number, Comparable<BigInteger>
java.util.concurrent.atomic.AtomicInteger : Number
java.util.concurrent.atomic.AtomicLong : Number
java.lang.StringBuilder : CharSequence
java.lang.StringBuffer : CharSequence
java.lang.Iterable<T>
  iterator() Iterator<T>; forEach(Consumer<T>) void
java.lang.Comparable<T>
  compareTo(T) int
java.lang.ThreadLocal<T>
  get() T; withInitial(Supplier<S>) ThreadLocal<S>
java.lang.Class<T>
  newInstance() T; cast(Object) T
java.lang.Runnable
  run() void
java.util.concurrent.Callable<V>
  call() V
java.util.function.Function<T, R>
  apply(T) R; andThen(Function<R, V>) Function<T, V>; compose(Function<V, T>) Function<V, R>; identity() Function<T, T>
java.util.function.BiFunction<T, U, R>
  apply(T, U) R; andThen(Function<R, V>) BiFunction<T, U, V>
java.util.function.UnaryOperator<T> : Function<T, T>
  apply(T) T
java.util.function.BinaryOperator<T> : BiFunction<T, T, T>
  apply(T, T) T
java.util.function.Supplier<T>
  get() T
java.util.function.Consumer<T>
  accept(T) void
java.util.function.BiConsumer<T, U>
  accept(T, U) void
java.util.function.Predicate<T>
  test(T) boolean; and(Predicate<T>) Predicate<T>; or(Predicate<T>) Predicate<T>; negate() Predicate<T>
  not(Predicate<T>) Predicate<T>
java.util.function.BiPredicate<T, U>
  test(T, U) boolean
java.util.function.ToIntFunction<T>
  applyAsInt(T) int
java.util.function.ToLongFunction<T>
  applyAsLong(T) long
java.util.function.ToDoubleFunction<T>
  applyAsDouble(T) double
java.util.function.ToIntBiFunction<T, U>
  applyAsInt(T, U) int
java.util.function.IntFunction<R>
  apply(int) R
java.util.function.IntPredicate
  test(int) boolean
java.util.function.IntConsumer
  accept(int) void
java.util.function.IntSupplier
  getAsInt() int
java.util.function.BooleanSupplier
  getAsBoolean() boolean
java.util.function.IntUnaryOperator
  applyAsInt(int) int
java.util.function.IntBinaryOperator
  applyAsInt(int, int) int
java.util.Comparator<T>
  compare(T, T) int
  comparing(Function<T, U>) Comparator<T>; comparingInt(ToIntFunction<T>) Comparator<T>; reversed() Comparator<T>
  comparing(Function<T, U>, Comparator<U>) Comparator<T>; comparingLong(ToLongFunction<T>) Comparator<T>
  comparingDouble(ToDoubleFunction<T>) Comparator<T>; naturalOrder() Comparator<T>; reverseOrder() Comparator<T>
  nullsFirst(Comparator<T>) Comparator<T>; nullsLast(Comparator<T>) Comparator<T>
  thenComparing(Function<T, U>) Comparator<T>; thenComparing(Function<T, U>, Comparator<U>) Comparator<T>
  thenComparingInt(ToIntFunction<T>) Comparator<T>; thenComparingLong(ToLongFunction<T>) Comparator<T>
  thenComparingDouble(ToDoubleFunction<T>) Comparator<T>
java.util.Iterator<E>
  next() E; hasNext() boolean; forEachRemaining(Consumer<E>) void
java.util.ListIterator<E> : Iterator<E>
  previous() E
java.util.Enumeration<E>
  nextElement() E
java.util.Collection<E> : Iterable<E>
  stream() Stream<E>; parallelStream() Stream<E>; removeIf(Predicate<E>) boolean; size() int; isEmpty() boolean
  contains(Object) boolean; add(E) boolean; toArray(A[]) A[]; toArray() Object[]
java.util.List<E> : Collection<E>
  get(int) E; remove(int) E; set(int, E) E; subList(int, int) List<E>; listIterator() ListIterator<E>
  sort(Comparator<E>) void; replaceAll(UnaryOperator<E>) void; getFirst() E; getLast() E; removeFirst() E
  removeLast() E; indexOf(Object) int
  of() List<T>; of(T) List<T>; of(T, T) List<T>; of(T, T, T) List<T>; of(T, T, T, T) List<T>
  copyOf(Collection<T>) List<T>
java.util.ArrayList<E> : List<E>
java.util.LinkedList<E> : List<E>, Deque<E>
java.util.Vector<E> : List<E>
  elementAt(int) E; firstElement() E; lastElement() E
java.util.Stack<E> : Vector<E>
  push(E) E; pop() E; peek() E
java.util.concurrent.CopyOnWriteArrayList<E> : List<E>
java.util.Set<E> : Collection<E>
  of() Set<T>; of(T) Set<T>; of(T, T) Set<T>; of(T, T, T) Set<T>; copyOf(Collection<T>) Set<T>
java.util.HashSet<E> : Set<E>
java.util.LinkedHashSet<E> : Set<E>
java.util.SortedSet<E> : Set<E>
  first() E; last() E
java.util.NavigableSet<E> : SortedSet<E>
  floor(E) E; ceiling(E) E; lower(E) E; higher(E) E; pollFirst() E; pollLast() E; descendingIterator() Iterator<E>
java.util.TreeSet<E> : NavigableSet<E>
java.util.EnumSet<E> : Set<E>
java.util.Queue<E> : Collection<E>
  poll() E; peek() E; remove() E; element() E
java.util.Deque<E> : Queue<E>
  getFirst() E; getLast() E; removeFirst() E; removeLast() E; pollFirst() E; pollLast() E; peekFirst() E; peekLast() E
  pop() E; descendingIterator() Iterator<E>
java.util.ArrayDeque<E> : Deque<E>
java.util.PriorityQueue<E> : Queue<E>
java.util.concurrent.BlockingQueue<E> : Queue<E>
  take() E; poll(long, Object) E
java.util.concurrent.LinkedBlockingQueue<E> : BlockingQueue<E>
java.util.concurrent.ArrayBlockingQueue<E> : BlockingQueue<E>
java.util.concurrent.ConcurrentLinkedQueue<E> : Queue<E>
java.util.Map<K, V>
  get(Object) V; getOrDefault(Object, V) V; put(K, V) V; putIfAbsent(K, V) V; remove(Object) V
  computeIfAbsent(K, Function<K, V>) V; computeIfPresent(K, BiFunction<K, V, V>) V; compute(K, BiFunction<K, V, V>) V
  merge(K, V, BiFunction<V, V, V>) V; keySet() Set<K>; values() Collection<V>; entrySet() Set<Entry<K, V>>
  forEach(BiConsumer<K, V>) void; replaceAll(BiFunction<K, V, V>) void; size() int; isEmpty() boolean
  containsKey(Object) boolean
  of() Map<A, B>; of(A, B) Map<A, B>; of(A, B, A, B) Map<A, B>; entry(A, B) Entry<A, B>; copyOf(Map<A, B>) Map<A, B>
java.util.Map.Entry<K, V>
  getKey() K; getValue() V; setValue(V) V
java.util.HashMap<K, V> : Map<K, V>
java.util.LinkedHashMap<K, V> : Map<K, V>
java.util.Hashtable<K, V> : Map<K, V>
java.util.WeakHashMap<K, V> : Map<K, V>
java.util.IdentityHashMap<K, V> : Map<K, V>
java.util.EnumMap<K, V> : Map<K, V>
java.util.concurrent.ConcurrentMap<K, V> : Map<K, V>
java.util.concurrent.ConcurrentHashMap<K, V> : ConcurrentMap<K, V>
java.util.SortedMap<K, V> : Map<K, V>
  firstKey() K; lastKey() K; headMap(K) SortedMap<K, V>; tailMap(K) SortedMap<K, V>
java.util.NavigableMap<K, V> : SortedMap<K, V>
  firstEntry() Entry<K, V>; lastEntry() Entry<K, V>; floorEntry(K) Entry<K, V>; ceilingEntry(K) Entry<K, V>
  floorKey(K) K; ceilingKey(K) K; pollFirstEntry() Entry<K, V>; pollLastEntry() Entry<K, V>
  descendingMap() NavigableMap<K, V>
java.util.TreeMap<K, V> : NavigableMap<K, V>
java.util.Optional<T>
  get() T; orElse(T) T; orElseThrow() T; orElseThrow(Supplier<X>) T; orElseGet(Supplier<T>) T
  map(Function<T, U>) Optional<U>; flatMap(Function<T, Optional<U>>) Optional<U>; filter(Predicate<T>) Optional<T>
  ifPresent(Consumer<T>) void; ifPresentOrElse(Consumer<T>, Runnable) void; isPresent() boolean; stream() Stream<T>
  or(Supplier<Optional<T>>) Optional<T>
  of(A) Optional<A>; ofNullable(A) Optional<A>; empty() Optional<A>; isEmpty() boolean
java.util.stream.Stream<T>
  filter(Predicate<T>) Stream<T>; map(Function<T, R>) Stream<R>; flatMap(Function<T, Stream<R>>) Stream<R>
  mapToInt(ToIntFunction<T>) IntStream; mapToLong(ToLongFunction<T>) LongStream
  mapToDouble(ToDoubleFunction<T>) DoubleStream; sorted() Stream<T>; sorted(Comparator<T>) Stream<T>
  distinct() Stream<T>; limit(long) Stream<T>; skip(long) Stream<T>; peek(Consumer<T>) Stream<T>
  takeWhile(Predicate<T>) Stream<T>; dropWhile(Predicate<T>) Stream<T>; forEach(Consumer<T>) void
  forEachOrdered(Consumer<T>) void; anyMatch(Predicate<T>) boolean; allMatch(Predicate<T>) boolean
  noneMatch(Predicate<T>) boolean; findFirst() Optional<T>; findAny() Optional<T>; min(Comparator<T>) Optional<T>
  max(Comparator<T>) Optional<T>; reduce(T, BinaryOperator<T>) T; reduce(BinaryOperator<T>) Optional<T>
  count() long; toList() List<T>; iterator() Iterator<T>; of(A) Stream<A>; of(A, A) Stream<A>; of(A, A, A) Stream<A>
  toArray() Object[]; toArray(IntFunction<A[]>) A[]; concat(Stream<A>, Stream<A>) Stream<A>
  collect(Collector<T, A, R>) R; generate(Supplier<A>) Stream<A>; iterate(A, UnaryOperator<A>) Stream<A>
java.util.stream.IntStream
  mapToObj(IntFunction<R>) Stream<R>; forEach(IntConsumer) void; map(IntUnaryOperator) IntStream; sum() int
  filter(IntPredicate) IntStream; range(int, int) IntStream; rangeClosed(int, int) IntStream; boxed() Stream<Integer>
  count() long; reduce(int, IntBinaryOperator) int; toArray() int[]; distinct() IntStream; sorted() IntStream
  limit(long) IntStream; skip(long) IntStream; peek(IntConsumer) IntStream; anyMatch(IntPredicate) boolean
  allMatch(IntPredicate) boolean; noneMatch(IntPredicate) boolean
java.util.stream.LongStream
  sum() long
java.util.stream.DoubleStream
  sum() double
java.util.stream.Collector<T, A, R>
java.util.stream.Collectors
  toList() Collector<T, A, List<T>>; toSet() Collector<T, A, Set<T>>
  groupingBy(Function<T, K>) Collector<T, A, Map<K, List<T>>>
  groupingBy(Function<T, K>, Collector<T, B, D>) Collector<T, A, Map<K, D>>
  groupingBy(Function<T, K>, Supplier<M>, Collector<T, B, D>) Collector<T, A, M>
  partitioningBy(Predicate<T>) Collector<T, A, Map<Boolean, List<T>>>
  partitioningBy(Predicate<T>, Collector<T, B, D>) Collector<T, A, Map<Boolean, D>>
  toMap(Function<T, K>, Function<T, V>) Collector<T, A, Map<K, V>>
  toMap(Function<T, K>, Function<T, V>, BinaryOperator<V>) Collector<T, A, Map<K, V>>
  toMap(Function<T, K>, Function<T, V>, BinaryOperator<V>, Supplier<M>) Collector<T, A, M>
  mapping(Function<T, U>, Collector<U, B, R>) Collector<T, A, R>; toCollection(Supplier<C>) Collector<T, A, C>
  toUnmodifiableList() Collector<T, A, List<T>>; toUnmodifiableSet() Collector<T, A, Set<T>>
  counting() Collector<T, A, Long>; joining() Collector<CharSequence, A, String>
  joining(CharSequence) Collector<CharSequence, A, String>
  joining(CharSequence, CharSequence, CharSequence) Collector<CharSequence, A, String>
java.util.Collections
  emptyList() List<T>; singletonList(T) List<T>; unmodifiableList(List<T>) List<T>; singleton(T) Set<T>
  unmodifiableSet(Set<T>) Set<T>; unmodifiableMap(Map<K, V>) Map<K, V>
  unmodifiableCollection(Collection<T>) Collection<T>
  max(Collection<T>) T; min(Collection<T>) T; max(Collection<T>, Comparator<T>) T; min(Collection<T>, Comparator<T>) T
  sort(List<T>, Comparator<T>) void; sort(List<T>) void; reverse(List<T>) void; synchronizedList(List<T>) List<T>
  emptySet() Set<T>; emptyMap() Map<K, V>; reverseOrder() Comparator<T>
  reverseOrder(Comparator<T>) Comparator<T>; synchronizedMap(Map<K, V>) Map<K, V>
java.util.Arrays
  stream(T[]) Stream<T>; sort(T[], Comparator<T>) void; asList(T[]) List<T>; copyOf(T[], int) T[]
  copyOfRange(T[], int, int) T[]
java.util.Objects
  requireNonNull(T) T; requireNonNull(T, String) T; requireNonNullElse(T, T) T
java.util.concurrent.Future<V>
  get() V; get(long, Object) V
java.util.concurrent.CompletableFuture<T> : Future<T>
  join() T; thenApply(Function<T, U>) CompletableFuture<U>; thenAccept(Consumer<T>) CompletableFuture<Void>
  supplyAsync(Supplier<U>) CompletableFuture<U>; thenCompose(Function<T, CompletableFuture<U>>) CompletableFuture<U>
  thenCombine(CompletableFuture<U>, BiFunction<T, U, V>) CompletableFuture<V>
java.util.concurrent.ExecutorService
  submit(Callable<T>) Future<T>; execute(Runnable) void
java.util.concurrent.atomic.AtomicReference<V>
  get() V; getAndSet(V) V; updateAndGet(UnaryOperator<V>) V
java.lang.ref.WeakReference<T>
  get() T
java.lang.ref.SoftReference<T>
  get() T
"""
HEADER = re.compile(r"([\w.]+)(?:<([\w, ]+)>)?(?: : (.+))?$")
METHOD = re.compile(r"(\w+)\(([^()]*)\) ([^;]+)")


class LibraryMethod(NamedTuple):
    """A method's parameters and result, as written in TEXT."""

    parameters: tuple[str, ...]
    returned: str


class LibraryClass(NamedTuple):
    """A class: its type variables, its supertypes as written, its methods by name; the first written comes first."""

    variables: tuple[str, ...]
    supertypes: tuple[str, ...]
    methods: dict[str, list[LibraryMethod]]


def split_arguments(text: str) -> list[str]:
    """The parts between the commas that stand in no angle bracket."""
    found, depth, begin = [], 0, 0
    for place, character in enumerate(text):
        if character == "," and depth == 0:
            found.append(text[begin:place].strip())
            begin = place + 1
        depth += (character == "<") - (character == ">")
    last = text[begin:].strip()
    return [*found, last] if last else found


def _read(text: str) -> dict[str, LibraryClass]:
    classes: dict[str, LibraryClass] = {}
    methods: dict[str, list[LibraryMethod]] = {}
    for line in text.strip().splitlines():
        if not line.startswith(" "):
            header = HEADER.match(line)
            assert header is not None, f"java_library.TEXT: '{line}' is no class"
            methods = {}
            classes[header[1]] = LibraryClass(
                tuple(split_arguments(header[2] or "")), tuple(split_arguments(header[3] or "")), methods
            )
            continue
        for name, parameters, returned in METHOD.findall(line):
            methods.setdefault(name, []).append(LibraryMethod(tuple(split_arguments(parameters)), returned.strip()))
    return classes


LIBRARY: Mapping[str, LibraryClass] = _read(TEXT)
DOTTED: Mapping[str, str] = {name.rpartition(".")[2]: name for name in LIBRARY}
FUNCTIONAL = frozenset(
    name for name in LIBRARY if name.startswith("java.util.function.")
    or name in ("java.lang.Runnable", "java.util.concurrent.Callable", "java.util.Comparator", "java.lang.Comparable")
)  # fmt: skip
