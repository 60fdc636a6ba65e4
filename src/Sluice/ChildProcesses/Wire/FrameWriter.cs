using System.Buffers;

namespace Sluice.ChildProcesses;

/// <summary>A buffer of frames that are sent together.</summary>
/// <remarks>
/// Not thread-safe. A frame is its length (4 bytes, without these), its kind (1 byte) and the content. Numbers are little endian; texts are
/// UTF-8 after their length, 4 bytes.
/// </remarks>
internal sealed class FrameWriter : IDisposable
{
    private const int MaxKept = 1 << 20;

    private readonly RecordWriter to = new();

    /// <summary>The number of bytes in the buffer.</summary>
    public int Length => to.Written;

    public ReadOnlyMemory<byte> Memory => to.Memory;

    /// <summary>The buffer for a serializer, inside of a frame.</summary>
    public IBufferWriter<byte> Payload => to;

    /// <returns>The start of the frame, for <see cref="End"/>.</returns>
    public int Begin(byte kind)
    {
        int start = to.Written;
        Span<byte> head = to.GetSpan(5);
        head[4] = kind;
        to.Advance(5);
        return start;
    }

    public int Begin(byte kind, long number)
    {
        int start = Begin(kind);
        Write(number);
        return start;
    }

    public void End(int start) => BinaryPrimitives.WriteInt32LittleEndian(to.From(start), to.Written - start - 4);

    public void Write(byte value)
    {
        to.GetSpan(1)[0] = value;
        to.Advance(1);
    }

    public void Write(long number)
    {
        BinaryPrimitives.WriteInt64LittleEndian(to.GetSpan(8), number);
        to.Advance(8);
    }

    /// <summary>Writes bytes after their length.</summary>
    public void WriteSized(ReadOnlySpan<byte> bytes)
    {
        BinaryPrimitives.WriteInt32LittleEndian(to.GetSpan(4), bytes.Length);
        to.Advance(4);
        to.Write(bytes);
    }

    public void Write(ReadOnlySpan<byte> bytes) => to.Write(bytes);

    public void Write(string text)
    {
        int length = Encoding.UTF8.GetByteCount(text);
        BinaryPrimitives.WriteInt32LittleEndian(to.GetSpan(4), length);
        to.Advance(4);
        Encoding.UTF8.GetBytes(text, to.GetSpan(Math.Max(length, 1)));
        to.Advance(length);
    }

    /// <summary>Writes a value after its length.</summary>
    public void WriteSized<T>(IPayloadSerializer<T> serializer, T value)
    {
        int start = to.Written;
        to.GetSpan(4);
        to.Advance(4);
        serializer.Serialize(value, to);
        BinaryPrimitives.WriteInt32LittleEndian(to.From(start), to.Written - start - 4);
    }

    public void Truncate(int length) => to.Truncate(length);

    public void Clear()
    {
        to.Truncate(0);
        if (to.Capacity > MaxKept) to.Dispose();
    }

    public void Dispose() => to.Dispose();
}
