using System.Buffers;

namespace Sluice.Storage;

/// <summary>A growing, pooled buffer that serializers write into.</summary>
internal sealed class RecordWriter : IBufferWriter<byte>, IDisposable
{
    private byte[] buffer = [];

    public int Written { get; private set; }
    public int Capacity => buffer.Length;
    public ReadOnlyMemory<byte> Memory => buffer.AsMemory(0, Written);

    public Span<byte> From(int start) => buffer.AsSpan(start, Written - start);

    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)(buffer.Length - Written), nameof(count));
        Written += count;
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return buffer.AsMemory(Written);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return buffer.AsSpan(Written);
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        Reserve(bytes.Length);
        bytes.CopyTo(buffer.AsSpan(Written));
        Written += bytes.Length;
    }

    public void Truncate(int length) => Written = length;

    public void Dispose()
    {
        if (buffer.Length > 0) ArrayPool<byte>.Shared.Return(buffer);
        (buffer, Written) = ([], 0);
    }

    private void Reserve(int more)
    {
        if (buffer.Length - Written >= more) return;
        byte[] longer = ArrayPool<byte>.Shared.Rent((int)Math.Min(Math.Max(Written + (long)more, Math.Max(256, buffer.Length * 2L)),
            Array.MaxLength));
        Memory.Span.CopyTo(longer);
        if (buffer.Length > 0) ArrayPool<byte>.Shared.Return(buffer);
        buffer = longer;
    }
}
