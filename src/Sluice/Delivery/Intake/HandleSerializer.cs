using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Concurrent;

namespace Sluice;

/// <summary>Keeps items where no store is: their payload is a number, by which they are found again.</summary>
internal sealed class HandleSerializer<T> : IPayloadSerializer<T>
{
    private readonly ConcurrentDictionary<long, T> items = new();
    private long last;

    public void Serialize(T value, IBufferWriter<byte> to)
    {
        long handle = Interlocked.Increment(ref last);
        items[handle] = value;
        BinaryPrimitives.WriteInt64LittleEndian(to.GetSpan(sizeof(long)), handle);
        to.Advance(sizeof(long));
    }

    public T Deserialize(ReadOnlySpan<byte> payload) => items[BinaryPrimitives.ReadInt64LittleEndian(payload)];
}
