"""What a Java program may name without an import, and what common methods of the standard library return.

Source: the Java SE 17 API documentation of java.lang, java.util, java.util.function, java.util.concurrent and java.io.
"""

from collections.abc import Mapping


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PRIMITIVES = frozenset({"byte", "short", "int", "long", "float", "double", "char", "boolean", "void"})
WIDER: Mapping[str, frozenset[str]] = {  # what an argument of this type may become without a cast
    "byte": frozenset({"short", "int", "long", "float", "double"}),
    "short": frozenset({"int", "long", "float", "double"}),
    "char": frozenset({"int", "long", "float", "double"}),
    "int": frozenset({"long", "float", "double"}),
    "long": frozenset({"float", "double"}),
    "float": frozenset({"double"}),
}
BOXES: Mapping[str, str] = {
    "byte": "java.lang.Byte",
    "short": "java.lang.Short",
    "int": "java.lang.Integer",
    "long": "java.lang.Long",
    "float": "java.lang.Float",
    "double": "java.lang.Double",
    "char": "java.lang.Character",
    "boolean": "java.lang.Boolean",
}
UNBOXED: Mapping[str, str] = {box: primitive for primitive, box in BOXES.items()}
NUMBERS = frozenset({"byte", "short", "char", "int", "long", "float", "double"})
BOXED = frozenset(BOXES.values())
OBJECT = "java.lang.Object"
STRING = "java.lang.String"
STRING_SUPERTYPES = frozenset({"java.lang.CharSequence", "java.lang.Comparable", "java.io.Serializable"})
BOX_SUPERTYPES = frozenset({"java.lang.Number", "java.lang.Comparable", "java.io.Serializable"})

OBJECT_METHODS: Mapping[str, int] = {  # and the number of their arguments
    "clone": 0,
    "equals": 1,
    "finalize": 0,
    "getClass": 0,
    "hashCode": 0,
    "notify": 0,
    "notifyAll": 0,
    "toString": 0,
    "wait": 0,
}
ENUM_METHODS = _words("compareTo describeConstable getDeclaringClass name ordinal valueOf values")

JAVA_LANG = _words(
    """
    Appendable AutoCloseable CharSequence Cloneable Comparable Iterable ProcessHandle Readable Runnable
    Boolean Byte Character Class ClassLoader ClassValue Compiler Double Enum Float InheritableThreadLocal Integer Long
    Math Module ModuleLayer Number Object Package Process ProcessBuilder Record Runtime RuntimePermission
    SecurityManager Short StackTraceElement StackWalker StrictMath String StringBuffer StringBuilder System Thread
    ThreadGroup ThreadLocal Throwable Void
    ArithmeticException ArrayIndexOutOfBoundsException ArrayStoreException ClassCastException ClassNotFoundException
    CloneNotSupportedException EnumConstantNotPresentException Exception IllegalAccessException
    IllegalArgumentException IllegalCallerException IllegalMonitorStateException IllegalStateException
    IllegalThreadStateException IndexOutOfBoundsException InstantiationException InterruptedException
    LayerInstantiationException MatchException NegativeArraySizeException NoSuchFieldException NoSuchMethodException
    NullPointerException NumberFormatException ReflectiveOperationException RuntimeException SecurityException
    StringIndexOutOfBoundsException TypeNotPresentException UnsupportedOperationException
    AbstractMethodError AssertionError BootstrapMethodError ClassCircularityError ClassFormatError Error
    ExceptionInInitializerError IllegalAccessError IncompatibleClassChangeError InstantiationError InternalError
    LinkageError NoClassDefFoundError NoSuchFieldError NoSuchMethodError OutOfMemoryError StackOverflowError
    ThreadDeath UnknownError UnsatisfiedLinkError UnsupportedClassVersionError VerifyError VirtualMachineError
    Deprecated FunctionalInterface Override SafeVarargs SuppressWarnings
    """
)

