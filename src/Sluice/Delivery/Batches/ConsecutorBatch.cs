using Sluice.Delivery;

namespace Sluice;

/// <summary>A batch of items for a consecutor. When the batch is closed and all its items have ended, here and in all consecutors behind
/// the outputs, each <see cref="ConsecutorOptions.OnBatchCompleted"/> of those consecutors is called.</summary>
/// <remarks>
/// <para>
/// The store counts the items of the batch in its own appends and commits. It counts an item in the append that accepts it, and an item of
/// a further consecutor in the commit that makes it. It counts an end in the commit that settles the item. An item that is retried has not
/// ended; a dead item has ended and counts as failed. So the end of a batch never overtakes one of its items, even if processes die.
/// </para>
/// <para>All members may be called from any thread. A batch stays open until it is closed, also over restarts.</para>
/// </remarks>
/// <typeparam name="T">The type of the items.</typeparam>
public sealed class ConsecutorBatch<T>
{
    private const int Tries = 5, MaxKept = 4096;
    private static readonly TimeSpan Remembered = TimeSpan.FromDays(30);
    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(50);

    private readonly Consecutor<T> consecutor;
    private readonly BatchTag tag;
    private readonly Lock sync = new();
    private RentedSender? sender;                    // from the first send on; this and below: under sync
    private int sending;                             // calls that send
    private TaskCompletionSource? sent;              // set by the last call that sends, for the first that closes
    private bool isClosing;                          // nothing is sent any more; whether it is closed is known once that call has ended
    private bool isClosed;
    private readonly bool wasClosed;                 // by another object, perhaps before a restart

    internal ConsecutorBatch(Consecutor<T> consecutor, BatchTag tag, bool wasClosed)
        => (this.consecutor, this.tag, this.wasClosed) = (consecutor, tag, wasClosed);

    /// <summary>The name of the batch.</summary>
    public string Name => tag.Name;

    /// <summary>Sends an item of the batch. When the task completes, the item is accepted, as durably as the store is. Waits while the
    /// stream is full.</summary>
    /// <exception cref="InvalidOperationException">The batch was closed, by this object or, within thirty days, by another one; or the
    /// consecutor has ended.</exception>
    /// <exception cref="PayloadException">The item cannot be written, or is too long.</exception>
    /// <exception cref="StreamStoreException">The store failed for long. The item may or may not have been accepted.</exception>
    /// <exception cref="OperationCanceledException">Cancelled while waiting. An item that waited for room is not accepted later. If the
    /// store was being asked at that moment, or had left an earlier try unanswered, the item may be accepted nevertheless.</exception>
    public async ValueTask SendAsync(T item, CancellationToken cancellation = default)
    {
        BeginSend();
        try
        {
            var handle = new SendHandle();
            Task append = await AddAsync(item, handle, cancellation).ConfigureAwait(false);
            await handle.WaitAsync(append, cancellation).ConfigureAwait(false);
        }
        finally
        {
            EndSend();
        }
    }

    /// <summary>Sends several items, in order. When the task completes, all of them are accepted.</summary>
    /// <inheritdoc cref="SendAsync(T, CancellationToken)"/>
    /// <exception cref="PayloadException">An item cannot be written, or is too long. The items before it are accepted; the message names
    /// it.</exception>
    /// <exception cref="InvalidOperationException">The sequence has thrown the inner exception. The items that it yielded before are
    /// accepted; the message says how many. Or the batch was closed, or the consecutor has ended.</exception>
    public async ValueTask SendAllAsync(IEnumerable<T> items, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        List<(Task Append, SendHandle? Handle)> sent = [];               // without those that are known to be accepted
        PayloadException? unwritable = null;
        Exception? failure = null;                   // of the sequence
        var progress = new SendProgress(tag.Consecutor);
        BeginSend();
        try
        {
            using (IEnumerator<T> rest = items.GetEnumerator())
            {
                while (SendProgress.TryReadNext(rest, out T item, out failure, cancellation))
                {
                    SendHandle? handle = SendHandle.For(cancellation);
                    try
                    {
                        sent.Add((await AddAsync(item, handle, cancellation).ConfigureAwait(false), handle));
                        if (sent.Count >= MaxKept) sent.RemoveRange(0, Count());
                    }
                    catch (PayloadException e)
                    {
                        long number = progress.Accepted + sent.Count + 1;
                        unwritable = new($"Item {number:N0} cannot be sent: {e.Message.TrimEnd('.')}. The items before it are "
                            + "accepted; it and those behind it are not.", e)
                        { IsTooLong = e.IsTooLong, ItemNumber = SendProgress.NumberOf(number) };
                        break;
                    }
                }
            }
            foreach (var (append, _) in sent) await append.WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Count();                                 // first: an append of which all is withdrawn completes, too
            if (cancellation.IsCancellationRequested)
                foreach (var (_, handle) in sent) handle!.Withdraw();
            if (progress.Explain(e, cancellation) is { } told) throw told;
            throw;
        }
        finally
        {
            EndSend();
        }
        Count();
        if (unwritable is not null) throw unwritable;
        if (failure is not null) throw progress.SequenceFailed(failure);

        int Count()
        {
            int more = sent.TakeWhile(static one => one.Append.IsCompletedSuccessfully).Count();
            progress.Accepted += more;
            return more;
        }
    }

