using Sluice.Delivery;

namespace Sluice;

/// <content>Sends several items.</content>
public sealed partial class Consecutor<T>
{
    // A part has as many items as an append at most. Items of a slow sequence do not wait for a full part.
    private const int MaxPart = 4096;
    private static readonly TimeSpan MaxReading = TimeSpan.FromMilliseconds(100);

    /// <summary>Sends several items, in order, in as few appends as possible. When the task completes, all of them are accepted.</summary>
    /// <inheritdoc cref="SendAsync(T, CancellationToken)"/>
    /// <remarks>A sequence that is no list is read in parts: of 4,096 items, or of what it yields in 100 ms. When a part is accepted, the
    /// next one is read. So it may be longer than fits into memory. It is read on the caller's thread at first, then on the thread
    /// pool.</remarks>
    /// <param name="items">The items.</param>
    /// <param name="cancellation">Gives up waiting, and reading.</param>
    /// <exception cref="PayloadException">An item cannot be written, or is too long. The items before it are accepted; the message names
    /// it.</exception>
    /// <exception cref="StreamStoreException">The store failed for long. The message says how many items from the first one on are
    /// accepted; the others may or may not have been accepted.</exception>
    /// <exception cref="OperationCanceledException">Cancelled. The message says how many items from the first one on are accepted. Items
    /// that waited for room are not accepted later.</exception>
    /// <exception cref="InvalidOperationException">The sequence has thrown the inner exception. The items that it yielded before are
    /// accepted; the message says how many. Or the consecutor has ended.</exception>
    public async ValueTask SendAllAsync(IEnumerable<T> items, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        var progress = new SendProgress(Name);
        core.Sends.BeginAppend();                    // it counts for those who wait for all sends, also while the stream is opened
        try
        {
            await OpenToSendAsync(cancellation).ConfigureAwait(false);
            if (items is IReadOnlyList<T> all) await AddAllAsync(all, progress, cancellation).ConfigureAwait(false);
            else await SendPartsAsync(items, progress, cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (progress.Explain(e, cancellation) is { } told)
        {
            throw told;
        }
        finally
        {
            core.Sends.EndAppend();
        }
    }

    private async Task SendPartsAsync(IEnumerable<T> items, SendProgress progress, CancellationToken cancellation)
    {
        using IEnumerator<T> rest = items.GetEnumerator();
        List<T> part = [];
        Exception? failure = null;
        bool hasMore = true;
        while (hasMore)
        {
            part.Clear();
            long began = core.Time.GetTimestamp();
            while (hasMore && part.Count < MaxPart && (part.Count == 0 || core.Time.GetElapsedTime(began) < MaxReading))
            {
                cancellation.ThrowIfCancellationRequested();
                hasMore = SendProgress.TryReadNext(rest, out T item, out failure, cancellation);
                if (hasMore) part.Add(item);
            }
            await AddAllAsync(part, progress, cancellation).ConfigureAwait(false);
            if (failure is not null) throw progress.SequenceFailed(failure);
        }
    }

    /// <summary>Adds items, with or without a store, and waits until they are accepted.</summary>
    /// <param name="all">The items.</param>
    /// <param name="progress">Counts the accepted items.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    private async Task AddAllAsync(IReadOnlyList<T> all, SendProgress progress, CancellationToken cancellation)
    {
        if (local is not null)
        {
            foreach (T item in all)
            {
                await AddAsync(item, null, cancellation).ConfigureAwait(false);
                progress.Accepted++;
            }
            return;
        }
        // All items are added before any append is awaited: otherwise each append would carry one item only.
        List<(Task Append, int Items, SendHandle Handle)> parts = [];
        PayloadException? unwritable = null;
        long before = progress.Accepted;
        using WrittenItems written = Sender.NewWritten();
        try
        {
            for (int at = 0; at < all.Count;)
            {
                cancellation.ThrowIfCancellationRequested();
                Appender<T> appender = Sender;
                Task room = Task.CompletedTask;
                try
                {
                    int first = at;
                    var handle = new SendHandle();
                    if (appender.TryAddSome(all, ref at, written, out room, handle) is { } append) parts.Add((append, at - first, handle));
                }
                catch (Exception e)
                {
                    unwritable =
                        new($"Item {before + at + 1} of {before + all.Count} cannot be sent: {FailureText.MessageOf(e).TrimEnd('.')}. The "
                        + "items before it are accepted; it and those behind it are not.", e)
                        {
                            IsTooLong = e is PayloadException { IsTooLong: true },
                            ItemNumber = SendProgress.NumberOf(before + at + 1),
                        };
                    break;
                }
                if (at < all.Count) await room.WaitAsync(cancellation).ConfigureAwait(false);
            }
            foreach (var (append, _, _) in parts) await append.WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception)
        {
            Count();                                 // first: an append of which all is withdrawn completes, too
            if (cancellation.IsCancellationRequested)
                foreach (var (_, _, handle) in parts) handle.Withdraw();
            throw;
        }
        Count();
        if (unwritable is not null) throw unwritable;

        void Count()
        {
            progress.Accepted = before;
            foreach (var (append, items, handle) in parts)
            {
                int accepted = append.IsCompletedSuccessfully ? items : handle.Accepted;
                progress.Accepted += accepted;
                if (accepted < items) return;
            }
        }
    }
}