STAR_IMPORTED: Mapping[str, frozenset[str]] = {  # public names of packages that are often imported whole
    "java.util": _words(
        """
        AbstractCollection AbstractList AbstractMap AbstractQueue AbstractSequentialList AbstractSet ArrayDeque
        ArrayList Arrays Base64 BitSet Calendar Collection Collections Comparator ConcurrentModificationException
        Currency Date Deque Dictionary DoubleSummaryStatistics EmptyStackException EnumMap EnumSet Enumeration
        EventListener EventObject Formatter GregorianCalendar HashMap HashSet Hashtable HexFormat IdentityHashMap
        InputMismatchException IntSummaryStatistics Iterator LinkedHashMap LinkedHashSet LinkedList List ListIterator
        ListResourceBundle Locale LongSummaryStatistics Map MissingResourceException NavigableMap NavigableSet
        NoSuchElementException Objects Observable Observer Optional OptionalDouble OptionalInt OptionalLong
        PrimitiveIterator PriorityQueue Properties PropertyResourceBundle Queue Random RandomAccess ResourceBundle
        Scanner ServiceLoader Set SimpleTimeZone SortedMap SortedSet Spliterator Spliterators SplittableRandom Stack
        StringJoiner StringTokenizer TimeZone Timer TimerTask TreeMap TreeSet UUID Vector WeakHashMap
        """
    ),
    "java.io": _words(
        """
        BufferedInputStream BufferedOutputStream BufferedReader BufferedWriter ByteArrayInputStream
        ByteArrayOutputStream CharArrayReader CharArrayWriter Closeable Console DataInput DataInputStream DataOutput
        DataOutputStream EOFException Externalizable File FileDescriptor FileFilter FileInputStream
        FileNotFoundException FileOutputStream FileReader FileWriter FilenameFilter FilterInputStream
        FilterOutputStream Flushable IOError IOException InputStream InputStreamReader InterruptedIOException
        InvalidClassException InvalidObjectException LineNumberReader NotSerializableException ObjectInput
        ObjectInputStream ObjectOutput ObjectOutputStream ObjectStreamException OutputStream OutputStreamWriter
        PipedInputStream PipedOutputStream PrintStream PrintWriter PushbackInputStream PushbackReader
        RandomAccessFile Reader SequenceInputStream Serializable StreamTokenizer StringReader StringWriter
        UTFDataFormatException UncheckedIOException UnsupportedEncodingException Writer
        """
    ),
    "java.util.concurrent": _words(
        """
        ArrayBlockingQueue BlockingDeque BlockingQueue BrokenBarrierException Callable CancellationException
        CompletableFuture CompletionException CompletionService CompletionStage ConcurrentHashMap
        ConcurrentLinkedDeque ConcurrentLinkedQueue ConcurrentMap ConcurrentSkipListMap ConcurrentSkipListSet
        CopyOnWriteArrayList CopyOnWriteArraySet CountDownLatch CyclicBarrier DelayQueue Delayed Exchanger
        ExecutionException Executor ExecutorService Executors Flow ForkJoinPool ForkJoinTask Future FutureTask
        LinkedBlockingDeque LinkedBlockingQueue Phaser PriorityBlockingQueue RecursiveAction RecursiveTask
        RejectedExecutionException ScheduledExecutorService ScheduledFuture Semaphore SynchronousQueue ThreadFactory
        ThreadLocalRandom ThreadPoolExecutor TimeUnit TimeoutException
        """
    ),
    "java.util.function": _words(
        """
        BiConsumer BiFunction BiPredicate BinaryOperator BooleanSupplier Consumer DoubleFunction Function IntConsumer
        IntFunction IntPredicate IntSupplier IntUnaryOperator LongFunction ObjIntConsumer Predicate Supplier
        ToDoubleFunction ToIntFunction ToLongFunction UnaryOperator
        """
    ),
}

