using System.Buffers.Binary;
using System.Text;

namespace Sluice.Redis;

/// <summary>
/// A message: the changed stream, and perhaps the appended entries, if they are short and a reader expects them (<c>push</c> in the
/// scripts).
/// </summary>
internal readonly struct ChangeMessage
{
    private const int HeadBytes = 4 + 4 + 8 + 8 + 4, IdBytes = 32;
    private readonly ReadOnlyMemory<byte> rest;

    public ChangeMessage(byte[] message)
    {
        int end = message.AsSpan().IndexOfAny((byte)0, (byte)1);
        Stream = Names.Decode(Encoding.UTF8.GetString(message, 0, end < 0 ? message.Length : end));
        rest = end < 0 || message[end] == 1 ? default : message.AsMemory(end + 1);
        if (end < 0) return;
        Partitions = message[end] == 0 ? (HasEntries ? [Partition] : null)
            : [.. Encoding.UTF8.GetString(message, end + 1, message.Length - end - 1).Split(',', StringSplitOptions.RemoveEmptyEntries)
            .Select(text => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int partition) ? partition : -1)];
    }

    /// <summary>
    /// The partitions that may have entries; empty if there is only more room, null for any change. A damaged message has numbers that no
    /// partition has.
    /// </summary>
    public int[]? Partitions { get; }

    public string Stream { get; }
    public bool HasEntries => rest.Length > HeadBytes;
    public int Partition => BinaryPrimitives.ReadInt32LittleEndian(rest.Span);

    public long First => BinaryPrimitives.ReadInt64LittleEndian(rest.Span[8..]);

    /// <exception cref="ArgumentOutOfRangeException">The time is invalid: the message does not come from a store.</exception>
    public EntryChunkHeader Header
    {
        get
        {
            ReadOnlySpan<byte> head = rest.Span[4..];
            return new(First, BinaryPrimitives.ReadInt32LittleEndian(head),
                StoreTime.From(BinaryPrimitives.ReadInt64LittleEndian(head[12..])), BinaryPrimitives.ReadInt32LittleEndian(head[20..]));
        }
    }

    /// <summary>The records of the entries. Only of a message that <see cref="IsOf"/> the store.</summary>
    public ReadOnlyMemory<byte> Records => rest[HeadBytes..^IdBytes];

    /// <summary>Whether a store with this id has sent the entries. Earlier versions sent no id, and another store may share the channel: it
    /// has the same prefix in another database of the server.</summary>
    public bool IsOf(string store)
    {
        Span<byte> id = stackalloc byte[IdBytes];
        return rest.Length > HeadBytes + IdBytes && Encoding.ASCII.TryGetBytes(store, id, out int length) && length == IdBytes
            && rest.Span.EndsWith(id);
    }
}
