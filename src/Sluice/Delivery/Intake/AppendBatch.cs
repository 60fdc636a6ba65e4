using System.Diagnostics;
using Sluice.Diagnostics;

namespace Sluice.Delivery;

/// <summary>The entries of one append, with the tickets to settle. Filled under the lock of its appender; then the appending loop owns
/// it.</summary>
internal sealed partial class AppendBatch(ConsecutorIdentity identity, ConsecutorStream stream)
{
    private EntryBatch entries = New(identity, stream);
    private AppendLimit limit = new(stream);
    private readonly List<SendHandle> handles = [];  // in the order of their entries
    private readonly List<ProducerOffset> places = [];              // of the tickets
    private List<(Activity Send, int End)>? sends;   // those that are recorded, each up to its end
    private volatile TaskCompletionSource woken = NewSignal();

    public EntryBatch Entries => entries;

    /// <summary>Whether nothing may be added: there is no room, or the position to store is one before further items.</summary>
    public bool IsFull => Mark is not null || limit.IsReachedBy(entries);

    /// <summary>Adds an entry that was written before.</summary>
    /// <exception cref="PayloadException">It is too long; nothing was added.</exception>
    public void Add(EntryBatch written, int index)
    {
        if (entries.Count == 0) FitLimit();
        entries.Add(written, index);
        BeginGroupIfFull();
    }

    /// <summary>Lets the sender of the last entries withdraw them.</summary>
    public void Add(SendHandle? handle, int count)
    {
        if (handle is null) return;
        handle.Place(this, entries.Count - count, count);
        handles.Add(handle);
    }

    /// <summary>Completes when a sender has withdrawn entries.</summary>
    public Task Woken => woken.Task;

    public void Wake() => woken.TrySetResult();

    /// <summary>Leaves out the withdrawn entries. Not while the store may have accepted the append.</summary>
    /// <param name="values">Frees what was written for them; null if nothing needs to be freed.</param>
    /// <returns>Their spans, for <see cref="EndWithdrawn"/>, which calls user code, without the lock; null if there are none.</returns>
    public List<Activity>? LeaveOutWithdrawn(IPayloadHandles? values)
    {
        if (woken.Task.IsCompleted) woken = NewSignal();             // a withdrawal from here on wakes again
        if (!handles.Exists(static handle => handle.IsWithdrawn)) return null;
        List<Activity>? withdrawn = null;
        EntryBatch all = entries;
        entries = New(identity, all.MaxEntryBytes);
        int at = 0, group = 0, send = 0;
        foreach (SendHandle handle in handles)
        {
            Pass(handle.First, isKept: true);
            bool isLeftOut = handle.IsWithdrawn;     // asked once: it may change
            int first = entries.Count, end = at + handle.Count;
            if (isLeftOut) WrittenItems.Free(values, all, at, end);
            Pass(end, !isLeftOut);
            if (isLeftOut && handle.TakeSpanOfWithdrawn() is { } span) (withdrawn ??= []).Add(span);
            handle.First = isLeftOut ? -1 : first;
        }
        Pass(all.Count, isKept: true);
        handles.RemoveAll(static handle => handle.First < 0);
        RemoveEmptyGroups();
        all.Dispose();
        return withdrawn;

        void Pass(int end, bool isKept)
        {
            for (; at < end; at++)
            {
                if (isKept) entries.Add(all, at);
                if (send < sends?.Count && sends[send].End == at + 1) MoveSend(isKept);
                if (group == groups.Count || groups[group].End != at + 1) continue;
                groups[group] = groups[group] with { End = entries.Count };
                group++;
            }
        }

        void MoveSend(bool isKept)
        {
            Activity one = sends![send].Send;
            if (isKept) sends[send++] = (one, entries.Count);
            else
            {
                sends.RemoveAt(send);
                (withdrawn ??= []).Add(one);
            }
        }
    }

    public static void EndWithdrawn(List<Activity>? sends) => sends?.ForEach(one => Telemetry.End(one, new OperationCanceledException()));

    public List<Ticket> Tickets { get; } = [];

    /// <summary>Adds the span that sends the entries up to the last one. It ends with them.</summary>
    public void Add(Activity? send)
    {
        if (send is not null) (sends ??= []).Add((send, entries.Count));
    }

    /// <summary>Ends the spans of what is left.</summary>
    public void EndSends(Exception? failure)
    {
        if (sends is null) return;
        foreach (var (send, _) in sends) Telemetry.End(send, failure);
        sends = null;
    }

    /// <summary>Adds the ticket of the last entry.</summary>
    /// <param name="ticket">The ticket.</param>
    /// <param name="place">The place of the producer at the entry.</param>
    public void Add(Ticket ticket, ProducerOffset place)
    {
        Tickets.Add(ticket);
        places.Add(place);
    }

    /// <summary>The place of the producer at the last entry.</summary>
    public ProducerOffset Place => places.Count > 0 ? places[^1] : default;

    /// <summary>The position behind all entries of the batch, if there are any; null if it follows from <see cref="Place"/>.</summary>
    public ReadOnlyMemory<byte>? Mark { get; set; }

    /// <summary>Whether the batch has neither entries nor a position.</summary>
    public bool IsEmpty => entries.Count == 0 && Mark is null;