INTERFACES = _words(  # external supertypes of anonymous classes that are interfaces
    """
    java.lang.AutoCloseable java.lang.CharSequence java.lang.Comparable java.lang.Iterable java.lang.Runnable
    java.io.Closeable java.io.FileFilter java.io.FilenameFilter java.io.Serializable java.util.Collection
    java.util.Comparator java.util.Enumeration java.util.Iterator java.util.List java.util.ListIterator java.util.Map
    java.util.Map.Entry java.util.Set java.util.concurrent.Callable java.util.concurrent.Executor
    java.util.concurrent.ThreadFactory java.util.function.Consumer java.util.function.Function
    java.util.function.Predicate java.util.function.Supplier java.lang.reflect.InvocationHandler
    java.security.PrivilegedAction java.security.PrivilegedExceptionAction java.nio.file.FileVisitor java.util.Observer
    java.awt.event.ActionListener
    """
)

MARKERS = frozenset({"java.io.Serializable", "java.lang.Cloneable", "java.util.RandomAccess"})  # without methods

LITERALS: Mapping[str, str] = {"<String>": STRING, "<Class>": "java.lang.Class"}

FIELD_TYPES: Mapping[str, str] = {
    "java.lang.System.out": "java.io.PrintStream",
    "java.lang.System.err": "java.io.PrintStream",
    "java.lang.System.in": "java.io.InputStream",
    "java.io.File.separator": STRING,
    "java.io.File.pathSeparator": STRING,
    "java.lang.Integer.MAX_VALUE": "int",
    "java.lang.Integer.MIN_VALUE": "int",
    "java.lang.Long.MAX_VALUE": "long",
    "java.lang.Long.MIN_VALUE": "long",
    "java.lang.Double.MAX_VALUE": "double",
    "java.lang.Double.MIN_VALUE": "double",
    "java.lang.Double.NaN": "double",
    "java.lang.Double.POSITIVE_INFINITY": "double",
    "java.lang.Double.NEGATIVE_INFINITY": "double",
    "java.lang.Math.PI": "double",
    "java.lang.Math.E": "double",
}

ANY_RECEIVER: Mapping[str, str] = {  # methods of Object: the same result whatever the receiver
    "toString": STRING,
    "getClass": "java.lang.Class",
    "hashCode": "int",
    "equals": "boolean",
}

PROMOTING = frozenset({"java.lang.Math.abs", "java.lang.Math.max", "java.lang.Math.min"})  # give what they are given

