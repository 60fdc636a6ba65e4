using System.Buffers;

namespace Sluice.Storage;

/// <summary>
/// Builds entries for an append or a commit, in one contiguous, pooled buffer. The buffer already has the stored form
/// (<see cref="EntryChunk"/>) with checksums, so that a store only copies it.
/// </summary>
/// <remarks>Not thread-safe. <see cref="Clear"/> reuses the batch; dispose it to return its memory to the pool.</remarks>
/// <example><code>
/// using var batch = new EntryBatch { Stream = "payments", CodeVersion = 3 };
/// batch.Add(serializer, payment, EntryKey.Of(payment.Account));
/// </code></example>
public sealed class EntryBatch : IDisposable
{
    private RecordWriter writer;
    private int[] ends;

    /// <summary>Makes an empty batch.</summary>
    public EntryBatch() => (writer, ends) = (new(), ArrayPool<int>.Shared.Rent(16));

    private EntryBatch(EntryBatch lender)
    {
        (writer, ends, Stream, CodeVersion, FlowVersion, MaxEntryBytes, LimitName) = (lender.writer, lender.ends, lender.Stream,
            lender.CodeVersion, lender.FlowVersion, lender.MaxEntryBytes, lender.LimitName);
        (IsOfItem, Count, Longest, HasKeys) = (lender.IsOfItem, lender.Count, lender.Longest, lender.HasKeys);
    }

    /// <summary>The stream that the batch is for; named in errors.</summary>
    public string Stream { get; init; } = "";

    /// <summary>The version of the code that writes the payloads; zero by default.</summary>
    public int CodeVersion { get; init; }

    /// <summary>The version of the flow that the payloads are written for; zero by default.</summary>
    public int FlowVersion { get; init; }

    /// <summary>The maximum size of an entry's payload and headers, in bytes; as in <see cref="StreamOptions.MaxEntryBytes"/>.</summary>
    public int MaxEntryBytes { get; init; } = 16 << 20;

    /// <summary>The name of the option that sets the limit, for errors.</summary>
    internal string LimitName { get; init; } = nameof(MaxEntryBytes);

    /// <summary>Whether callers know the entries as items, which they send: errors then have no number of an entry.</summary>
    internal bool IsOfItem { get; init; }

    /// <summary>The number of entries.</summary>
    public int Count { get; private set; }

    /// <summary>The size of payloads and headers, in bytes.</summary>
    public long Bytes => writer.Written - ((long)Count * EntryChunk.RecordOverhead);

    /// <summary>The longest payload with headers, in bytes.</summary>
    public int Longest { get; private set; }

    /// <summary>Whether any entry has a key.</summary>
    public bool HasKeys { get; private set; }

    internal ReadOnlySpan<int> Ends => ends.AsSpan(0, Count);

    /// <summary>All entries in their stored form, one record after the other; valid until the batch changes.</summary>
    public ReadOnlyMemory<byte> Records => writer.Memory;

    /// <summary>Adds an entry.</summary>
    /// <param name="payload">The payload; copied.</param>
    /// <param name="key">The key, if any.</param>
    /// <param name="headers">Data of the layer above; copied.</param>
    /// <exception cref="PayloadException">The entry is longer than <see cref="MaxEntryBytes"/>; nothing was added.</exception>
    public void Add(ReadOnlySpan<byte> payload, EntryKey key = default, ReadOnlySpan<byte> headers = default)
    {
        int start = Begin(key, headers);
        Check(start, headers.Length + (long)payload.Length);
        writer.Write(payload);
        End(start, key);
    }

    /// <summary>Adds an entry; a serializer writes its payload directly into the batch.</summary>
    /// <param name="serializer">Writes the payload.</param>
    /// <param name="value">The value.</param>
    /// <param name="key">The key, if any.</param>
    /// <param name="headers">Data of the layer above; copied.</param>
    /// <exception cref="PayloadException">
    /// The entry is longer than <see cref="MaxEntryBytes"/>, or the serializer failed; nothing was added.
    /// </exception>
    public void Add<T>(IPayloadSerializer<T> serializer, T value, EntryKey key = default, ReadOnlySpan<byte> headers = default)
    {
        ArgumentNullException.ThrowIfNull(serializer);
        int start = Begin(key, headers);
        try
        {
            serializer.Serialize(value, writer);
        }
        catch (Exception failure)
        {
            writer.Truncate(start);
            throw new PayloadException($"{Where()}: a value of the type {TypeNames.Of(typeof(T))} could not be written: "
                + FailureText.MessageOf(failure), failure)
            { IsTooLong = failure is PayloadException { IsTooLong: true } };
        }
        Check(start, (long)writer.Written - start - EntryChunk.RecordOverhead);
        End(start, key);
    }

