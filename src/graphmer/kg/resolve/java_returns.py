"""What methods of the standard library return that have no type arguments, by their dotted name.

Source: the Java SE 17 API documentation. A line is a class, what it returns, and the methods that do.
"""

from collections.abc import Mapping

from graphmer.kg.resolve.java_names import JAVA_LANG, is_throwable_name

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
