using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Sluice.Sqlite;

/// <summary>
/// The checksum of a row's values, in the order in which they are added. It detects damage, not forgery. A value; needs no lock.
/// </summary>
internal struct RowSum
{
    private const ulong Factor = 0x9E3779B97F4A7C15, Step = 0xD1B54A32D192ED03;

    private ulong state;

    public readonly long Value => (long)state;

    /// <summary>
    /// Returns the contribution of a waiting entry to the digest of its partition. Digests are sums, so the order does not matter.
    /// </summary>
    public static long Presence(long seq) => new RowSum().Add("row").Add(seq).Value;

    /// <summary>Returns the contribution of a row of state.</summary>
    public static long Presence(string node, string key) => new RowSum().Add("state").Add(node).Add(key).Value;

    /// <summary>Returns the contribution of a file's length.</summary>
    public static long Presence(string file) => new RowSum().Add("file").Add(file).Value;

    public RowSum Add(long value)
    {
        ulong high = Math.BigMul(state ^ (ulong)value, Factor, out ulong low);
        state = (high ^ low) + Step;
        return this;
    }

    public RowSum Add(long? value) => value is { } some ? Add(1).Add(some) : Add(0);

    public RowSum Add(string? text) => text is null ? Add(-1) : Add(MemoryMarshal.AsBytes(text.AsSpan()));

    public RowSum Add(ReadOnlySpan<byte> bytes)
    {
        RowSum sum = Add(bytes.Length);
        for (; bytes.Length >= 8; bytes = bytes[8..]) sum = sum.Add(BinaryPrimitives.ReadInt64LittleEndian(bytes));
        ulong rest = 0;
        for (int i = 0; i < bytes.Length; i++) rest |= (ulong)bytes[i] << (8 * i);
        return bytes.IsEmpty ? sum : sum.Add((long)rest);
    }
}
