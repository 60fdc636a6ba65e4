using System.Buffers;
using System.Buffers.Text;

namespace Sluice.Producers;

/// <summary>Splits the bytes of a connection into frames. The buffer grows to the longest frame at most.</summary>
/// <remarks>Used by one connection.</remarks>
internal sealed class TcpFrames(TcpFraming framing, int longest) : IDisposable
{
    private const int NumberLength = sizeof(long);
    private const int MaxAnswer = 500;

    private const int Overhead = 24;                 // of a frame: its length, or its number as text and its end
    private const int FirstLength = 16 << 10;

    private byte[] buffer = ArrayPool<byte>.Shared.Rent(FirstLength);
    private int start;
    private int end;
    private int searched;                            // bytes of the incomplete line without a line feed

    /// <summary>The memory to receive into; not empty.</summary>
    public Memory<byte> Room()
    {
        if (start == end) (start, end, searched) = (0, 0, 0);
        if (end == buffer.Length && start > 0)
        {
            buffer.AsSpan(start, end - start).CopyTo(buffer);
            (start, end) = (0, end - start);
        }
        else if (end == buffer.Length)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(buffer.Length * 2L, longest + (long)Overhead));
            buffer.AsSpan(0, end).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(buffer);
            buffer = larger;
        }
        return buffer.AsMemory(end);
    }

    public void Received(int bytes) => end += bytes;

    /// <summary>Takes the next whole frame; valid until <see cref="Room"/> is called.</summary>
    /// <exception cref="FormatException">It is longer than allowed.</exception>
    public bool TryTake(out ReadOnlyMemory<byte> frame) => framing == TcpFraming.Lines ? TryTakeLine(out frame) : TryTakeLength(out frame);

    /// <summary>The number and the payload of a frame.</summary>
    /// <exception cref="FormatException">It has no number.</exception>
    public (long Number, ReadOnlyMemory<byte> Payload) Numbered(ReadOnlyMemory<byte> frame)
    {
        ReadOnlySpan<byte> bytes = frame.Span;
        if (framing == TcpFraming.Length)
        {
            return bytes.Length >= NumberLength
                ? (BinaryPrimitives.ReadInt64BigEndian(bytes), frame[NumberLength..])
                : throw new FormatException($"A frame has {Amounts.Of(bytes.Length, "byte")}: too few for its number, which takes {NumberLength}.");
        }
        return Utf8Parser.TryParse(bytes, out long number, out int length) && length < bytes.Length && bytes[length] == ' '
            ? (number, frame[(length + 1)..])
            : throw new FormatException("A line does not begin with its number and a space.");
    }

    /// <summary>Whether all received bytes were taken.</summary>
    public bool IsEmpty => start == end;

    public FormatException TooLong() => new($"A frame is longer than {Amounts.Of(longest, "byte")}.");

    /// <summary>A frame with a text for the client.</summary>
    public static byte[] Answer(string text, TcpFraming framing)
    {
        if (text.Length > MaxAnswer) text = text[..MaxAnswer];
        byte[] bytes = Encoding.UTF8.GetBytes(string.Concat(text.Select(one => char.IsControl(one) ? ' ' : one)));
        if (framing == TcpFraming.Lines) return [.. bytes, (byte)'\n'];
        byte[] frame = new byte[sizeof(uint) + bytes.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, bytes.Length);
        bytes.CopyTo(frame, sizeof(uint));
        return frame;
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(buffer);

    private bool TryTakeLine(out ReadOnlyMemory<byte> frame)
    {
        frame = default;
        int found = buffer.AsSpan(start + searched, end - start - searched).IndexOf((byte)'\n');
        int length = found < 0 ? end - start : searched + found;
        if (length >= longest + Overhead) throw TooLong();
        if (found < 0)
        {
            searched = length;
            return false;
        }
        int visible = length > 0 && buffer[start + length - 1] == '\r' ? length - 1 : length;
        frame = buffer.AsMemory(start, visible);
        (start, searched) = (start + length + 1, 0);
        return true;
    }

    private bool TryTakeLength(out ReadOnlyMemory<byte> frame)
    {
        frame = default;
        if (end - start < sizeof(uint)) return false;
        uint length = BinaryPrimitives.ReadUInt32BigEndian(buffer.AsSpan(start));
        if (length > (uint)longest + NumberLength) throw TooLong();
        if (end - start - sizeof(uint) < length) return false;
        frame = buffer.AsMemory(start + sizeof(uint), (int)length);
        start += sizeof(uint) + (int)length;
        return true;
    }
}
