using System.Buffers;

namespace Sluice.Delivery;

/// <summary>The changed rows of one node for a commit. A failure to write a row names the node and the key
/// (<see cref="UnwritableException"/>).</summary>
/// <remarks>Not thread-safe: used during one save.</remarks>
internal sealed class ChangedRows(PayloadSerializers serializers, int index, string node, List<StateRow> rows, SpareWork spare)
    : StateWriter
{
    // Holds all values in sequence. When it grows, earlier values stay in their old array.
    private readonly ArrayBufferWriter<byte> values = new();

    public override bool TryTake(int bytes) => spare.TryTake(bytes);

    public override int Put<T>(string key, T value, int version = 0)
    {
        Check(key);
        int start = values.WrittenCount;
        try
        {
            serializers.For<T>().Serialize(value, values);
        }
        catch (Exception e)
        {
            throw Unwritable(key, e);
        }
        rows.Add(new(node, key, version, values.WrittenMemory[start..]));
        return values.WrittenCount - start;
    }

    public override int PutMany<T>(string key, ReadOnlySpan<T> values) => PutMany(key, new ArrayBufferWriter<byte>(), values);

    public override int PutMany<T>(string key, ReadOnlySpan<long> numbers, ReadOnlySpan<T> values)
    {
        const int Length = sizeof(long);
        var bytes = new ArrayBufferWriter<byte>();
        BinaryPrimitives.WriteInt32LittleEndian(bytes.GetSpan(4), Length * numbers.Length);
        bytes.Advance(4);
        foreach (long number in numbers)
        {
            BinaryPrimitives.WriteInt64LittleEndian(bytes.GetSpan(Length), number);
            bytes.Advance(Length);
        }
        return PutMany(key, bytes, values);
    }

    private int PutMany<T>(string key, ArrayBufferWriter<byte> bytes, ReadOnlySpan<T> values)
    {
        Check(key);
        var one = new ArrayBufferWriter<byte>();
        try
        {
            IPayloadSerializer<T> serializer = serializers.For<T>();
            foreach (T value in values)
            {
                one.ResetWrittenCount();
                serializer.Serialize(value, one);
                BinaryPrimitives.WriteInt32LittleEndian(bytes.GetSpan(4), one.WrittenCount);
                bytes.Advance(4);
                bytes.Write(one.WrittenSpan);
            }
        }
        catch (Exception e)
        {
            throw Unwritable(key, e);
        }
        rows.Add(new(node, key, 0, bytes.WrittenMemory));
        return bytes.WrittenCount;
    }

    public override int PutBytes(string key, byte[] value)
    {
        Check(key);
        rows.Add(new(node, key, 0, value));
        return value.Length;
    }

    public override void Delete(string key)
    {
        Check(key);
        rows.Add(new(node, key, 0, null));
    }

    /// <summary>Refuses keys that a store cannot keep: it stores UTF-8 without the character zero, so two keys that look equal to it would
    /// share one state.</summary>
    private void Check(string key)
    {
        if (key.Contains('\0')) throw Unwritable(key, new ArgumentException("Its key holds the character zero."));
        if (HalfCharacters.IndexIn(key) >= 0)
            throw Unwritable(key, new ArgumentException("Its key holds half of a character (an unpaired surrogate)."));
    }

    private UnwritableException Unwritable(string key, Exception cause)
        => new(index, node,
        $"What '{node}' remembers{(key.Length == 0 ? "" : $" under the key '{ItemText.Of(key)}'")} cannot be "
            + $"written: {FailureText.MessageOf(cause)}", cause);
}
