using System.Diagnostics;
using Sluice.Diagnostics;
using Sluice.Scheduling;

namespace Sluice.Delivery;

/// <summary>Appends items to the stream under one producer's numbers. Items that arrive during an append share the next one.</summary>
/// <remarks>Thread-safe. Locking rule: the batch that is being filled and <c>isAppending</c> are under <c>sync</c>; the batch that is being
/// appended belongs to the loop. A lone item is appended at once.</remarks>
internal sealed partial class Appender<T>
{
    private const int Tries = 5;
    private const int FewEnoughToWaitFor = 512;      // a larger append is worth a transaction of its own
    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(1);

    private readonly Lock sync = new();
    private readonly ConsecutorCore core;
    private readonly string producer;
    private readonly IPayloadSerializer<T> serializer;
    private readonly Func<T, string?>? key;
    private AppendBatch filling;
    private AppendBatch spare;
    private Exception? failure;
    private bool isAppending;
    private bool isOpen;
    private long epoch;
    private long last;
    private int losses;                              // the losses that were known when the producer was opened

    public Appender(ConsecutorCore core, string producer, Func<T, string?>? key)
    {
        (this.core, this.producer, this.key) = (core, producer, key);
        serializer = core.Options.Serializers.For<T>();
        (filling, spare) = (new(core.Identity, core.Stream), new(core.Identity, core.Stream));
    }

    /// <summary>Opens the producer. The store refuses earlier owners of the name from now on.</summary>
    /// <returns>The stored position.</returns>
    public Task<ReadOnlyMemory<byte>> OpenAsync(CancellationToken cancellation) => OpenAsync(isInside: false, cancellation);

    private async Task<ReadOnlyMemory<byte>> OpenAsync(bool isInside, CancellationToken cancellation)
    {
        await core.OpenAsync(cancellation).ConfigureAwait(false);
        ProducerState state = await core.Store.OpenProducerAsync(core.Name, producer, cancellation).ConfigureAwait(false);
        long known = last;
        (epoch, last, isOpen) = (state.Epoch, state.Last, true);
        // The last items of an earlier owner of the name may have arrived after the ledger began to count.
        if (last > known) core.Doubts.Add();
        (int earlier, losses) = (losses, core.Losses.Count);
        if (last < known && !IsForgotten()) await WentBackAsync(earlier,
            $"It knows the producer '{producer}' of {core.Name} up to {last}, and has acknowledged {known}.", null, isInside)
                .ConfigureAwait(false);
        return state.Position;
    }

    /// <summary>Adds an item, and the ticket to settle when the item is durable.</summary>
    /// <param name="item">The item.</param>
    /// <param name="ticket">The ticket of the item; null if it has none.</param>
    /// <param name="place">The place of the producer at this item.</param>
    /// <param name="room">Without room: completes when there may be room.</param>
    /// <param name="handle">Lets the sender withdraw the item, or gives it a time limit; null if it has neither.</param>
    /// <returns>The append that carries the item; null if there is no room now.</returns>
    /// <exception cref="NoRoomException">The stream is full, and the time of the handle is over.</exception>
    public Task? TryAdd(T item, Ticket? ticket, ProducerOffset place, out Task room, SendHandle? handle = null)
    {
        if (IsFull(handle, out room)) return null;
        Task done;
        bool begins;
        // The item is written outside of the lock, and so is the span begun: serializers, key functions and listeners are user code.
        bool isAdded = false;
        EntryBatch written = TakeSpare();
        Activity? send = BeginSend(1, out EntryTrace? trace);
        try
        {
            Write(item, written, trace);
            lock (sync)
            {
                AppendBatch batch = filling;
                if (IsFullNow(handle, out room)) return null;
                batch.Add(written, 0);
                isAdded = true;
                batch.Add(handle, 1);
                if (handle is { Until: < long.MaxValue }) handle.Span = send;
                else batch.Add(send);
                send = null;
                if (ticket is not null) batch.Add(ticket, place);
                if (handle is not null) Heed(handle.Until);
                done = batch.Done;                   // outside of the lock, it may belong to the next append
                begins = Begin();
            }
        }
        finally
        {
            if (send is not null) Telemetry.Discard(send);
            if (!isAdded) WrittenItems.Free(serializer as IPayloadHandles, written, 0);
            Return(written);
        }
        if (begins) _ = AppendAllAsync();
        return done;
    }

    /// <summary>Adds as many of the items as there is room for. Items that are added together are appended together.</summary>
    /// <param name="items">The items, in order.</param>
    /// <param name="at">The index of the next item to add.</param>
    /// <param name="written">The items that earlier calls have written, and that had no room.</param>
    /// <param name="room">Completes when there may be room for more items.</param>
    /// <param name="handle">Lets the sender withdraw the added items; null if it never does.</param>
    /// <returns>The next append, which carries the added items; null if there is no room now. Throws if the first item to add cannot be
    /// written.</returns>
    public Task? TryAddSome(IReadOnlyList<T> items, ref int at, WrittenItems written, out Task room, SendHandle? handle = null)
    {
        if (IsFull(null, out room)) return null;
        Task done;
        bool begins;
        if (written.IsEmpty) WriteSome(items, at, written);
        lock (sync)
        {
            AppendBatch batch = filling;
            room = batch.Started.Task;
            if (batch.IsFull) return null;
            int added = written.AddTo(batch);
            batch.Add(handle, added);
            at += added;
            done = batch.Done;
            begins = Begin();
        }
        if (begins) _ = AppendAllAsync();
        return done;
    }

