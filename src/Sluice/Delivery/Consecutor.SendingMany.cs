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
    /// <exception cref="InvalidOperationException">The sequence has thrown the inner exception. The items that it yielded before are
    /// accepted; the message says how many. Or the consecutor has ended.</exception>
    public async ValueTask SendAllAsync(IEnumerable<T> items, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        core.Sends.BeginAppend();                    // it counts for those who wait for all sends, also while the stream is opened
        try
        {
            await OpenToSendAsync(cancellation).ConfigureAwait(false);
            if (items is IReadOnlyList<T> all) await AddAllAsync(all, 0, cancellation).ConfigureAwait(false);
            else await SendPartsAsync(items, cancellation).ConfigureAwait(false);
        }
        finally
        {
            core.Sends.EndAppend();
        }
    }

    private async Task SendPartsAsync(IEnumerable<T> items, CancellationToken cancellation)
    {
        using IEnumerator<T> rest = items.GetEnumerator();
        List<T> part = [];
        Exception? failure = null;
        bool hasMore = true;
        for (long sent = 0; hasMore; sent += part.Count)
        {
            part.Clear();
            long began = core.Time.GetTimestamp();
            while (hasMore && part.Count < MaxPart && (part.Count == 0 || core.Time.GetElapsedTime(began) < MaxReading))
            {
                cancellation.ThrowIfCancellationRequested();
                try
                {
                    hasMore = rest.MoveNext();
                    if (hasMore) part.Add(rest.Current);
                }
                catch (Exception e) when (e is not OperationCanceledException || !cancellation.IsCancellationRequested)
                {
                    (failure, hasMore) = (e, false);
                }
            }
            await AddAllAsync(part, sent, cancellation).ConfigureAwait(false);
            if (failure is not null)
                throw new InvalidOperationException($"The sequence that is sent to {Name} has failed after {sent + part.Count:N0} items, "
                    + $"which are accepted: {FailureText.MessageOf(failure)}", failure);
        }
    }

    /// <summary>Adds items, with or without a store, and waits until they are accepted.</summary>
    /// <param name="all">The items.</param>
    /// <param name="before">How many items of their sequence were accepted before them; only for the message.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    private async Task AddAllAsync(IReadOnlyList<T> all, long before, CancellationToken cancellation)
    {
        if (local is not null)
        {
            foreach (T item in all) await AddAsync(item, cancellation).ConfigureAwait(false);
            return;
        }
        // All items are added before any append is awaited: otherwise each append would carry one item only.
        List<Task> appends = [];
        PayloadException? unwritable = null;
        using WrittenItems written = Sender.NewWritten();
        for (int at = 0; at < all.Count;)
        {
            cancellation.ThrowIfCancellationRequested();
            Appender<T> appender = Sender;
            Task room = Task.CompletedTask;
            try
            {
                if (appender.TryAddSome(all, ref at, written, out room) is { } append) appends.Add(append);
            }
            catch (Exception e)
            {
                unwritable =
                    new($"Item {before + at + 1} of {before + all.Count} cannot be sent: {FailureText.MessageOf(e).TrimEnd('.')}. The "
                    + "items before it are accepted; it and those behind it are not.", e);
                break;
            }
            if (at < all.Count) await room.WaitAsync(cancellation).ConfigureAwait(false);
        }
        foreach (Task append in appends) await append.WaitAsync(cancellation).ConfigureAwait(false);
        if (unwritable is not null) throw unwritable;
    }
}
