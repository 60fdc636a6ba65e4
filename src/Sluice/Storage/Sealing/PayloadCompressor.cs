using System.Buffers;
using System.IO.Compression;

namespace Sluice.Storage;

/// <summary>
/// The compression layer of a payload: a mark, then the bytes. Compressed bytes follow their uncompressed length (4 bytes, little-endian).
/// </summary>
/// <remarks>Immutable and thread-safe.</remarks>
internal sealed record PayloadCompressor(int Over, PayloadCompression Method, int MaxBytes, bool ReadsUncompressed)
{
    private const int HeadBytes = 5;
    private const int BrotliQuality = 4;             // the level of CompressionLevel.Optimal
    private const int BrotliWindow = 22;

    /// <summary>Writes a payload with its mark, compressed if that makes it shorter.</summary>
    /// <exception cref="PayloadException">The payload is longer than the limit for reading.</exception>
    public void Write(ReadOnlySpan<byte> payload, RecordWriter to)
    {
        if (payload.Length > MaxBytes)
            throw new PayloadException(
                $"It has {payload.Length:N0} bytes before it is compressed, the limit is {MaxBytes:N0} (maxBytes of Compressed). Store it "
                    + $"elsewhere and send a reference, or raise the limit.")
            { IsTooLong = true };
        if (payload.Length > Over && TryCompress(payload, to)) return;
        to.GetSpan(1)[0] = PayloadMark.Stored;
        to.Advance(1);
        to.Write(payload);
    }

    /// <summary>Removes the layer. Decompressed bytes are in the scratch buffer.</summary>
    /// <exception cref="PayloadException">The payload is damaged, too long, or has no such layer.</exception>
    public ReadOnlySpan<byte> Read(ReadOnlySpan<byte> payload, RecordWriter scratch)
    {
        byte mark = payload.IsEmpty ? (byte)0 : payload[0];
        if (mark == PayloadMark.Stored)
        {
            if (payload.Length - 1 > MaxBytes) throw TooLong(payload.Length - 1);
            return payload[1..];
        }
        if (mark is not (PayloadMark.Brotli or PayloadMark.ZLib))
        {
            if (PayloadMark.Hint(payload) is { } hint) throw new PayloadException(hint);
            if (ReadsUncompressed) return payload.Length > MaxBytes ? throw TooLong(payload.Length) : payload;
            throw new PayloadException(
                "It was written without compression, and such payloads are refused here: Compressed(readsUncompressed: true) reads them "
                    + "as well.");
        }
        if (payload.Length < HeadBytes) throw new PayloadException("It is compressed, and cut off.");
        int length = BinaryPrimitives.ReadInt32LittleEndian(payload[1..]);
        if (length < 0) throw Damaged();
        if (length > MaxBytes) throw TooLong(length);
        Span<byte> to = scratch.GetSpan(Math.Max(length, 1))[..length];
        bool isWhole = mark == PayloadMark.Brotli ? TryBrotli(payload[HeadBytes..], to) : TryZLib(payload[HeadBytes..], to);
        return isWhole ? to : throw Damaged();
    }

    private bool TryCompress(ReadOnlySpan<byte> payload, RecordWriter to)
    {
        int start = to.Written;
        bool isSmaller = Method == PayloadCompression.Brotli ? Brotli(payload, to) : ZLib(payload, to, start);
        if (!isSmaller) to.Truncate(start);
        return isSmaller;
    }

    private static bool Brotli(ReadOnlySpan<byte> payload, RecordWriter to)
    {
        Span<byte> span = to.GetSpan(payload.Length);
        if (payload.Length <= HeadBytes || !BrotliEncoder.TryCompress(payload, span[HeadBytes..payload.Length], out int written,
            BrotliQuality, BrotliWindow)) return false;
        Head(span, PayloadMark.Brotli, payload.Length);
        to.Advance(HeadBytes + written);
        return true;
    }

    private static bool ZLib(ReadOnlySpan<byte> payload, RecordWriter to, int start)
    {
        Head(to.GetSpan(HeadBytes), PayloadMark.ZLib, payload.Length);
        to.Advance(HeadBytes);
        using (var zlib = new ZLibStream(new WriterStream(to), CompressionLevel.Optimal)) zlib.Write(payload);
        return to.Written - start <= payload.Length;
    }

    private static void Head(Span<byte> to, byte mark, int length)
    {
        to[0] = mark;
        BinaryPrimitives.WriteInt32LittleEndian(to[1..], length);
    }

    private static bool TryBrotli(ReadOnlySpan<byte> from, Span<byte> to)
    {
        using var decoder = new BrotliDecoder();
        OperationStatus status = decoder.Decompress(from, to, out int consumed, out int written);
        return status == OperationStatus.Done && written == to.Length && consumed == from.Length;
    }

    private static bool TryZLib(ReadOnlySpan<byte> from, Span<byte> to)
    {
        byte[] bytes = ArrayPool<byte>.Shared.Rent(from.Length);
        try
        {
            from.CopyTo(bytes);
            using var zlib = new ZLibStream(new MemoryStream(bytes, 0, from.Length, writable: false), CompressionMode.Decompress);
            return zlib.ReadAtLeast(to, to.Length, throwOnEndOfStream: false) == to.Length && zlib.ReadByte() < 0;
        }
        catch (InvalidDataException)
        {
            return false;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    private static PayloadException Damaged() => new("What was compressed in it is damaged, or cut off.");

    private PayloadException TooLong(int length)
        => new($"It would have {length:N0} bytes when it is decompressed, the limit is {MaxBytes:N0} (maxBytes of Compressed).")
        {
            IsTooLong = true
        };

    /// <summary>A write-only stream over a writer.</summary>
    private sealed class WriterStream(RecordWriter to) : Stream
    {
        public override bool CanRead => false;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override void Flush() { }
        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => to.Write(buffer.AsSpan(offset, count));
        public override void Write(ReadOnlySpan<byte> buffer) => to.Write(buffer);
    }
}