    /// <summary>Closes the batch: it takes no more items. Waits for the sends of this object that have begun, also for those that wait for
    /// room. Other processes must have finished their sends to the batch before.</summary>
    /// <remarks>The call may be repeated, also after a restart: for thirty days the store knows that a batch of this name was closed. So
    /// use each name once.</remarks>
    /// <returns>Whether this call has closed the batch. If a reply of the store was lost and the call was repeated inside, false may come
    /// although this call closed it; the batch is closed in any case.</returns>
    /// <exception cref="StreamStoreException">The store failed for long: the batch may or may not be closed; close it again. Or the stream
    /// of the consecutor was ended with a failure, and the batch is not closed.</exception>
    /// <exception cref="OperationCanceledException">Cancelled while waiting. The batch takes no more items, and may or may not be closed;
    /// close it again.</exception>
    public async Task<bool> CloseAsync(CancellationToken cancellation = default)
    {
        Task over, last;
        lock (sync)
        {
            isClosing = true;
            over = sending == 0 ? Task.CompletedTask : (sent ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
        await over.WaitAsync(cancellation).ConfigureAwait(false);
        lock (sync) last = sender?.Latest ?? Task.CompletedTask;         // the send of a cancelled call may still be under way
        await last.WaitAsync(cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellation.ThrowIfCancellationRequested();
        sender?.Return(last);
        using var nothing = new EntryBatch();
        var close = new AppendRequest(tag.Consecutor, CloserOf(tag), 0, 1, nothing)
        {
            Batches = [tag.Change() with { Close = true }],
            ForgetAfter = Remembered
        };
        TimeSpan wait = FirstWait;
        for (int tried = 1; ; tried++, wait *= 2)
        {
            try
            {
                AppendResult result = await consecutor.Core.Store.AppendAsync(close, cancellation).ConfigureAwait(false);
                if (result.Status is not (AppendStatus.Accepted or AppendStatus.Duplicate)) throw NotClosed(result.Status);
                lock (sync) isClosed = true;
                return result.Status == AppendStatus.Accepted;
            }
            catch (StreamStoreException e) when (tried < Tries && !e.IsPermanent)
            {
                await RetryPause.WaitAsync(wait, consecutor.Core.Time, cancellation).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Whether a batch of the name was closed, as far as the store remembers.</summary>
    /// <remarks>Asks with an append that the store can only refuse: the append skips a number of the closing producer, and the refusal has
    /// the last number.</remarks>
    internal static async Task<bool> WasClosedAsync(IStreamStore store, BatchTag tag, CancellationToken cancellation)
    {
        using var nothing = new EntryBatch();
        AppendResult result = await store.AppendAsync(new(tag.Consecutor, CloserOf(tag), 0, 3, nothing) { Batches = [tag.Change()] },
            cancellation).ConfigureAwait(false);
        return result.Last > 0;
    }

    private StreamStoreException NotClosed(AppendStatus status) => new(
        $"The batch {tag.Name} of {tag.Consecutor} is not closed: the store answered {status}. Its end is not told.")
    { IsPermanent = true };

    private static string CloserOf(BatchTag tag) => $"batch-end/{tag.Name}";

    private void BeginSend()
    {
        consecutor.ThrowIfEnded();
        lock (sync)
        {
            if (wasClosed)
                throw new InvalidOperationException(
                    $"A batch {tag.Name} of {tag.Consecutor} was closed before: its end was told, or will be, and what is sent now "
                        + $"would belong to no batch whose end is ever told. The items were not accepted. Open a batch with another "
                        + $"name.");
            if (isClosed) throw new InvalidOperationException(
                $"The batch {tag.Name} of {tag.Consecutor} was closed: nothing more belongs to it. Open another one, with "
                    + $"another name.");
            if (isClosing) throw new InvalidOperationException(
                $"The batch {tag.Name} of {tag.Consecutor} takes nothing more. CloseAsync has begun, and has not ended: call it again if "
                    + "it has failed or was cancelled, otherwise the end of the batch is never told.");
            sending++;
        }
    }

    private void EndSend()
    {
        TaskCompletionSource? told;
        lock (sync) told = --sending == 0 ? sent : null;
        told?.TrySetResult();
    }

    private async ValueTask<Task> AddAsync(T item, SendHandle? handle, CancellationToken cancellation)
    {
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            consecutor.ThrowIfEnded();
            Task room;
            lock (sync)
            {
                sender ??= new(consecutor, tag);
                if (sender.Appender.TryAdd(item, null, default, out room, handle: handle) is { } append) return sender.Latest = append;
            }
            await room.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>A producer of the consecutor with a number of its own, which is returned when the batch is closed, or nobody holds it any
    /// more: then it has no call under way.</summary>
    private sealed class RentedSender
    {
        private readonly Consecutor<T> consecutor;
        private int number;                          // 0 when it was returned

        public RentedSender(Consecutor<T> consecutor, BatchTag tag)
        {
            this.consecutor = consecutor;
            number = consecutor.RentProducer();
            Appender = consecutor.NewOwnAppender(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"batch-{number}"));
            Appender.Batch = tag;
        }

#pragma warning disable MA0055                       // another object may close the batch, so this one need not be disposed
        ~RentedSender() => Return(Latest);
#pragma warning restore MA0055

        public Appender<T> Appender { get; }

        public Task Latest { get; set; } = Task.CompletedTask;

        public void Return(Task latest)
        {
            int rented = Interlocked.Exchange(ref number, 0);
            if (rented != 0) consecutor.ReturnProducer(rented, latest);
        }
    }
}