    /// <summary>Copies an entry of another batch, versions included.</summary>
    public void Add(EntryBatch from, int index)
    {
        ArgumentNullException.ThrowIfNull(from);
        int start = writer.Written;
        Check(start, from.LengthAt(index));
        writer.Write(from.RecordAt(index).Span);
        Enter(start, from.KeyAt(index));
    }

    /// <summary>Returns the stored form of an entry.</summary>
    public ReadOnlyMemory<byte> RecordAt(int index) => writer.Memory[StartOf(index)..ends[index]];

    /// <summary>Returns the key of an entry.</summary>
    public EntryKey KeyAt(int index) => EntryChunk.KeyOf(RecordAt(index).Span);

    /// <summary>Returns the size of an entry's payload and headers, in bytes.</summary>
    public int LengthAt(int index) => ends[index] - StartOf(index) - EntryChunk.RecordOverhead;

    /// <summary>Removes all entries, and keeps the memory.</summary>
    public void Clear()
    {
        writer.Truncate(0);
        (Count, Longest, HasKeys) = (0, 0, false);
    }

    /// <summary>Returns the memory to the pool. The batch is then empty and can be filled again.</summary>
    public void Dispose()
    {
        Clear();
        writer.Dispose();
        ArrayPool<int>.Shared.Return(ends);
        ends = [];
    }

    /// <summary>Returns a batch with the same memory, for a call that may be abandoned. It must not be changed or disposed.</summary>
    internal EntryBatch Lend() => new(this);

    /// <summary>
    /// Leaves the memory to the lent batch, which an abandoned call may still read. This batch is then empty and can be filled again.
    /// </summary>
    internal void Detach()
    {
        (writer, ends) = (new(), ArrayPool<int>.Shared.Rent(16));
        (Count, Longest, HasKeys) = (0, 0, false);
    }

    private int StartOf(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
        return index == 0 ? 0 : ends[index - 1];
    }

    private int Begin(EntryKey key, ReadOnlySpan<byte> headers)
    {
        int start = writer.Written;
        Span<byte> head = writer.GetSpan(EntryChunk.RecordOverhead);
        EntryChunk.BeginRecord(head, key, CodeVersion, FlowVersion, headers.Length);
        writer.Advance(EntryChunk.RecordOverhead);
        writer.Write(headers);
        return start;
    }

    private void End(int start, EntryKey key)
    {
        EntryChunk.EndRecord(writer.From(start));
        Enter(start, key);
    }

    private void Enter(int start, EntryKey key)
    {
        if (Count == ends.Length)
        {
            int[] longer = ArrayPool<int>.Shared.Rent(Math.Max(16, Count * 2));
            ends.CopyTo(longer, 0);
            ArrayPool<int>.Shared.Return(ends);
            ends = longer;
        }
        ends[Count++] = writer.Written;
        Longest = Math.Max(Longest, writer.Written - start - EntryChunk.RecordOverhead);
        HasKeys |= key.Exists;
    }

    private void Check(int start, long length)
    {
        if (length <= MaxEntryBytes) return;
        writer.Truncate(start);
        throw new PayloadException(
            $"{Where()}: its payload has {length:N0} bytes with headers, the limit is {MaxEntryBytes:N0} ({LimitName}). "
            + $"Store it elsewhere and send a reference, or {(LimitName == nameof(MaxEntryBytes)
                ? "make a new stream with a higher limit: an existing stream keeps its limit" : "raise the limit")}.")
        { IsTooLong = true };
    }

    private string Where() => IsOfItem ? $"The item for {Stream}"
        : $"Entry {Count + 1} of a batch for {(Stream.Length == 0 ? "a stream" : $"the stream {Stream}")}";
}
