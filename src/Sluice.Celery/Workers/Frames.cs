using System.Buffers.Binary;

namespace Sluice.Celery;

/// <summary>The frames of the protocol (docs/internals/executor-protocol.md): a length of 4 bytes, one byte of kind, the content.</summary>
internal static class Frames
{
    /// <summary>The kind of the first frame of a worker.</summary>
    public const byte Hello = 1;

    /// <summary>The kind of all later frames: a message of a call.</summary>
    public const byte Message = 32;

    /// <summary>The messages that end a call.</summary>
    public const byte Done = 72, Failed = 73;

    /// <summary>The version of the protocol that this library speaks.</summary>
    public const long Version = 1;

    /// <summary>The number of the only call of a connection.</summary>
    public const long Call = 1;

    /// <summary>What stands before the message in a frame: the kind, and the number of the call.</summary>
    public const int Head = 9;

    /// <summary>Reads a frame, from its kind on.</summary>
    /// <returns>The frame; null at the end of the connection.</returns>
    /// <exception cref="InvalidDataException">The length is not allowed.</exception>
    /// <exception cref="EndOfStreamException">The connection ends in the middle of the frame.</exception>
    public static async ValueTask<byte[]?> ReadAsync(Stream stream, long longest, CancellationToken cancellation)
    {
        byte[] head = new byte[4];
        int read = await stream.ReadAtLeastAsync(head, 4, throwOnEndOfStream: false, cancellation).ConfigureAwait(false);
        if (read == 0) return null;
        if (read < 4) throw new EndOfStreamException("The connection has ended in the middle of a frame.");
        int length = BinaryPrimitives.ReadInt32LittleEndian(head);
        if (length < 1 || length > longest)
            throw new InvalidDataException($"A frame says that it has {length:N0} bytes; from 1 to {longest:N0} are allowed.");
        byte[] frame = new byte[length];
        await stream.ReadExactlyAsync(frame, cancellation).ConfigureAwait(false);
        return frame;
    }

    /// <summary>Makes the frame of a message.</summary>
    public static byte[] Of(ReadOnlySpan<byte> message)
    {
        byte[] frame = new byte[4 + Head + message.Length];
        BinaryPrimitives.WriteInt32LittleEndian(frame, Head + message.Length);
        frame[4] = Message;
        BinaryPrimitives.WriteInt64LittleEndian(frame.AsSpan(5), Call);
        message.CopyTo(frame.AsSpan(4 + Head));
        return frame;
    }

    /// <summary>The message in a frame.</summary>
    /// <exception cref="InvalidDataException">The frame has no message, or one of another call.</exception>
    public static ReadOnlySpan<byte> MessageOf(byte[] frame)
    {
        if (frame[0] != Message) throw new InvalidDataException($"a frame of the kind {frame[0]}.");
        if (frame.Length <= Head) throw new InvalidDataException("A frame is cut off.");
        long call = BinaryPrimitives.ReadInt64LittleEndian(frame.AsSpan(1));
        return call == Call ? frame.AsSpan(Head) : throw new InvalidDataException($"there is no call {call}.");
    }
}
