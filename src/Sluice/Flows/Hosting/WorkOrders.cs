using System.Text.Json;

namespace Sluice.Flows;

/// <summary>Leases work orders of a processor, and turns each into a row of its partition's state, in one commit.</summary>
/// <param name="core">The service.</param>
/// <param name="calls">The store, for the calls of the loop.</param>
/// <param name="processor">The processor.</param>
/// <param name="isRunning">Whether a run of this id works or still ends in a partition.</param>
/// <param name="begin">Starts the processor for a new row.</param>
/// <param name="stopping">Cancelled when no more work is taken on.</param>
/// <remarks>Used by the loop of a <see cref="WorkGroup"/>.</remarks>
internal sealed class WorkOrders(SupervisorCore core, StoreRetrier calls, string processor, Func<WorkPartition, string, bool> isRunning,
    Action<WorkPartition, Assignment> begin, CancellationToken stopping)
{
    private const int MostItems = 64;
    private static readonly TimeSpan AfterFailure = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    private readonly string stream = FlowNames.Work(processor);
    private readonly GroupId group = FlowNames.Hosts(processor);
    private readonly LostOrders lostOrders = new(core, calls, processor, isRunning, begin, stopping);
    private TimeSpan pause = AfterFailure;           // before the search for what a failed lease may have given out
    private int failures;                            // consecutive, without those due to damage
    private int served = -1;                         // the partition that has given orders last
    private DateTimeOffset? toldPause;

    /// <summary>Continues the rows of earlier owners, and takes on the orders that they had leased.</summary>
    public async Task AdoptAsync(WorkPartition partition, PartitionState state)
    {
        foreach (Assignment assignment in await partition.ListAsync(calls, stopping).ConfigureAwait(false)) begin(partition, assignment);
        if (state.Waiting.Count > 0) await TakeOnWaitingAsync(partition).ConfigureAwait(false);
    }

    /// <summary>Takes on the orders that have waited for the end of an earlier run of their id.</summary>
    /// <returns>Whether there were any.</returns>
    public async Task<bool> TakeUpHeldAsync(WorkPartition[] owned)
    {
        bool hasTaken = false;
        foreach (WorkPartition partition in owned)
        {
            Entry[] free = [.. partition.Held.Where(held => !isRunning(partition, held.Run)).Select(held => held.Entry)];
            if (free.Length == 0) continue;
            partition.Held.RemoveAll(held => Array.Exists(free, entry => entry.Sequence == held.Entry.Sequence));
            await TakeOnAsync(partition, free).ConfigureAwait(false);
            hasTaken = true;
        }
        return hasTaken;
    }

    /// <summary>Leases orders, and takes them on.</summary>
    /// <param name="owned">The partitions.</param>
    /// <param name="room">The number of orders, at most.</param>
    /// <returns>Whether there may be more.</returns>
    public async Task<bool> LeaseAsync(WorkPartition[] owned, int room)
    {
        // A store begins with the first one: each has its turn.
        WorkPartition[] asked = [.. owned.Where(partition => partition is { IsBlocked: false, IsLeaving: false })
            .OrderBy(partition => partition.Number <= served).ThenBy(static partition => partition.Number)];
        if (asked.Length == 0) return false;
        await lostOrders.SuspectAsync(asked).ConfigureAwait(false);
        var request = new LeaseRequest([.. asked.Select(partition => partition.Owner)]) { MaxItems = Math.Min(room, MostItems) };
        LeaseResult result;
        calls.Silence?.Ask();
        try
        {
            result = await core.Store.LeaseAsync(request, stopping).ConfigureAwait(false);
        }
        catch (StreamStoreException e) when (e is not StoreRolledBackException)
        {
            // Damage shows once; any other cause, such as a full store, may last.
            bool isDamage = Array.Exists(asked, partition => DamageIn(partition, e) is not null);
            if (isDamage || failures is 0 or 10) core.Warn(
                $"The store has not answered a lease of {stream}; what it may have given out is looked for: {e.Message}");
            await RetryPause.WaitAsync(isDamage ? AfterFailure : pause, core.Options.Time, stopping).ConfigureAwait(false);
            if (!isDamage) (pause, failures) = (pause * 2 < Longest ? pause * 2 : Longest, failures + 1);
            foreach (WorkPartition partition in asked) await TakeOnWaitingAsync(partition).ConfigureAwait(false);
            if (Array.Find(asked, partition => DamageIn(partition, e) is { } at && !partition.Damaged.ContainsKey(at)) is { } blocked)
                Block(blocked, e);
            return true;
        }
        finally
        {
            calls.Silence?.Answer();
        }
        (pause, failures) = (AfterFailure, 0);
        foreach (Ownership stale in result.Stale) await asked.Single(partition => partition.Owner == stale).LoseAsync()
            .ConfigureAwait(false);
        if (result.PausedAt is { } since)
        {
            TellPause(since);
            return result.Stale.Count > 0;           // the end of the pause is a change of the stream
        }
        if (result.Batches.Count > 0) served = result.Batches[^1].Owner.Partition;
        foreach (LeasedBatch batch in result.Batches)
            await TakeOnAsync(asked.Single(partition => partition.Owner == batch.Owner), batch.Entries.ToArray()).ConfigureAwait(false);
        foreach (LeaseDamage damage in result.Damaged) Note(asked.Single(partition => partition.Owner == damage.Owner), damage);
        long leased = result.Batches.Sum(static batch => batch.Entries.Length)
            + result.Damaged.Sum(static damage => damage.Entries.Last - damage.Entries.First + 1);
        if (leased < request.MaxItems) await lostOrders.FailAsync(asked).ConfigureAwait(false);
        return result.Batches.Count > 0 || result.Stale.Count > 0 || Array.Exists(asked, partition => partition.Damaged.Count > 0);
    }

    private void TellPause(DateTimeOffset since)
    {
        if (toldPause == since) return;
        toldPause = since;
        core.Warn($"The starts of the processor {processor} are paused since {since:u}: new runs wait until somebody resumes them "
            + $"(`sluice resume STORE {group}`).");
    }

    private void Note(WorkPartition partition, LeaseDamage damage)
    {
        for (long sequence = damage.Entries.First; sequence <= damage.Entries.Last; sequence++)
            lostOrders.Note(partition, sequence, damage.Message,
                new(sequence, WorkPartition.Node, damage.Message, damage.Attempt)
                {
                    IsDamaged = true,
                    Payload = damage.Raw,
                    Headers = ReadOnlyMemory<byte>.Empty
                });
    }

    /// <summary>Blocks a partition: an order that cannot be leased cannot be settled either, nor can those after it.</summary>
    private void Block(WorkPartition partition, StreamStoreException damage)
    {
        partition.IsBlocked = true;
        core.Warn(
            $"The store does not give out what is to be done in the partition {partition.Number} of {stream}. The runs that wait there "
                + $"are not begun by this service, others are: {damage.Message}");
    }

    /// <summary>Takes on orders that are leased, by any member, and not noted yet.</summary>
    private async Task TakeOnWaitingAsync(WorkPartition partition)
    {
        int most = 100;
        for (long? after = null; !partition.Lost.IsCancellationRequested;)
        {
            IReadOnlyList<WaitingEntry> waiting;
            try
            {
                waiting = await calls.DoAsync(stream,
                    () => core.Store.ListWaitingAsync(group, partition.Number, after, most, stopping), stopping).ConfigureAwait(false);
            }
            catch (StreamStoreException e) when (DamageIn(partition, e) is { } at && (after is null || at > after))
            {
                // Entry by entry up to the damaged one, then after it.
                if (most > 1) most = 1;
                else
                {
                    lostOrders.Note(partition, at, e.Message, letter: null);
                    after = at;
                }
                continue;
            }
            if (waiting.Count == 0) return;
            await TakeOnAsync(partition, [.. waiting.Select(one => one.Entry)]).ConfigureAwait(false);
            after = waiting[^1].Entry.Sequence;
        }
    }

    private long? DamageIn(WorkPartition partition, StreamStoreException e)
        => e.IsPermanent && e.Stream == stream && e.Partition == partition.Number ? e.Sequence : null;

    /// <summary>Takes on orders; duplicates count once.</summary>
    private async Task TakeOnAsync(WorkPartition partition, Entry[] entries)
    {
        List<(Entry Entry, WorkOrder Order)> orders = [];
        foreach (Entry entry in entries)
        {
            if (partition.Damaged.ContainsKey(entry.Sequence) || partition.Held.Exists(held => held.Entry.Sequence == entry.Sequence))
                continue;
            if (Read(entry) is not { } order)
                lostOrders.Note(partition, entry.Sequence,
                    $"The entry {entry.IdIn(stream, partition.Number)} of {stream} is no work order.",
                        new(entry.Sequence, WorkPartition.Node, "It is no work order.", Attempts: 1));
            // A run has one order. A second one means that the run was deleted and its id used again; the earlier run is about to end.
            else if (isRunning(partition, order.Run) || orders.Exists(one => one.Order.Run == order.Run && one.Order.Key != order.Key))
                partition.Held.Add((entry, order.Run));
            else orders.Add((entry, order));
        }
        if (orders.Count == 0) return;
        Assignment[] taken = [.. orders.Select(one => new Assignment(one.Order.Run, one.Order.Key, Starts: 0, Ended: false, Inputs: [],
            State: null)).DistinctBy(one => one.Run)];
        try
        {
            await partition.CommitAsync(commit => commit with
            {
                Settled = [.. orders.Select(one => new SequenceRange(one.Entry.Sequence, one.Entry.Sequence))],
                State = [.. taken.Select(WorkPartition.Row)],
            }).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (partition.Lost.IsCancellationRequested)
        {
            return;
        }
        foreach (Assignment assignment in taken) begin(partition, assignment);
    }

    private static WorkOrder? Read(Entry entry)
    {
        try
        {
            return RunJson.Read<WorkOrder>(entry.Payload.Span);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
