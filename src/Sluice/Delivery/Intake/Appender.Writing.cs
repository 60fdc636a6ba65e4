using System.Collections.Concurrent;
using System.Diagnostics;
using Sluice.Diagnostics;

namespace Sluice.Delivery;

/// <content>Items are written before the lock is taken: a serializer, a getter or a key function may take a lock of the user, or
/// send.</content>
internal sealed partial class Appender<T>
{
    private const int MaxSpareBytes = 1 << 16;

    private readonly ConcurrentQueue<EntryBatch> spares = new();

    private Activity? BeginSend(int items, out EntryTrace? trace)
    {
        trace = null;
        return IsTraced ? ItemSpans.BeginSend(core.Telemetry, items, out trace) : null;
    }

    private void Write(T item, EntryBatch to, EntryTrace? trace)
        => EntryHeaders.Add(to, serializer, item, ItemKey.Of(item, key, core.Name), Batch, trace);

    /// <summary>Writes as many of the items as an append may have. Throws if the first one cannot be written.</summary>
    private void WriteSome(IReadOnlyList<T> items, int at, WrittenItems written)
    {
        EntryBatch entries = written.Clear(core.Stream.MaxEntryBytes);
        Activity? send = BeginSend(items.Count - at, out EntryTrace? trace);
        var limit = new AppendLimit(core.Stream);
        try
        {
            for (int next = at; next < items.Count && !limit.IsReachedBy(entries); next++) Write(items[next], entries, trace);
        }
        catch (Exception) when (entries.Count > 0)
        {
            // The written items are appended; a later call reports the failure.
        }
        catch
        {
            if (send is not null) Telemetry.Discard(send);
            throw;
        }
        // An append may have less room than there are items.
        send?.SetTag(TelemetryNames.BatchCount, entries.Count > 1 ? entries.Count : null);
        written.Send = send;
    }

    /// <summary>Makes room for the written items of one call.</summary>
    public WrittenItems NewWritten() => new(core.Identity, core.Stream, serializer as IPayloadHandles);

    private EntryBatch TakeSpare()
    {
        if (!spares.TryDequeue(out EntryBatch? spare)) return AppendBatch.New(core.Identity, core.Stream);
        if (spare.MaxEntryBytes == core.Stream.MaxEntryBytes) return spare;
        spare.Dispose();
        return AppendBatch.New(core.Identity, core.Stream);
    }

    private void Return(EntryBatch spare)
    {
        bool isLarge = spare.Bytes > MaxSpareBytes;
        spare.Clear();
        if (isLarge) spare.Dispose();
        else spares.Enqueue(spare);
    }
}

/// <summary>Items of one call that are written, and not all added to appends. Used by one thread at a time.</summary>
internal sealed class WrittenItems(ConsecutorIdentity identity, ConsecutorStream stream, IPayloadHandles? handles) : IDisposable
{
    private EntryBatch entries = AppendBatch.New(identity, stream);
    private int added;

    public bool IsEmpty => added == entries.Count;

    /// <summary>The span that sends them; it ends with the append of the last one.</summary>
    public Activity? Send { get; set; }

    /// <summary>Empties the batch to write the next items into.</summary>
    public EntryBatch Clear(int maxEntryBytes)
    {
        added = 0;
        entries.Clear();
        if (entries.MaxEntryBytes == maxEntryBytes) return entries;
        entries.Dispose();
        return entries = AppendBatch.New(identity, stream);
    }

    /// <summary>Adds as many as there is room for, under the lock of the appender.</summary>
    /// <returns>Their number. Throws if the first one is too long for the append.</returns>
    public int AddTo(AppendBatch batch)
    {
        int first = added;
        try
        {
            for (; !IsEmpty && !batch.IsFull; added++) batch.Add(entries, added);
        }
        catch (PayloadException) when (added > first)
        {
            // The next call reports it.
        }
        if (!IsEmpty) return added - first;
        batch.Add(Send);
        Send = null;
        return added - first;
    }

    /// <summary>Frees what was written for items that are not appended, from the first of them on.</summary>
    public static void Free(IPayloadHandles? handles, EntryBatch entries, int first) => Free(handles, entries, first, entries.Count);

    public static void Free(IPayloadHandles? handles, EntryBatch entries, int first, int end)
    {
        for (int i = first; handles is not null && i < end; i++)
        {
            ReadOnlySpan<byte> record = entries.RecordAt(i).Span;
            handles.Free(record[EntryChunk.PayloadAt(record)..]);
        }
    }

    public void Dispose()
    {
        if (Send is not null) Telemetry.Discard(Send);
        Free(handles, entries, added);
        entries.Dispose();
    }
}