    /// <summary>Stores a position without an item, or with bytes that could not be read as an item (<see cref="AppendBatch.Bury"/>). All
    /// earlier items must have been added.</summary>
    /// <param name="position">The position.</param>
    /// <param name="raw">The bytes. No item may be added before their append has ended.</param>
    /// <param name="why">The reason why the bytes are no item; null if there are none.</param>
    /// <returns>The append.</returns>
    public Task MarkAsync(ReadOnlyMemory<byte> position, ReadOnlyMemory<byte> raw = default, string? why = null)
    {
        Task done;
        bool begins;
        lock (sync)
        {
            if (why is not null) filling.Bury(raw, why);
            (filling.Mark, done) = (position, filling.Done);
            begins = Begin();
        }
        if (begins) _ = AppendAllAsync();
        return done;
    }

    /// <summary>Returns the position to store with a batch. Null for producers that do not resume. Set before the first item.</summary>
    public Func<AppendBatch, ReadOnlyMemory<byte>>? Position { get; set; }

    /// <summary>Called with each position that the store has accepted, by the loop. Set before the first item.</summary>
    public Action<ReadOnlyMemory<byte>>? Stored { get; set; }

    /// <summary>Whether equal items have equal payloads. Handles differ, and so do compressed or signed payloads after a change of their
    /// settings.</summary>
    public bool HasSums => serializer is not (SealedPayloadSerializer<T> or HandleSerializer<T>);

    /// <summary>Returns the checksum that <see cref="AppendBatch.LastSum"/> has for a batch that ends with this item.</summary>
    public uint SumOf(T item)
    {
        using EntryBatch alone = new() { Stream = core.Name };
        alone.Add(serializer, item);
        return AppendBatch.SumOfLast(alone);
    }

    /// <summary>Called when an append waits for room. Set before the first item.</summary>
    public Action? Full { get; set; }

    /// <summary>The last accepted number, as reported by the store. Read between appends only.</summary>
    public long Last => last;

    /// <summary>Cancels waiting for room: the waiting items are not accepted. Set before the first item.</summary>
    public CancellationToken Abandoned { get; set; }

    /// <summary>Whether no item is accepted after a failure, so that the accepted items have no gaps. Set before the first item.</summary>
    public bool IsInOrder { get; set; }

    /// <summary>The batch of all items; null if they belong to none. Set before the first item.</summary>
    public BatchTag? Batch { get; set; }

    /// <summary>Whether its items begin or continue traces. False for the library's own appends. Set before the first item.</summary>
    public bool IsTraced { get; init; } = true;

    private void Told(AppendBatch batch, long began, Exception? failure)
    {
        if (batch.Entries.Count > 0)
            core.Telemetry.Sent(began, batch.Entries.Count, failure is null ? null : TelemetryNames.ErrorOf(failure));
        else if (batch.HasRefused) core.Telemetry.SentWithoutRoom(began);
        batch.EndSends(failure);
    }

    /// <summary>Counts an addition, under the lock, so that its sender finds it counted.</summary>
    /// <returns>Whether the caller has to begin the appending loop.</returns>
    private bool Begin()
    {
        if (isAppending) return false;
        core.Sends.BeginAppend();
        return isAppending = true;
    }

    private async Task AppendAllAsync()
    {
        int expected = 0;
        while (true)
        {
            AppendBatch batch;
            if (expected is > 1 and <= FewEnoughToWaitFor) await GatherAsync(expected).ConfigureAwait(false);
            lock (sync)
            {
                batch = filling;
                if (!batch.IsEmpty) (filling, spare) = (spare, batch);
                else if (ending is null)
                {
                    isAppending = false;
                    break;
                }
            }
            if (batch.IsEmpty)
            {
                await TellEndAsync().ConfigureAwait(false);
                continue;
            }
            batch.Started.TrySetResult();
            long began = core.Telemetry.BeginOperation();
            try
            {
                await AppendAsync(batch).ConfigureAwait(false);
                Told(batch, began, null);
                batch.TellSenders(null);
            }
            catch (Exception e)
            {
                isOpen = false;                      // the next append first finds out which items were accepted
                core.Lifetime.EndIfClosed(e);
                Exception told = e switch
                {
                    OperationCanceledException when core.Lifetime.Token.IsCancellationRequested => core.Lifetime.Over(),
                    ObjectDisposedException closed => core.Lifetime.StoreClosed(closed),
                    _ => e,
                };
                if (IsInOrder) failure ??= told;
                Told(batch, began, told);
                batch.TellSenders(told);
            }
            expected = batch.Entries.Count;
            batch.Reset();
        }
        core.Sends.EndAppend();
    }
}
