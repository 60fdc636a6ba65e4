namespace Sluice;

/// <summary>Appends items to the stream under one producer's numbers. While an append is under way, what comes meanwhile becomes the next one.</summary>
/// <remarks>
/// Thread-safe. Locking rule: the batch that is being filled, and whether somebody appends, under <c>sync</c>; the batch that is being appended belongs to the
/// loop. A lone item goes at once.
/// </remarks>
internal sealed class Appender<T>
{
    /// <summary>The most entries of an append.</summary>
    public const int MaxItems = 4096;

    private const long MaxBytes = 1 << 20;
    private const int Tries = 5;
    private const int Small = 512;                   // items of an append; larger ones gain nothing by being larger still
    private const int Looks = 4;                     // how often in vain, before it is believed that nobody else comes
    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(20);

    private readonly Lock sync = new();
    private readonly ConsecutorCore core;
    private readonly string producer;
    private readonly IPayloadSerializer<T> serializer;
    private readonly Func<T, string>? key;
    private Filling filling;
    private Filling spare;
    private bool isAppending;
    private bool isOpen;
    private long epoch;
    private long last;

    public Appender(ConsecutorCore core, string producer, Func<T, string>? key)
    {
        (this.core, this.producer, this.key) = (core, producer, key);
        serializer = core.Options.Serializers.For<T>();
        filling = NewFilling();
        spare = NewFilling();
    }

    /// <summary>Opens the producer: whoever had the name before is refused from now on.</summary>
    /// <returns>The position that was stored last.</returns>
    public async Task<ReadOnlyMemory<byte>> OpenAsync(CancellationToken cancellation)
    {
        await core.OpenAsync(cancellation).ConfigureAwait(false);
        ProducerState state = await core.Store.OpenProducerAsync(core.Name, producer, cancellation).ConfigureAwait(false);
        (epoch, last, isOpen) = (state.Epoch, state.Last, true);
        return state.Position;
    }

    /// <summary>Adds an item, and the ticket that is settled when it is durable.</summary>
    /// <param name="item">The item.</param>
    /// <param name="ticket">Its ticket, if it has one.</param>
    /// <param name="place">Where its producer is with this item.</param>
    /// <param name="room">If there is no room now: completes when there may be.</param>
    /// <returns>The append that it is part of; null if there is no room now.</returns>
    public Task? TryAdd(T item, Ticket? ticket, Place place, out Task room)
    {
        Task done;
        bool begins = false;
        lock (sync)
        {
            Filling batch = filling;
            if (batch.Entries.Count > 0 && (batch.Entries.Count >= MaxItems || batch.Entries.Bytes >= MaxBytes))
            {
                room = batch.Started.Task;
                return null;
            }
            room = Task.CompletedTask;
            batch.Entries.Add(serializer, item, key is null ? default : EntryKey.Of(key(item)));
            if (ticket is not null) batch.Tickets.Add(ticket);
            batch.Place = place;
            done = batch.Done.Task;                  // outside of the lock it may be that of the next append already
            if (!isAppending) begins = isAppending = true;
        }
        if (begins) _ = AppendAllAsync();
        return done;
    }

    /// <summary>Says what is to be stored of a place; null for producers that do not resume. Set before anything is added.</summary>
    public Func<Place, ReadOnlyMemory<byte>>? Position { get; set; }

    private Filling NewFilling() => new(new()
    {
        Stream = core.Name,
        CodeVersion = core.Options.CodeVersion,
        MaxEntryBytes = core.Options.Stream.MaxEntryBytes,
    });

