using System.Buffers;
using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace Sluice;

/// <summary>Takes frames out of what a connection brings.</summary>
/// <remarks>Not thread-safe.</remarks>
/// <param name="socket">The connection.</param>
/// <param name="longest">The longest frame, in bytes.</param>
internal sealed class FrameReader(Socket socket, long longest) : IDisposable
{
    private const int Usual = 1 << 17;

    private byte[] buffer = ArrayPool<byte>.Shared.Rent(Usual);
    private int start;
    private int end;

    /// <summary>Takes a frame, kind first; valid until the next call.</summary>
    /// <exception cref="InvalidDataException">There is none that could be one.</exception>
    public bool TryTake(out ReadOnlySpan<byte> frame)
    {
        frame = default;
        if (end - start < 4) return false;
        int length = BinaryPrimitives.ReadInt32LittleEndian(buffer.AsSpan(start));
        if (length < 1 || length > longest) throw new InvalidDataException($"A frame says that it has {length:N0} bytes; from 1 to {longest:N0} are allowed.");
        if (end - start - 4 < length) return false;
        frame = buffer.AsSpan(start + 4, length);
        start += 4 + length;
        return true;
    }

    /// <returns>Whether something has come; else it was all.</returns>
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

    /// <summary>Takes a text off the front.</summary>
    public static string Text(ref ReadOnlySpan<byte> frame)
    {
        string text = Encoding.UTF8.GetString(Sized(ref frame));
        return text;
    }

    /// <summary>Takes something off the front that has its length before it.</summary>
    /// <exception cref="InvalidDataException">It is not all there.</exception>
    public static ReadOnlySpan<byte> Sized(ref ReadOnlySpan<byte> frame)
    {
        int length = frame.Length < 4 ? -1 : BinaryPrimitives.ReadInt32LittleEndian(frame);
        if (length < 0 || length > frame.Length - 4) throw new InvalidDataException("A frame is cut off.");
        ReadOnlySpan<byte> sized = frame.Slice(4, length);
        frame = frame[(4 + length)..];
        return sized;
    }

    /// <summary>Takes the number of an item off the front.</summary>
    /// <exception cref="InvalidDataException">It is not all there.</exception>
    public static long Number(ref ReadOnlySpan<byte> frame)
    {
        if (frame.Length < 8) throw new InvalidDataException("A frame is cut off.");
        long number = BinaryPrimitives.ReadInt64LittleEndian(frame);
        frame = frame[8..];
        return number;
    }

    /// <summary>Takes a yes or no off the front.</summary>
    /// <exception cref="InvalidDataException">It is not there.</exception>
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
        byte[] other = ArrayPool<byte>.Shared.Rent(needed);      // larger; or, after a large frame, small again
        buffer.AsSpan(start, held).CopyTo(other);
        ArrayPool<byte>.Shared.Return(buffer);
        (buffer, start, end) = (other, 0, held);
    }
}
