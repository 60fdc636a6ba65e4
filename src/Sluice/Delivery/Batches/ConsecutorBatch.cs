namespace Sluice;

/// <summary>
/// A batch of items that is sent to a consecutor. When it is closed, and everything in it has ended, in this consecutor and in all that its outputs lead to, those
/// are told that have a <see cref="ConsecutorOptions.OnBatchCompleted"/>.
/// </summary>
/// <remarks>
/// <para>
/// The store counts what belongs to the batch: each item in the append that accepts it, what comes of an item for other consecutors in the commit that makes it, its end
/// in the commit that settles it. An item that is tried again has not ended; one that is dead has, and counts as failed. So the end of a batch cannot overtake anything of it, whatever dies meanwhile.
/// </para>
/// <para>All members may be called from any thread. A batch that is not closed stays open, also over restarts.</para>
/// </remarks>
/// <typeparam name="T">The type of the items.</typeparam>
public sealed class ConsecutorBatch<T>
{
    private const int Tries = 5;
    private static readonly TimeSpan Remembered = TimeSpan.FromDays(30);
    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(50);

    private readonly Consecutor<T> consecutor;
    private readonly BatchTag tag;
    private readonly Appender<T> appender;
    private readonly int producer;
    private readonly Lock sync = new();
    private Task latest = Task.CompletedTask;
    private readonly bool wasClosed;                 // by another object, perhaps before a restart
    private bool isClosed;

    internal ConsecutorBatch(Consecutor<T> consecutor, BatchTag tag, bool wasClosed)
    {
        (this.consecutor, this.tag, this.wasClosed) = (consecutor, tag, wasClosed);
        producer = consecutor.RentProducer();
        appender = consecutor.NewOwnAppender(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"batch-{producer}"));
        appender.Batch = tag;
    }

    /// <summary>Its name.</summary>
    public string Name => tag.Name;

    /// <summary>Sends an item that belongs to the batch. It is accepted, as durably as the store is, when the task completes. Waits while the stream is full.</summary>
    /// <exception cref="InvalidOperationException">The batch was closed, by this object or, within thirty days, by another one; or the consecutor has ended.</exception>
    /// <exception cref="PayloadException">The item cannot be written, or is too long.</exception>
    /// <exception cref="StreamStoreException">The store failed for long. Whether the item was accepted is not known.</exception>
    /// <exception cref="OperationCanceledException">Cancelled while waiting; the item may have been accepted if its append was under way.</exception>
    public async ValueTask SendAsync(T item, CancellationToken cancellation = default)
        => await (await AddAsync(item, cancellation).ConfigureAwait(false)).WaitAsync(cancellation).ConfigureAwait(false);

    /// <summary>Sends several items, in order; all are accepted when the task completes.</summary>
    /// <inheritdoc cref="SendAsync(T, CancellationToken)"/>
    public async ValueTask SendAllAsync(IReadOnlyList<T> items, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        HashSet<Task> appends = [];
        foreach (T item in items) appends.Add(await AddAsync(item, cancellation).ConfigureAwait(false));
        foreach (Task append in appends) await append.WaitAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>Says that nothing more belongs to the batch. Waits for what this object has sent; other processes that send to the batch must have ended that before.</summary>
    /// <remarks>May be repeated, also after a restart: within thirty days the store knows that a batch of this name was closed. So use a name once.</remarks>
    /// <returns>Whether this call has closed it. Where an answer of the store was lost and it is asked again, false does not say who has: it is closed, though.</returns>
    /// <exception cref="StreamStoreException">The store failed for long. Whether the batch was closed is not known; close it again.</exception>
    public async Task<bool> CloseAsync(CancellationToken cancellation = default)
    {
        Task sent;
        bool isFirst;
        lock (sync)
        {
            (sent, isFirst, isClosed) = (latest, !isClosed, true);
        }
        await sent.WaitAsync(cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellation.ThrowIfCancellationRequested();
        if (isFirst) consecutor.ReturnProducer(producer);
        using var nothing = new EntryBatch();
        var close = new AppendRequest(tag.Consecutor, CloserOf(tag), 0, 1, nothing) { Batches = [tag.Change() with { Close = true }], ForgetAfter = Remembered };
        TimeSpan wait = FirstWait;
        for (int tried = 1; ; tried++, wait *= 2)
        {
            try
            {
                return (await consecutor.Core.Store.AppendAsync(close, cancellation).ConfigureAwait(false)).Status == AppendStatus.Accepted;
            }
            catch (StreamStoreException) when (tried < Tries)
            {
                await Task.Delay(wait, consecutor.Core.Time, cancellation).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Whether a batch of the name was closed, as far as the store remembers.</summary>
    /// <remarks>Asks by an append that the store can only refuse: it leaves out a number of the producer that closes, and is told the last one.</remarks>
    internal static async Task<bool> WasClosedAsync(ConsecutorCore core, BatchTag tag, CancellationToken cancellation)
    {
        using var nothing = new EntryBatch();
        AppendResult result = await core.Store.AppendAsync(new(tag.Consecutor, CloserOf(tag), 0, 3, nothing) { Batches = [tag.Change()] }, cancellation).ConfigureAwait(false);
        return result.Last > 0;
    }

    private static string CloserOf(BatchTag tag) => $"batch-end/{tag.Name}";

    private async ValueTask<Task> AddAsync(T item, CancellationToken cancellation)
    {
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            consecutor.ThrowIfEnded();
            Task room;
            lock (sync)
            {
                if (wasClosed)
                    throw new InvalidOperationException($"A batch {tag.Name} of {tag.Consecutor} was closed before: its end was told, or will be, and what is sent now would belong to no batch whose end is ever told. The items were not accepted. Open a batch with another name.");
                if (isClosed) throw new InvalidOperationException($"The batch {tag.Name} of {tag.Consecutor} was closed: nothing more belongs to it. Open another one, with another name.");
                if (appender.TryAdd(item, null, default, out room) is { } append) return latest = append;
            }
            await room.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }
}