    private async Task AppendAllAsync()
    {
        while (true)
        {
            Filling batch;
            lock (sync)
            {
                batch = filling;
                if (batch.Entries.Count == 0)
                {
                    isAppending = false;
                    return;
                }
                (filling, spare) = (spare, batch);
            }
            batch.Started.TrySetResult();
            int count = batch.Entries.Count;
            try
            {
                await AppendAsync(batch).ConfigureAwait(false);
                foreach (Ticket ticket in batch.Tickets) ticket.Settle(Outcome.Completed);
                batch.Done.TrySetResult();
            }
            catch (Exception e)
            {
                isOpen = false;                      // what of it was accepted is found out before the next append
                batch.Done.TrySetException(e);
                _ = batch.Done.Task.Exception;
            }
            batch.Reset();
            if (count is > 1 and <= Small && SynchronizationContext.Current is null) await GatherAsync(count).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Whoever was answered is about to come again, and is waited for a moment: an append with all of them costs hardly more than one with those who came
    /// meanwhile, and another one with the rest.
    /// </summary>
    private async ValueTask GatherAsync(int answered)
    {
        int seen = Count;
        int goal = Math.Min(Small, seen + answered);
        for (int looks = 0; looks < Looks && seen < goal;)
        {
            await Task.Yield();                      // behind those who were answered
            int count = Count;
            looks = count > seen ? 0 : looks + 1;
            seen = count;
        }
    }

    private int Count
    {
        get { lock (sync) return filling.Entries.Count; }
    }

    private async Task AppendAsync(Filling batch)
    {
        await core.Accepting.EnterAsync(core.Life).ConfigureAwait(false);
        try
        {
            long first = 0;
            long? seen = null;
            TimeSpan wait = FirstWait;
            for (int tried = 1; ; tried++)
            {
                try
                {
                    if (!isOpen) await OpenAsync(core.Life).ConfigureAwait(false);
                    if (first == 0 || last < first - 1) first = last + 1;          // below: the store went back
                    if (last < first + batch.Entries.Count - 1 && await TryAppendAsync(batch, first).ConfigureAwait(false) is { } full)
                    {
                        // Look once more after having taken note of where the changes are, then wait for the next one: that is no failure.
                        if (seen is { } before) await FullAsync(before, full.RetryAfter).ConfigureAwait(false);
                        seen = seen is null ? await core.Store.WaitForChangeAsync(core.Name, -1, core.Life).ConfigureAwait(false) : null;
                        tried = 0;
                        continue;
                    }
                    last = first + batch.Entries.Count - 1;
                    core.Books.Accept(batch.Entries.Count);
                    return;
                }
                catch (StreamStoreException) when (tried < Tries && !core.Life.IsCancellationRequested)
                {
                    isOpen = false;                  // opening it anew tells whether it was accepted
                }
                await Task.Delay(wait, core.Time, core.Life).ConfigureAwait(false);
                wait *= 2;
            }
        }
        finally
        {
            core.Accepting.Leave();
        }
    }

    /// <returns>Null if it was accepted; else the answer that the stream is full.</returns>
    private async Task<AppendResult?> TryAppendAsync(Filling batch, long first)
    {
        AppendResult result = await core.Store.AppendAsync(
            new(core.Name, producer, epoch, first, batch.Entries) { Position = Position?.Invoke(batch.Place) }, core.Life).ConfigureAwait(false);
        switch (result.Status)
        {
            case AppendStatus.Accepted or AppendStatus.Duplicate:
                return null;
            case AppendStatus.Full:
                return result;
            case AppendStatus.Ended:
                throw new InvalidOperationException($"The stream {core.Name} has ended: nothing can be sent to it any more. The items were not accepted.");
            case AppendStatus.Refused:
                throw new InvalidOperationException(
                    $"Somebody else has opened the producer '{producer}' of {core.Name} since: it is used twice. The items were not accepted; give each its own name.");
            default:
                throw new StoreWentBackException($"The store knows the producer '{producer}' of {core.Name} up to {result.Last}, and has acknowledged {first - 1}.");
        }
    }

    private async Task FullAsync(long seen, TimeSpan? retryAfter)
    {
        core.Accepting.Leave();                      // who waits for room holds nobody up
        try
        {
            Task change = core.Store.WaitForChangeAsync(core.Name, seen, core.Life).AsTask();
            if (retryAfter is { } wait) await Task.WhenAny(change, Task.Delay(wait, core.Time, core.Life)).ConfigureAwait(false);
            else await change.ConfigureAwait(false);
        }
        finally
        {
            await core.Accepting.EnterAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    private sealed class Filling(EntryBatch entries)
    {
        public EntryBatch Entries => entries;

        public List<Ticket> Tickets { get; } = [];

        public Place Place { get; set; }

        public TaskCompletionSource Done { get; private set; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Started { get; private set; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Reset()
        {
            entries.Clear();
            Tickets.Clear();
            Done = new(TaskCreationOptions.RunContinuationsAsynchronously);
            Started = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }
}

/// <summary>Where a producer is: with a part of one of its roots.</summary>
/// <param name="Root">The number of the root in this run, from zero.</param>
/// <param name="Parts">How many parts of it were sent, this one included.</param>
internal readonly record struct Place(long Root, long Parts);
