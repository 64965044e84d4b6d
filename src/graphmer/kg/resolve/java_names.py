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


def is_throwable_name(dotted: str) -> bool:
    """Whether an external class is an exception, by the naming convention of the Java Language Specification (6.1)."""
    return dotted.endswith(("Exception", "Error")) or dotted in ("java.lang.Throwable", "java.lang.ThreadDeath")