    /// <summary>Whether the batch has all outstanding parts of the last root, and none was left out: the root is whole.</summary>
    public bool EndsRoot
    {
        get
        {
            if (Tickets.Count == 0) return false;
            Ticket last = Tickets[^1];
            int parts = 0;
            for (int i = Tickets.Count - 1; i >= 0 && ReferenceEquals(Tickets[i], last); i--) parts++;
            return last.IsHeldBy(parts) && !last.IsCut;
        }
    }

    /// <summary>The checksum of the payload of the last entry.</summary>
    public uint LastSum => SumOfLast(entries);

    /// <summary>The earliest time at which a sender of the batch, or one that waits for a place in it, has to be told that the stream is
    /// full, as a timestamp of the clock.</summary>
    public long Until { get; set; } = long.MaxValue;

    /// <summary>Whether senders were refused because their time was over.</summary>
    public bool HasRefused { get; private set; }

    /// <summary>Leaves out the entries of senders whose time is over. Not while the store may have accepted the append.</summary>
    /// <param name="now">The time, as a timestamp of the clock.</param>
    /// <param name="hasLate">Whether the time of any sender is over, also of one that waits for a place.</param>
    /// <returns>The senders to refuse; null if there are none.</returns>
    public List<SendHandle>? TakeLate(long now, out bool hasLate)
    {
        hasLate = Until <= now;
        if (!hasLate) return null;
        Until = long.MaxValue;
        List<SendHandle>? late = null;
        foreach (SendHandle handle in handles)
        {
            if (handle.IsWithdrawn) continue;
            if (handle.Until <= now)
            {
                handle.LeaveOut();
                (late ??= []).Add(handle);
            }
            else Until = Math.Min(Until, handle.Until);
        }
        HasRefused |= late is not null;
        return late;
    }

    /// <summary>Wakes those who wait for a place in the batch.</summary>
    public void LetIn()
    {
        Started.TrySetResult();
        Started = NewSignal();
    }

    public TaskCompletionSource Started { get; private set; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Adds bytes that could not be read as an item: an entry that becomes a dead letter when a consecutor reads it. Bytes beyond
    /// the limit of an entry are cut off.</summary>
    public void Bury(ReadOnlyMemory<byte> raw, string why)
    {
        FitLimit();
        byte[] headers = new EntryHeaders(null, null)
        {
            Loss = why.Length <= entries.MaxEntryBytes / 8 ? why
            : why[..(entries.MaxEntryBytes / 8)]
        }.ToBytes();
        entries.Add(raw.Span[..Math.Clamp(entries.MaxEntryBytes - headers.Length, 0, raw.Length)], default, headers);
        BeginGroupIfFull();
    }

    public void Reset()
    {
        entries.Clear();
        handles.Clear();
        FitLimit();
        Tickets.Clear();
        places.Clear();
        (Until, HasRefused) = (long.MaxValue, false);
        Mark = null;
        ResetGroups();
        Started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>Adopts the stream's limits, which may be older than the options, for further entries. Has no effect on a batch with
    /// entries.</summary>
    public void FitLimit()
    {
        limit = new(stream);
        if (entries.MaxEntryBytes == stream.MaxEntryBytes || entries.Count > 0) return;
        entries.Dispose();
        entries = New(identity, stream);
    }

    public static uint SumOfLast(EntryBatch entries)
    {
        ReadOnlySpan<byte> record = entries.RecordAt(entries.Count - 1).Span;
        return EntryChunk.Checksum(record[EntryChunk.PayloadAt(record)..]);
    }

    public static EntryBatch New(ConsecutorIdentity identity, ConsecutorStream stream) => New(identity, stream.MaxEntryBytes);

    private static EntryBatch New(ConsecutorIdentity identity, int maxEntryBytes)
        => new()
        {
            Stream = identity.Name,
            CodeVersion = identity.Options.CodeVersion,
            MaxEntryBytes = maxEntryBytes,
            IsOfItem = true
        };

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>The number and the bytes of the items that one append has at most.</summary>
internal readonly struct AppendLimit(ConsecutorStream stream)
{
    private const int MaxItems = 4096;
    private const long MaxBytes = 1 << 20;

    // A store accepts an append of any size if nothing is outstanding. So an append has a part of what the stream may hold, and the
    // next one can follow before all of it has ended.
    private const int MinAppendsInStream = 4;

    private readonly long maxItems = Math.Clamp(stream.MaxItems / MinAppendsInStream, 1, MaxItems);
    private readonly long maxBytes = Math.Clamp(stream.MaxBytes / MinAppendsInStream, 1, MaxBytes);
    private readonly int maxWithKeys = stream.Partitions > AppendRequest.MaxSpread ? AppendRequest.MaxSpread : int.MaxValue;

    public bool IsReachedBy(EntryBatch entries) => entries.Count > 0
        && (entries.Count >= maxItems || entries.Bytes >= maxBytes || (entries.Count >= maxWithKeys && entries.HasKeys));
}

/// <summary>The place of a producer in its input: a part of one of its roots.</summary>
/// <param name="Root">The number of the root in this run, from zero.</param>
/// <param name="Parts">How many parts of the root were sent, this one included.</param>
internal readonly record struct ProducerOffset(long Root, long Parts);
