using System.Buffers;
using System.Numerics;

namespace Sluice.Policies;

/// <summary>
/// Hashes of keys that are the same in every process, machine and version. They select lanes and partitions, which must not change at a
/// restart. <c>GetHashCode</c> of text and tuples does: its seed is new in every process.
/// </summary>
/// <remarks>
/// <para>
/// Text is hashed as its UTF-8 bytes by XXH64 with seed 0 (Y. Collet, xxHash specification 0.1.1), so that other languages can compute it,
/// and a text equals its bytes. Integers, enums, characters and booleans are their value as 64 bits, sign extended. Times are their ticks,
/// in UTC if they have an offset. A <see cref="Guid"/> is XXH64 of its 16 bytes. A tuple combines its parts in order.
/// </para>
/// <para>
/// Integers are consecutive; <see cref="Bucket"/> spreads them. Other types use their own <c>GetHashCode</c>, which may not be stable: see
/// <see cref="Covers"/>. Equal keys have equal hashes; byte arrays are equal if their bytes are.
/// </para>
/// </remarks>
internal static class StableHash
{
    private const ulong Golden = 0x9E3779B97F4A7C15;               // 2^64 divided by the golden ratio
    private const ulong Prime1 = 0x9E3779B185EBCA87, Prime2 = 0xC2B2AE3D27D4EB4F, Prime3 = 0x165667B19E3779F9;
    private const ulong Prime4 = 0x85EBCA77C2B2AE63, Prime5 = 0x27D4EB2F165667C5;

    /// <summary>Whether keys of this type have the same hash in every process.</summary>
    public static bool Covers(Type type)
    {
        if (Nullable.GetUnderlyingType(type) is { } underlying) return Covers(underlying);
        if (type.IsEnum || type == typeof(string) || type == typeof(byte[])) return true;
        if (type.IsAssignableTo(typeof(ITuple))) return Array.TrueForAll(type.GetGenericArguments(), Covers);
        return type == typeof(int) || type == typeof(long) || type == typeof(short) || type == typeof(sbyte) || type == typeof(uint)
            || type == typeof(ulong) || type == typeof(ushort) || type == typeof(byte) || type == typeof(char) || type == typeof(bool)
            || type == typeof(Guid) || type == typeof(DateTime) || type == typeof(DateTimeOffset) || type == typeof(TimeSpan)
            || type == typeof(DateOnly) || type == typeof(TimeOnly);
    }

    /// <summary>Returns the hash of a key; 0 for null. Tuples are boxed.</summary>
    public static ulong Of<TKey>(TKey key)
    {
        // The JIT resolves these tests for each type, so these keys are not boxed.
        if (typeof(TKey) == typeof(int)) return (ulong)Unsafe.As<TKey, int>(ref key);
        if (typeof(TKey) == typeof(long)) return (ulong)Unsafe.As<TKey, long>(ref key);
        if (typeof(TKey) == typeof(Guid)) return OfGuid(Unsafe.As<TKey, Guid>(ref key));
        if (typeof(TKey) == typeof(string)) return key is null ? 0 : Of((string)(object)key);
        return key is null ? 0 : OfObject(key);
    }

    /// <summary>Returns the hash of a text.</summary>
    public static ulong Of(string text)
    {
        const int OnTheStack = 384;
        int most = Encoding.UTF8.GetMaxByteCount(text.Length);
        byte[]? rented = most > OnTheStack ? ArrayPool<byte>.Shared.Rent(most) : null;
        Span<byte> bytes = rented ?? stackalloc byte[OnTheStack];
        ulong hash = Of(bytes[..Encoding.UTF8.GetBytes(text, bytes)]);
        if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
        return hash;
    }

    /// <summary>XXH64 with seed 0.</summary>
    public static ulong Of(ReadOnlySpan<byte> bytes)
    {
        ulong length = (ulong)bytes.Length;
        ulong hash = Prime5;
        if (bytes.Length >= 32)
        {
            ulong a = unchecked(Prime1 + Prime2), b = Prime2, c = 0, d = unchecked(0 - Prime1);
            for (; bytes.Length >= 32; bytes = bytes[32..])
            {
                a = Round(a, Word(bytes));
                b = Round(b, Word(bytes[8..]));
                c = Round(c, Word(bytes[16..]));
                d = Round(d, Word(bytes[24..]));
            }
            hash = BitOperations.RotateLeft(a, 1) + BitOperations.RotateLeft(b, 7) + BitOperations.RotateLeft(c, 12)
                + BitOperations.RotateLeft(d, 18);
            hash = Merge(Merge(Merge(Merge(hash, a), b), c), d);
        }
        hash += length;
        for (; bytes.Length >= 8; bytes = bytes[8..]) hash = (BitOperations.RotateLeft(hash ^ Round(0, Word(bytes)), 27) * Prime1) + Prime4;
        if (bytes.Length >= 4)
        {
            hash = (BitOperations.RotateLeft(hash ^ (BinaryPrimitives.ReadUInt32LittleEndian(bytes) * Prime1), 23) * Prime2) + Prime3;
            bytes = bytes[4..];
        }
        foreach (byte last in bytes) hash = BitOperations.RotateLeft(hash ^ (last * Prime5), 11) * Prime1;
        hash = (hash ^ (hash >> 33)) * Prime2;
        hash = (hash ^ (hash >> 29)) * Prime3;
        return hash ^ (hash >> 32);
    }

    /// <summary>
    /// Returns the bucket of a hash, from 0. Consecutive numbers spread over all buckets (Knuth's multiplicative hashing, the high bits).
    /// </summary>
    /// <param name="hash">A hash.</param>
    /// <param name="buckets">The number of buckets; 1 or more.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Bucket(ulong hash, int buckets) => (int)Math.BigMul(hash * Golden, (ulong)(uint)buckets, out _);

    private static ulong OfObject(object key) => key switch
    {
        string text => Of(text),
        byte[] bytes => Of(bytes.AsSpan()),
        int number => (ulong)number,
        long number => (ulong)number,
        short number => (ulong)number,
        sbyte number => (ulong)number,
        uint number => number,
        ulong number => number,
        ushort number => number,
        byte number => number,
        char letter => letter,
        bool value => value ? 1UL : 0,
        Guid guid => OfGuid(guid),
        DateTime time => (ulong)time.Ticks,
        DateTimeOffset time => (ulong)time.UtcTicks,
        TimeSpan time => (ulong)time.Ticks,
        DateOnly day => (ulong)day.DayNumber,
        TimeOnly time => (ulong)time.Ticks,
        Enum value => OfObject(Convert.ChangeType(value, value.GetTypeCode(), System.Globalization.CultureInfo.InvariantCulture)),
        ITuple tuple => OfTuple(tuple),
        _ => (ulong)key.GetHashCode(),
    };

    private static ulong OfTuple(ITuple tuple)
    {
        ulong hash = (ulong)tuple.Length;
        for (int i = 0; i < tuple.Length; i++) hash = Merge(hash, tuple[i] is { } part ? OfObject(part) : 0);
        return hash;
    }

    private static ulong OfGuid(Guid guid)
    {
        Span<byte> bytes = stackalloc byte[16];
        guid.TryWriteBytes(bytes);
        return Of(bytes);
    }

    private static ulong Word(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt64LittleEndian(bytes);

    private static ulong Round(ulong accumulator, ulong input) => BitOperations.RotateLeft(accumulator + (input * Prime2), 31) * Prime1;

    private static ulong Merge(ulong hash, ulong accumulator) => ((hash ^ Round(0, accumulator)) * Prime1) + Prime4;
}
