using System.Collections.Concurrent;

namespace Sluice.Delivery;

/// <summary>Reserves places in target streams for blocking outputs, and waits for them.</summary>
/// <remarks>
/// <para>Thread-safe. A waiting output holds no lock, but it holds up its stage and the parts that its root has to commit.</para>
/// <para>
/// A root that holds a place never waits for another one, but overshoots the bound: otherwise two roots could wait for each other's places,
/// and neither would be committed. The root that holds a place may also be queued behind the root that waits. So if a stream is full of
/// reserved places only, and no item has ended here for a second, the waiting output goes on without a place. It does so too while an item
/// of the process waits for exclusive execution: the consecutor that would make room may be resting for it. If the store refuses a place
/// for good, as to an owner with places in too many streams, the item has done nothing wrong: the output waits while the stream is full,
/// and then goes on without a place. If the stream is damaged, the commit meets the damage.
/// </para>
/// </remarks>
internal sealed class OutputReservations(TimeProvider time, IStreamStore store, ItemsInFlight inFlight,
    ExclusiveExecution.Participant alone, Action waits)
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<OutputPart, byte> waiting = [];

    /// <summary>Whether an output waits.</summary>
    public bool AreAwaited => !waiting.IsEmpty;

    /// <summary>The output that waits, as a text for people; null if none waits.</summary>
    public string? Problem => waiting.Keys.FirstOrDefault() is { } part
        ? $"The output '{part.Output.Name}' is full: {part.Output.Target!.Core.Name} has as much before it as its stream may hold, and "
        + $"the output waits for a place."
        : null;

    public ValueTask<IOutputItem?> ReserveAsync(OutputPart part, Root root, CancellationToken cancellation)
    {
        long bytes = part.Bytes;
        if (root.Partition.Spare.TryUse(part.Output.Target!.Core.Name, bytes) is not { } spare)
            return WaitAsync(part, root, bytes, cancellation);
        root.Keep(spare);
        return new(part);
    }

    private async ValueTask<IOutputItem?> WaitAsync(OutputPart part, Root root, long bytes, CancellationToken cancellation)
    {
        string stream = part.Output.Target!.Core.Name;
        long began = time.GetTimestamp();
        long ended = inFlight.Ended;
        long seen = -1;
        int unanswered = 0;
        try
        {
            while (true)
            {
                ReserveStatus? status = await TryAsync(root, stream, bytes, cancellation).ConfigureAwait(false);
                if (status is null) unanswered++;
                if (status == ReserveStatus.Reserved) root.Keep(new Reservation(stream, 1, bytes));
                if (status is ReserveStatus.Reserved or ReserveStatus.Stale or ReserveStatus.Ended || root.HasPlaces
                    || !alone.MayWaitForRoom) return part;
                if (waiting.TryAdd(part, 0)) waits();
                if (inFlight.Ended is var now && now != ended) (began, ended) = (time.GetTimestamp(), now);
                if (time.GetElapsedTime(began) >= RetryInterval && await IsFullOfPlacesAsync(stream, cancellation).ConfigureAwait(false))
                    return part;

                // The first wait only learns the current position, so the loop tries once more before it really waits.
                seen = await ChangedAsync(stream, seen, cancellation).ConfigureAwait(false);
            }
        }
        finally
        {
            waiting.TryRemove(part, out _);

            // An unanswered try may have reserved a place, which only this root can release. If it reserved none, at most another place
            // is released early.
            if (unanswered > 0) root.Keep(new Reservation(stream, unanswered, unanswered * bytes));
        }
    }

    /// <returns>Null if the store did not answer.</returns>
    private async ValueTask<ReserveStatus?> TryAsync(Root root, string stream, long bytes, CancellationToken cancellation)
    {
        try
        {
            // Without the token: the store may execute a call that was given up, also after the commit of the root.
            ValueTask<ReserveStatus> begun = store.ReserveAsync(root.Partition.Owner, stream, 1, bytes, CancellationToken.None);
            if (begun.IsCompletedSuccessfully) return begun.Result;
            Task<ReserveStatus> call = begun.AsTask();
            await ((Task)call).WaitAsync(cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (call.IsCompleted) return await call.ConfigureAwait(false);
            _ = KeepLateAsync(call, root.Partition, stream, bytes);
            throw new OperationCanceledException(cancellation);
        }
        catch (StoreRolledBackException)
        {
            return ReserveStatus.Stale;              // the commit of the root will be void
        }
        catch (StreamStoreException refused) when (refused.IsPermanent)
        {
            return await IsFullAsync(stream, bytes, cancellation).ConfigureAwait(false) ? ReserveStatus.Full : ReserveStatus.Stale;
        }
        catch (StreamStoreException)
        {
            return root.Partition.IsVoid ? ReserveStatus.Stale : null;
        }
    }

    /// <summary>Keeps the place that the store reserves after the attempt has given it up: the next commit of the partition releases it,
    /// unless an output uses it first. Never throws.</summary>
    private static async Task KeepLateAsync(Task<ReserveStatus> call, OwnedPartition partition, string stream, long bytes)
    {
        try
        {
            if (await call.ConfigureAwait(false) != ReserveStatus.Reserved) return;
        }
        catch (StreamStoreException)
        {
            // It may be reserved. If it is not, at most another place is released early.
        }
        catch (Exception)
        {
            return;                                  // the consecutor ends, and its places end with its partitions
        }
        partition.Spare.Add(stream, 1, bytes);
    }

    private async ValueTask<bool> IsFullAsync(string stream, long bytes, CancellationToken cancellation)
    {
        try
        {
            return await store.FindStreamAsync(stream, cancellation).ConfigureAwait(false) is { End: null, Items: > 0 } info
                && (info.Items >= info.Options.MaxItems || info.Bytes + bytes > info.Options.MaxBytes);
        }
        catch (StreamStoreException)
        {
            return false;
        }
    }

    private async ValueTask<bool> IsFullOfPlacesAsync(string stream, CancellationToken cancellation)
    {
        try
        {
            return await store.FindStreamAsync(stream, cancellation).ConfigureAwait(false) is not { } info
                || info.Groups.All(group => group.Outstanding == 0);
        }
        catch (StreamStoreException)
        {
            return false;
        }
    }

    /// <summary>Waits until the stream changes, an item starts to wait for exclusive execution, or a second is over. The first call, and
    /// the first one after a failure of the store, only learns the current position.</summary>
    private async ValueTask<long> ChangedAsync(string stream, long seen, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(RetryInterval, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token, alone.RestBegins);
        try
        {
            return await store.WaitForChangeAsync(stream, seen, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return seen;
        }
        catch (StreamStoreException)
        {
            await RetryPause.WaitAsync(RetryInterval, time, cancellation).ConfigureAwait(false);
            return -1;
        }
    }
}
