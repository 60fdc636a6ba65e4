using System.Collections.Concurrent;

namespace Sluice;

/// <summary>Reserves places for blocking outputs, and waits for them.</summary>
/// <remarks>
/// <para>Thread-safe. Who waits holds no lock, but the stage, and what it has to commit.</para>
/// <para>
/// Who holds a place does not wait for another one: two could hold what the other waits for, and neither be committed. It overshoots the bound instead. And it may be that what holds a place
/// waits in a queue behind the one who waits. So if all that fills a stream are places that are kept, and nothing has ended here for a second, the one who waits goes on without a place.
/// So it does while something of a process is to be alone: the consecutor that would make room may be resting for that.
/// </para>
/// </remarks>
internal sealed class OutputReservations(ConsecutorCore core)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<OutputPart, byte> waiting = [];

    /// <summary>What is waited for, for people; null if nothing is.</summary>
    public string? Problem => waiting.Keys.FirstOrDefault() is { } part
        ? $"The output '{part.Output.Name}' is full: {part.Output.Target!.Core.Name} has as much before it as its stream may hold, and the output waits for a place."
        : null;

    public ValueTask<IOutputItem?> ReserveAsync(OutputPart part, Root root, CancellationToken cancellation)
    {
        long bytes = part.Payload.Length + root.HeaderBytes;
        if (root.Partition.Spare.TryUse(part.Output.Target!.Core.Name, bytes) is not { } spare) return WaitAsync(part, root, bytes, cancellation);
        root.Keep(spare);
        return new(part);
    }

    private async ValueTask<IOutputItem?> WaitAsync(OutputPart part, Root root, long bytes, CancellationToken cancellation)
    {
        string stream = part.Output.Target!.Core.Name;
        long began = core.Time.GetTimestamp();
        long ended = core.EndedRoots;
        long seen = -1;
        int unknown = 0;
        try
        {
            while (true)
            {
                ReserveStatus? status = await TryAsync(root, stream, bytes, cancellation).ConfigureAwait(false);
                if (status is null) unknown++;
                if (status == ReserveStatus.Reserved) root.Keep(new Reservation(stream, 1, bytes));
                if (status is ReserveStatus.Reserved or ReserveStatus.Stale or ReserveStatus.Ended || root.HasPlaces || !core.Alone.MayWaitForRoom) return part;
                waiting.TryAdd(part, 0);
                if (core.EndedRoots is var now && now != ended) (began, ended) = (core.Time.GetTimestamp(), now);
                if (core.Time.GetElapsedTime(began) >= Patience && await IsFullOfPlacesAsync(stream, cancellation).ConfigureAwait(false)) return part;

                // Look once more after having taken note of where the changes are, then wait for the next one.
                seen = await ChangedAsync(stream, seen, cancellation).ConfigureAwait(false);
            }
        }
        finally
        {
            waiting.TryRemove(part, out _);

            // A try that was not answered may have kept a place, which nobody else would give back. What was not kept is not there to be given back: then another one is given back early, at most.
            if (unknown > 0) root.Keep(new Reservation(stream, unknown, unknown * bytes));
        }
    }

    /// <returns>Null if the store did not say.</returns>
    private async ValueTask<ReserveStatus?> TryAsync(Root root, string stream, long bytes, CancellationToken cancellation)
    {
        try
        {
            return await core.Store.ReserveAsync(root.Partition.Owner, stream, 1, bytes, cancellation).ConfigureAwait(false);
        }
        catch (StoreRolledBackException)
        {
            return ReserveStatus.Stale;              // its commit will be void
        }
        catch (StreamStoreException)
        {
            return root.Partition.IsVoid ? ReserveStatus.Stale : null;
        }
    }

    private async ValueTask<bool> IsFullOfPlacesAsync(string stream, CancellationToken cancellation)
    {
        try
        {
            return await core.Store.FindStreamAsync(stream, cancellation).ConfigureAwait(false) is not { } info || info.Groups.All(group => group.Outstanding == 0);
        }
        catch (StreamStoreException)
        {
            return false;
        }
    }

    /// <summary>Waits for a change, or until somebody is to be alone, or a second. The first one only tells where we are; also after the store has failed.</summary>
    private async ValueTask<long> ChangedAsync(string stream, long seen, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(Patience, core.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token, core.Alone.RestBegins);
        try
        {
            return await core.Store.WaitForChangeAsync(stream, seen, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return seen;
        }
        catch (StreamStoreException)
        {
            await Task.Delay(Patience, core.Time, cancellation).ConfigureAwait(false);
            return -1;
        }
    }
}