_RETURNS = """
java.lang.String: String substring trim concat replace replaceAll replaceFirst toLowerCase toUpperCase intern strip \
stripLeading stripTrailing repeat valueOf format join formatted copyValueOf
java.lang.String: int length indexOf lastIndexOf compareTo compareToIgnoreCase codePointAt
java.lang.String: java.util.stream.IntStream chars codePoints
java.lang.Math: double sqrt cbrt pow exp log log10 sin cos tan asin acos atan atan2 hypot floor ceil rint random
java.lang.Math: double toRadians toDegrees
java.lang.Math: int toIntExact
java.lang.String: boolean isEmpty isBlank startsWith endsWith contains equalsIgnoreCase matches
java.lang.String: char charAt
java.lang.String: char[] toCharArray
java.lang.String: byte[] getBytes
java.lang.String: String[] split
java.lang.String: CharSequence subSequence
java.lang.StringBuilder: StringBuilder append insert delete deleteCharAt replace reverse
java.lang.StringBuilder: int length indexOf lastIndexOf
java.lang.StringBuilder: String substring
java.lang.StringBuffer: StringBuffer append insert delete deleteCharAt replace reverse
java.lang.Class: String getName getSimpleName getCanonicalName getTypeName getPackageName
java.lang.Class: ClassLoader getClassLoader
java.lang.Class: Class forName getSuperclass getComponentType getEnclosingClass getDeclaringClass
java.lang.Class: java.lang.reflect.Method getMethod getDeclaredMethod
java.lang.Class: java.lang.reflect.Method[] getMethods getDeclaredMethods
java.lang.Class: java.lang.reflect.Field getField getDeclaredField
java.lang.Class: java.lang.reflect.Field[] getFields getDeclaredFields
java.lang.Class: java.lang.reflect.Constructor getConstructor getDeclaredConstructor
java.lang.Class: java.lang.reflect.Constructor[] getConstructors getDeclaredConstructors
java.lang.Class: java.io.InputStream getResourceAsStream
java.lang.Class: Package getPackage
java.lang.Thread: Thread currentThread
java.lang.Thread: String getName
java.lang.Thread: ClassLoader getContextClassLoader
java.lang.Runtime: Runtime getRuntime
java.lang.System: String getProperty getenv lineSeparator
java.lang.System: long nanoTime currentTimeMillis
java.lang.System: int identityHashCode
java.lang.Integer: Integer valueOf
java.lang.Integer: int parseInt intValue compare bitCount compareTo
java.lang.Integer: String toString toHexString toBinaryString toOctalString
java.lang.Long: Long valueOf
java.lang.Long: long parseLong longValue
java.lang.Long: int compare bitCount intValue
java.lang.Long: String toString toHexString toBinaryString toOctalString
java.lang.Number: int intValue
java.lang.Number: long longValue
java.lang.Number: double doubleValue
java.lang.Character: boolean isDigit isLetter isLetterOrDigit isWhitespace isSpaceChar isUpperCase isLowerCase \
isAlphabetic isJavaIdentifierStart isJavaIdentifierPart isSurrogate isHighSurrogate isLowSurrogate isISOControl
java.lang.Character: int getNumericValue charCount codePointAt digit compare
java.lang.Character: char charValue forDigit
java.lang.Character: String toString getName
java.lang.Character: Character valueOf
java.lang.Boolean: String toString
java.lang.Double: String toString
java.lang.Double: int compare intValue
java.lang.Double: boolean isNaN isInfinite isFinite
java.lang.Double: Double valueOf
java.lang.Double: double parseDouble doubleValue longBitsToDouble
java.lang.Double: long doubleToLongBits doubleToRawLongBits
java.lang.Float: Float valueOf
java.lang.Float: float parseFloat floatValue intBitsToFloat
java.lang.Float: int floatToIntBits floatToRawIntBits
java.lang.Boolean: Boolean valueOf
java.lang.Boolean: boolean parseBoolean booleanValue
java.lang.Enum: String name
java.lang.Enum: int ordinal
java.lang.reflect.Method: Class getReturnType getDeclaringClass
java.lang.reflect.Method: Class[] getParameterTypes getExceptionTypes
java.lang.reflect.Method: String getName
java.lang.reflect.Field: Class getType getDeclaringClass
java.lang.reflect.Field: String getName
java.lang.reflect.Constructor: Class[] getParameterTypes
java.util.List: java.util.Iterator iterator
java.util.List: java.util.List subList of copyOf
java.util.List: java.util.stream.Stream stream
java.util.List: int size indexOf
java.util.List: boolean isEmpty contains
java.util.ArrayList: java.util.Iterator iterator
java.util.ArrayList: int size
java.util.ArrayList: boolean isEmpty
java.util.Collection: java.util.Iterator iterator
java.util.Collection: java.util.stream.Stream stream
java.util.Collection: int size
java.util.Set: java.util.Iterator iterator
java.util.Set: java.util.stream.Stream stream
java.util.Map: java.util.Set entrySet keySet
java.util.Map: java.util.Collection values
java.util.Map: int size
java.util.Map: boolean isEmpty containsKey
java.util.HashMap: java.util.Set entrySet keySet
java.util.HashMap: java.util.Collection values
java.util.TreeMap: java.util.Set entrySet keySet
java.util.TreeMap: java.util.Collection values
java.util.Arrays: java.util.List asList
java.util.Arrays: String toString deepToString
java.util.Collections: java.util.List emptyList singletonList unmodifiableList
java.util.Collections: java.util.Map emptyMap singletonMap unmodifiableMap
java.util.Collections: java.util.Set emptySet singleton unmodifiableSet
java.util.stream.Stream: java.util.stream.Stream filter map sorted distinct limit skip flatMap peek
java.nio.ByteBuffer: java.nio.ByteBuffer wrap allocate allocateDirect slice duplicate asReadOnlyBuffer put order
java.nio.ByteBuffer: byte[] array
java.nio.ByteBuffer: int remaining position limit capacity getInt
java.nio.file.Path: java.nio.file.Path resolve getParent getFileName toAbsolutePath normalize of
java.nio.file.Path: java.io.File toFile
java.nio.file.Paths: java.nio.file.Path get
java.io.File: String getName getPath getAbsolutePath getParent
java.io.File: java.io.File getParentFile getAbsoluteFile
java.io.File: java.nio.file.Path toPath
java.io.ByteArrayOutputStream: byte[] toByteArray
java.io.File: long length lastModified
java.io.File: boolean exists isFile isDirectory delete mkdir mkdirs canRead canWrite
java.io.File: java.io.File[] listFiles
java.io.File: String[] list
java.io.BufferedReader: String readLine
java.util.Objects: int hash hashCode
java.util.Objects: boolean equals isNull nonNull deepEquals
java.util.Objects: String toString
java.util.Arrays: boolean equals deepEquals
java.util.Arrays: int hashCode deepHashCode binarySearch
java.util.Scanner: String next nextLine
java.util.Scanner: int nextInt
java.util.Scanner: long nextLong
java.util.Scanner: double nextDouble
java.util.Scanner: boolean hasNext hasNextLine hasNextInt
java.util.Random: int nextInt
java.util.Random: long nextLong
java.util.Random: double nextDouble nextGaussian
java.util.Random: boolean nextBoolean
java.util.Properties: String getProperty
java.util.regex.Pattern: java.util.regex.Pattern compile
java.util.regex.Pattern: java.util.regex.Matcher matcher
java.util.regex.Pattern: String pattern quote
java.util.regex.Pattern: String[] split
java.util.regex.Matcher: String group replaceAll replaceFirst
java.util.regex.Matcher: boolean matches find lookingAt
java.util.regex.Matcher: int start end groupCount
java.util.concurrent.atomic.AtomicInteger: int get incrementAndGet decrementAndGet getAndIncrement getAndDecrement \
addAndGet getAndAdd getAndSet
java.util.concurrent.atomic.AtomicLong: long get incrementAndGet decrementAndGet getAndIncrement getAndDecrement \
addAndGet getAndAdd getAndSet
java.util.concurrent.atomic.AtomicBoolean: boolean get compareAndSet getAndSet
java.math.BigDecimal: java.math.BigDecimal add subtract multiply divide remainder negate abs pow setScale valueOf
java.math.BigDecimal: int compareTo signum scale precision
java.math.BigDecimal: String toPlainString
java.math.BigInteger: java.math.BigInteger add subtract multiply divide mod negate abs pow valueOf gcd
java.math.BigInteger: int compareTo signum bitLength
java.nio.file.Files: String readString
java.nio.file.Files: byte[] readAllBytes
java.nio.file.Files: long size
java.nio.file.Files: boolean exists notExists isDirectory isRegularFile deleteIfExists
java.nio.file.Files: java.nio.file.Path createDirectory createDirectories createTempFile createTempDirectory write \
writeString
java.util.logging.Logger: java.util.logging.Logger getLogger
java.lang.Throwable: String getMessage getLocalizedMessage
java.lang.Throwable: Throwable getCause initCause
java.lang.Throwable: StackTraceElement[] getStackTrace
"""


def _returns() -> dict[str, str]:
    table: dict[str, str] = {}
    for line in _RETURNS.strip().splitlines():
        receiver, _, rest = line.partition(": ")
        kind, *methods = rest.split()
        base = kind.removesuffix("[]")
        full = "java.lang." + kind if base in JAVA_LANG else kind
        table.update((f"{receiver}.{method}", full) for method in methods)
    return table


RETURNS: Mapping[str, str] = _returns()


def returned_by_name(dotted: str) -> str | None:
    """What a method of the library returns, by its dotted name alone; every exception has the methods of Throwable."""
    found = RETURNS.get(dotted)
    owner, _, name = dotted.rpartition(".")
    return RETURNS.get(f"java.lang.Throwable.{name}") if found is None and is_throwable_name(owner) else found


def is_throwable_name(dotted: str) -> bool:
    """Whether an external class is an exception, by the naming convention of the Java Language Specification (6.1)."""
    return dotted.endswith(("Exception", "Error")) or dotted in ("java.lang.Throwable", "java.lang.ThreadDeath")
