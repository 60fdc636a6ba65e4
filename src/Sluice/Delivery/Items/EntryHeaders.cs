using System.Buffers;
using Sluice.Diagnostics;
using Sluice.Policies;

namespace Sluice.Delivery;

/// <summary>
/// The headers of an entry that is not simply an accepted item: its id, if that is not the id of the entry; the node at which it enters;
/// its batch; its trace. Most entries have none.
/// </summary>
/// <remarks>
/// Immutable. Stored as fields: a tag (1 byte), the length (2 bytes, little-endian), UTF-8 text; of a trace,
/// bytes. This code ignores unknown tags.
/// </remarks>
internal readonly record struct EntryHeaders(string? Id, string? Node)
{
    private const byte IdTag = ItemIdHeader.Tag, NodeTag = 2, AfterTag = 3, BatchNameTag = 4, OfTag = 5, ListenerTag = 6, EndTag = 7,
        PartTag = 8, KeyTag = 9, LossTag = 10, TimerTag = 11, TraceTag = EntryTrace.Tag, TraceStateTag = EntryTrace.StateTag,
        NamesakesTag = 14, RefusalTag = 15;
    private const int MaxLossLength = 4000;

    /// <summary>Whether the entry enters behind the node: the node has put it out.</summary>
    public bool IsAfter { get; init; }

    /// <summary>The number of nodes that shared the default name of the node, but for a number, when the entry was stored; null if the user
    /// named the node, or if an older version of Sluice stored the entry.</summary>
    public int? Namesakes { get; init; }

    /// <summary>
    /// The key of the accepted item from which the entry was made, if it enters behind the place that knows the key; empty if that item
    /// had none. Else null.
    /// </summary>
    public string? Key { get; init; }

    /// <summary>The timer that has fired at the node: then there is no payload. Null if the entry is an item.</summary>
    public string? Timer { get; init; }

    /// <summary>
    /// Why the entry has no item: its payload could not be written, or a producer could not read its input. It fails where it enters.
    /// Else null.
    /// </summary>
    public string? Loss { get; init; }

    /// <summary>The sink that has refused what the node has put out, and why, if it is not to be tried again; else null. It fails where it
    /// enters, and its letter can be redriven.</summary>
    public SinkRefusal? Refusal { get; init; }

    /// <summary>Which part of a divided list the entry is; null if it is none.</summary>
    public ListPart? Part { get; init; }

    /// <summary>The batch of the entry; null if it has none.</summary>
    public BatchTag? Batch { get; init; }

    /// <summary>The batch whose end the entry marks; null if the entry is an item.</summary>
    public BatchTag? EndOf { get; init; }

    /// <summary>The trace of the item; null if no listener has recorded its sender.</summary>
    public EntryTrace? Trace { get; init; }

    /// <summary>Whether it is simply an accepted item, perhaps with a trace.</summary>
    public bool IsEmpty => Id is null && Node is null && Batch is null && EndOf is null && Loss is null;

    /// <summary>Throws if the payload is no item. Called before the payload is read.</summary>
    /// <exception cref="PayloadException">The payload is no item.</exception>
    public void ThrowIfNoItem()
    {
        if (Loss is not null && Node is null) throw new PayloadException(Loss);
    }

    public static EntryHeaders Read(ReadOnlySpan<byte> bytes)
    {
        string? id = null, node = null;
        bool isAfter = false;
        string? batch = null, end = null, of = null, part = null, key = null, loss = null, timer = null, namesakes = null, refusal = null;
        List<string>? listeners = null;
        ReadOnlySpan<byte> trace = default, traceState = default;
        while (bytes.Length >= 3)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(bytes[1..]);
            if (bytes.Length < 3 + length) break;
            ReadOnlySpan<byte> value = bytes.Slice(3, length);
            if (bytes[0] == IdTag) id = Encoding.UTF8.GetString(value);
            else if (bytes[0] == NodeTag) node = Encoding.UTF8.GetString(value);
            else if (bytes[0] == AfterTag) isAfter = true;
            else if (bytes[0] == BatchNameTag) batch = Encoding.UTF8.GetString(value);
            else if (bytes[0] == OfTag) of = Encoding.UTF8.GetString(value);
            else if (bytes[0] == ListenerTag) (listeners ??= []).Add(Encoding.UTF8.GetString(value));
            else if (bytes[0] == PartTag) part = Encoding.UTF8.GetString(value);
            else if (bytes[0] == KeyTag) key = Encoding.UTF8.GetString(value);
            else if (bytes[0] == LossTag) loss = Encoding.UTF8.GetString(value);
            else if (bytes[0] == RefusalTag) refusal = Encoding.UTF8.GetString(value);
            else if (bytes[0] == TimerTag) timer = Encoding.UTF8.GetString(value);
            else if (bytes[0] == NamesakesTag) namesakes = Encoding.UTF8.GetString(value);
            else if (bytes[0] == TraceTag) trace = value;
            else if (bytes[0] == TraceStateTag) traceState = value;
            else if (bytes[0] == EndTag) end = Encoding.UTF8.GetString(value);
            bytes = bytes[(3 + length)..];
        }
        return new(id, node)
        {
            IsAfter = isAfter,
            Namesakes = int.TryParse(namesakes, NumberStyles.None, CultureInfo.InvariantCulture, out int count) ? count : null,
            Part = ListPart.Read(part),
            Key = key,
            Loss = loss,
            Refusal = SinkRefusal.Read(refusal),
            Timer = timer,
            Batch = batch is null || of is null ? null : new(of, batch) { Listeners = listeners is null ? [] : [.. listeners] },
            EndOf = end is null || of is null ? null : new(of, end),
            Trace = EntryTrace.Read(trace, traceState),
        };
    }

    public byte[] ToBytes()
    {
        var bytes = new ArrayBufferWriter<byte>();
        Write(bytes, IdTag, Id);
        Write(bytes, NodeTag, Node);
        if (IsAfter) Write(bytes, AfterTag, "");
        Write(bytes, NamesakesTag, Namesakes?.ToString(CultureInfo.InvariantCulture));
        Write(bytes, OfTag, (Batch ?? EndOf)?.Consecutor);
        Write(bytes, BatchNameTag, Batch?.Name);
        foreach (string listener in Batch?.Listeners ?? []) Write(bytes, ListenerTag, listener);
        Write(bytes, EndTag, EndOf?.Name);
        Write(bytes, PartTag, Part?.ToText());
        Write(bytes, KeyTag, Key);
        Write(bytes, TimerTag, Timer);
        Write(bytes, LossTag, Shortened(Loss));
        Write(bytes, RefusalTag, Shortened(Refusal?.ToText()));
        Write(bytes, TraceTag, Trace?.ToBytes());
        Write(bytes, TraceStateTag, Trace?.State);
        return bytes.WrittenSpan.ToArray();
    }

    /// <summary>The headers of an item with a batch and a trace, if it has them.</summary>
    public static byte[] Of(BatchTag? batch, EntryTrace? trace)
        => trace is not null ? new EntryHeaders(null, null) { Batch = batch, Trace = trace }.ToBytes() : batch?.Headers ?? [];

    /// <summary>Adds an item to a batch of entries; without its trace, if the trace makes the entry too long.</summary>
    /// <exception cref="PayloadException">The item cannot be written, or is too long; nothing was added.</exception>
    public static void Add<T>(EntryBatch to, IPayloadSerializer<T> serializer, T item, EntryKey key, BatchTag? batch, EntryTrace? trace)
    {
        if (trace is not null)
        {
            try
            {
                to.Add(serializer, item, key, Of(batch, trace));
                return;
            }
            catch (PayloadException e) when (e.IsTooLong)
            {
                // Perhaps it fits without.
            }
        }
        to.Add(serializer, item, key, batch is null ? default : batch.Headers);
    }

    private static string? Shortened(string? text) => text is { Length: > MaxLossLength } ? text[..MaxLossLength] : text;

    private static void Write(ArrayBufferWriter<byte> to, byte tag, string? value)
        => Write(to, tag, value is null ? null : Encoding.UTF8.GetBytes(value));

    private static void Write(ArrayBufferWriter<byte> to, byte tag, byte[]? value)
    {
        if (value is null) return;
        Span<byte> head = to.GetSpan(3);
        head[0] = tag;
        BinaryPrimitives.WriteUInt16LittleEndian(head[1..], checked((ushort)value.Length));
        to.Advance(3);
        to.Write(value);
    }
}

/// <summary>Why an entry is a dead letter as soon as it is leased: a sink has refused its item, and would refuse it again.</summary>
/// <param name="Sink">The node of the sink. Its name has no control characters.</param>
/// <param name="Reason">The message of the sink.</param>
internal sealed record SinkRefusal(string Sink, string Reason)
{
    public static SinkRefusal? Read(string? text)
        => text?.IndexOf('\n', StringComparison.Ordinal) is >= 0 and var end ? new(text[..end], text[(end + 1)..]) : null;

    public string ToText() => $"{Sink}\n{Reason}";
}
