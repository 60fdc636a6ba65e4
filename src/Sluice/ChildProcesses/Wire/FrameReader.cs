using System.Buffers;
using System.Net.Sockets;

namespace Sluice.ChildProcesses;

/// <summary>Reads frames from a connection.</summary>
/// <remarks>Not thread-safe.</remarks>
/// <param name="socket">The connection.</param>
/// <param name="longest">The largest frame at first, in bytes.</param>
internal sealed class FrameReader(Socket socket, long longest) : IDisposable
{
    private const int Usual = 1 << 17;

    private byte[] buffer = ArrayPool<byte>.Shared.Rent(Usual);
    private int start;
    private int end;

    /// <summary>The largest frame, in bytes.</summary>
    public long Longest { get; set; } = longest;

    /// <summary>Takes a frame, from its kind on; it is valid until the next call.</summary>
    /// <exception cref="InvalidDataException">The length of the frame is not allowed.</exception>
    public bool TryTake(out ReadOnlySpan<byte> frame)
    {
        frame = default;
        if (end - start < 4) return false;
        int length = BinaryPrimitives.ReadInt32LittleEndian(buffer.AsSpan(start));
        if (length < 1 || length > Longest) throw new InvalidDataException(
            $"A frame says that it has {length:N0} bytes; from 1 to {Longest:N0} are allowed.");
        if (end - start - 4 < length) return false;
        frame = buffer.AsSpan(start + 4, length);
        start += 4 + length;
        return true;
    }

    /// <returns>Whether bytes have come; false at the end of the connection.</returns>
    public async ValueTask<bool> ReceiveAsync(CancellationToken cancellation)
    {
        MakeRoom();
        int bytes = await socket.ReceiveAsync(buffer.AsMemory(end), cancellation);
        end += bytes;
        return bytes > 0;
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = [];
        start = end = 0;
    }

    /// <summary>Takes a text from the front.</summary>
    public static string Text(ref ReadOnlySpan<byte> frame)
    {
        string text = Encoding.UTF8.GetString(Sized(ref frame));
        return text;
    }

    /// <summary>Takes bytes with their length from the front.</summary>
    /// <exception cref="InvalidDataException">The frame is too short.</exception>
    public static ReadOnlySpan<byte> Sized(ref ReadOnlySpan<byte> frame)
    {
        int length = frame.Length < 4 ? -1 : BinaryPrimitives.ReadInt32LittleEndian(frame);
        if (length < 0 || length > frame.Length - 4) throw new InvalidDataException("A frame is cut off.");
        ReadOnlySpan<byte> sized = frame.Slice(4, length);
        frame = frame[(4 + length)..];
        return sized;
    }

    /// <summary>Takes a number from the front.</summary>
    /// <exception cref="InvalidDataException">The frame is too short.</exception>
    public static long Number(ref ReadOnlySpan<byte> frame)
    {
        if (frame.Length < 8) throw new InvalidDataException("A frame is cut off.");
        long number = BinaryPrimitives.ReadInt64LittleEndian(frame);
        frame = frame[8..];
        return number;
    }

    /// <summary>Takes a flag from the front.</summary>
    /// <exception cref="InvalidDataException">The frame is too short.</exception>
    public static bool Flag(ref ReadOnlySpan<byte> frame)
    {
        if (frame.IsEmpty) throw new InvalidDataException("A frame is cut off.");
        bool flag = frame[0] != 0;
        frame = frame[1..];
        return flag;
    }

    private void MakeRoom()
    {
        int held = end - start;
        int needed = held < 4 ? Usual : Math.Max(Usual, 4 + BinaryPrimitives.ReadInt32LittleEndian(buffer.AsSpan(start)));
        if (held == 0) start = end = 0;
        bool isTooSmall = buffer.Length < needed;
        if (!isTooSmall && (held > 0 || buffer.Length <= 4 * Usual) && buffer.Length - end >= Usual / 4) return;
        if (!isTooSmall && (held > 0 || buffer.Length <= 4 * Usual))
        {
            buffer.AsSpan(start, held).CopyTo(buffer);
            (start, end) = (0, held);
            return;
        }
        byte[] other = ArrayPool<byte>.Shared.Rent(needed);      // larger, or small again after a large frame
        buffer.AsSpan(start, held).CopyTo(other);
        ArrayPool<byte>.Shared.Return(buffer);
        (buffer, start, end) = (other, 0, held);
    }
}
