namespace Sluice;

/// <summary>Appends items to the stream under one producer's numbers. While an append is under way, what comes meanwhile becomes the next one.</summary>
/// <remarks>
/// Thread-safe. Locking rule: the batch that is being filled, and whether somebody appends, under <c>sync</c>; the batch that is being appended belongs to the
/// loop. A lone item goes at once.
/// </remarks>
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
    private int losses;                              // that were known when it was opened

    public Appender(ConsecutorCore core, string producer, Func<T, string?>? key)
    {
        (this.core, this.producer, this.key) = (core, producer, key);
        serializer = core.Options.Serializers.For<T>();
        (filling, spare) = (new(core), new(core));
    }

    /// <summary>Opens the producer: whoever had the name before is refused from now on.</summary>
    /// <returns>The position that was stored last.</returns>
    public Task<ReadOnlyMemory<byte>> OpenAsync(CancellationToken cancellation) => OpenAsync(isInside: false, cancellation);

    private async Task<ReadOnlyMemory<byte>> OpenAsync(bool isInside, CancellationToken cancellation)
    {
        await core.OpenAsync(cancellation).ConfigureAwait(false);
        ProducerState state = await core.Store.OpenProducerAsync(core.Name, producer, cancellation).ConfigureAwait(false);
        long known = last;
        (epoch, last, isOpen) = (state.Epoch, state.Last, true);
        if (last > known) core.Members.Doubt();      // what whoever had the name before has sent last may have come when the books were begun already
        (int earlier, losses) = (losses, core.Losses.Count);
        if (last < known && !IsForgotten()) await WentBackAsync(earlier, $"It knows the producer '{producer}' of {core.Name} up to {last}, and has acknowledged {known}.", null, isInside).ConfigureAwait(false);
        return state.Position;
    }

    /// <summary>Adds an item, and the ticket that is settled when it is durable.</summary>
    /// <param name="item">The item.</param>
    /// <param name="ticket">Its ticket, if it has one.</param>
    /// <param name="place">Where its producer is with this item.</param>
    /// <param name="room">If there is no room now: completes when there may be.</param>
    /// <param name="until">How long its append may wait for room in the stream, as a timestamp of the clock; then it fails with a <see cref="NoRoomException"/>.</param>
    /// <returns>The append that it is part of; null if there is no room now.</returns>
    public Task? TryAdd(T item, Ticket? ticket, ProducerOffset place, out Task room, long until = long.MaxValue)
    {
        Task done;
        bool begins;
        lock (sync)
        {
            AppendBatch batch = filling;
            if (batch.IsFull)
            {
                room = batch.Started.Task;
                return null;
            }
            room = Task.CompletedTask;
            Add(batch, item);
            if (ticket is not null) batch.Tickets.Add(ticket);
            batch.Place = place;
            if (until < batch.Until) batch.Until = until;
            done = batch.Done.Task;                  // outside of the lock it may be that of the next append already
            begins = Begin();
        }
        if (begins) _ = AppendAllAsync();
        return done;
    }

    /// <summary>Adds as many of some items as there is room for: what is added at once is appended at once.</summary>
    /// <param name="items">The items, in order.</param>
    /// <param name="at">The next of them.</param>
    /// <param name="room">Completes when there may be room for more.</param>
    /// <returns>The append that they are part of, the next one and maybe others; null if there is no room now. Throws if the next one cannot be written.</returns>
    public Task? TryAddSome(IReadOnlyList<T> items, ref int at, out Task room)
    {
        Task done;
        bool begins = false;
        lock (sync)
        {
            AppendBatch batch = filling;
            room = batch.Started.Task;
            if (batch.IsFull) return null;
            done = batch.Done.Task;
            int first = at;
            try
            {
                for (; at < items.Count && !batch.IsFull; at++) Add(batch, items[at]);
            }
            catch (Exception) when (at > first)
            {
                // What was added goes; whoever asks for the next one is told.
            }
            begins = Begin();
        }
        if (begins) _ = AppendAllAsync();
        return done;
    }

    /// <summary>Stores a position without any item, or with bytes that could not be made an item (<see cref="AppendBatch.Bury"/>): everything in front of it was added before.</summary>
    /// <param name="position">The position.</param>
    /// <param name="raw">The bytes; no item is added before their append is over.</param>
    /// <param name="why">Why they are no item; null if there are none.</param>
    /// <returns>Its append.</returns>
    public Task MarkAsync(ReadOnlyMemory<byte> position, ReadOnlyMemory<byte> raw = default, string? why = null)
    {
        Task done;
        bool begins;
        lock (sync)
        {
            if (why is not null) filling.Bury(raw, why);
            (filling.Mark, done) = (position, filling.Done.Task);
            begins = Begin();
        }
        if (begins) _ = AppendAllAsync();
        return done;
    }

    /// <summary>Says what is to be stored of a place, and of whether no part of its root will follow; null for producers that do not resume. Set before anything is added.</summary>
    public Func<ProducerOffset, bool, ReadOnlyMemory<byte>>? Position { get; set; }

    /// <summary>Called when an append waits for room. Set before anything is added.</summary>
    public Action? Full { get; set; }

    /// <summary>The last number that was accepted, as the store has told it. Between appends.</summary>
    public long Last => last;

    /// <summary>Gives up waiting for room: what waits then is not accepted. Set before anything is added.</summary>
    public CancellationToken Abandoned { get; set; }

    /// <summary>Whether nothing is accepted any more after a failure, so that what was accepted has no holes. Set before anything is added.</summary>
    public bool IsInOrder { get; set; }

    /// <summary>What everything belongs to; null if to nothing. Set before anything is added.</summary>
    public BatchTag? Batch { get; set; }

    private void Add(AppendBatch batch, T item)
    {
        if (batch.Entries.Count == 0) batch.FitLimit();
        batch.Entries.Add(serializer, item, ItemKey.Of(item, key, core.Name), Batch is null ? default : Batch.Headers);
    }

    /// <summary>Something was added. Under the lock, so that whoever has sent it finds it counted.</summary>
    /// <returns>Whether somebody has to begin to append.</returns>
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
            try
            {
                await AppendAsync(batch).ConfigureAwait(false);
                foreach (Ticket ticket in batch.Tickets) ticket.Settle(Outcome.Completed);
                batch.Done.TrySetResult();
            }
            catch (Exception e)
            {
                isOpen &= e is NoRoomException;      // else what of it was accepted is found out before the next append
                core.EndIfClosed(e);
                Exception told = e switch
                {
                    OperationCanceledException when core.Life.IsCancellationRequested => core.Over(),
                    ObjectDisposedException closed => core.StoreClosed(closed),
                    _ => e,
                };
                if (IsInOrder) failure ??= told;
                batch.Done.TrySetException(told);
                _ = batch.Done.Task.Exception;
            }
            expected = batch.Entries.Count;
            batch.Reset();
        }
        core.Sends.EndAppend();
    }

    /// <summary>
    /// Those who waited for the append before are about to send again: as long as more of them do, they are given another pass through the thread pool.
    /// Otherwise the first one to be back would have an append of its own, and the others wait for it.
    /// </summary>
    private async Task GatherAsync(int expected)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding); // away from a context that may be the sender's
        for (int before = -1, count = 0; before < count && count < expected; before = count)
        {
            await PoolPass.TakeAsync().ConfigureAwait(false);        // behind the senders
            lock (sync) count = filling.Entries.Count;
        }
    }

    /// <remarks>
    /// An append whose answer was lost is sent again with the number that it had: the store knows whether it was accepted. Opening the producer anew would tell as
    /// well, but take it back from whoever has opened it since.
    /// </remarks>
    private async Task AppendAsync(AppendBatch batch)
    {
        if (failure is not null) throw new InvalidOperationException($"An earlier append has failed: {failure.Message} What came after it was not accepted.", failure);
        await core.Accepting.EnterAsync(core.Life).ConfigureAwait(false);
        RoomWait? room = null;
        try
        {
            long first = 0;
            TimeSpan wait = FirstWait;
            ReopenAfterRest();
            for (int tried = 1; ; tried++)
            {
                try
                {
                    if (!isOpen) await OpenAsync(isInside: true, core.Life).ConfigureAwait(false);
                    if (first == 0 || last < first - 1) first = last + 1;          // below: the store went back
                    if (await TryAppendAsync(batch, first).ConfigureAwait(false) is { } full)
                    {
                        await (room ??= new(core)).WaitAsync(full, batch.Until, Full, Abandoned).ConfigureAwait(false);
                        tried = 0;                   // that is no failure
                        continue;
                    }
                    last = first + Math.Max(1, batch.Entries.Count) - 1;
                    NoteAppend();
                    core.Books.Accept(batch.Entries.Count);
                    return;
                }
                catch (StreamStoreException e) when ((tried < Tries || core.Losses.IsRecovering) && !core.Life.IsCancellationRequested)
                {
                    if (e is StoreRolledBackException)
                    {
                        await WentBackAsync(losses, e.Message, e, isInside: true).ConfigureAwait(false);
                        isOpen = false;
                    }
                    else if (core.Losses.IsRecovering || (tried == Tries - 1 && await core.Losses.NoticeAsync(e).ConfigureAwait(false)))
                    {
                        // What was lost is made anew when what is under way has ended, which takes as long as it takes: no try is counted until then,
                        // and whoever makes it anew is not held up.
                        isOpen = false;
                        tried = 0;
                    }
                }
                await core.Accepting.WaitOutsideAsync(Task.Delay(wait, core.Time, core.Life)).ConfigureAwait(false);
                wait = wait < MaxWait ? wait * 2 : wait;
            }
        }
        finally
        {
            room?.Dispose();
            core.Accepting.Leave();
        }
    }

    /// <returns>Null if it was accepted; else the answer that the stream is full.</returns>
    private async Task<AppendResult?> TryAppendAsync(AppendBatch batch, long first)
    {
        if (batch.Entries.Count > 0 && await core.Outputs.IsCycleFullAsync(core.Life).ConfigureAwait(false)) return new(AppendStatus.Full, last, null) { RetryAfter = FirstWait };
        IReadOnlyList<BatchChange> changes = Batch is null ? [] : [Batch.Change() with { Accepted = batch.Entries.Count }];
        AppendResult result = await core.Store.AppendAsync(
            new(core.Name, producer, epoch, first, batch.Entries) { Position = batch.Mark ?? Position?.Invoke(batch.Place, batch.EndsRoot), Batches = changes, ForgetAfter = Window }, core.Life).ConfigureAwait(false);
        return AppendAnswer.IsFull(core, producer, Position is not null, result, first) ? result : null;
    }
}
