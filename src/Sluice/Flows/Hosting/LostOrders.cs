namespace Sluice.Flows;

/// <summary>Fails the runs whose work orders cannot be read. The orders do not say which runs these are, so it searches for them.</summary>
/// <remarks>
/// A run's journal and its orders are in one commit. So, once all orders of a partition are leased, the runs that had begun before and have
/// neither a row nor an end have lost theirs. Until then, the damaged order stays where it is, so that the next owner of the partition
/// finds it, too. Used by the loop of a <see cref="WorkGroup"/>.
/// </remarks>
internal sealed class LostOrders(SupervisorCore core, StoreRetrier calls, string processor, Func<WorkPartition, string, bool> isRunning,
    Action<WorkPartition, Assignment> begin, CancellationToken stopping)
{
    private const int MaxProblems = 3;              // in the error of a run
    private const int MaxRows = 250, MaxDamaged = 120;             // of a commit

    /// <summary>Notes a leased order that cannot be read.</summary>
    /// <param name="partition">The partition with the order.</param>
    /// <param name="sequence">The sequence number of the order.</param>
    /// <param name="problem">The problem, for people.</param>
    /// <param name="letter">The dead letter for the order; null if the store cannot read it either.</param>
    public void Note(WorkPartition partition, long sequence, string problem, DeadLetterWrite? letter)
    {
        if (!partition.Damaged.TryAdd(sequence, (problem, letter))) return;
        string end = letter is null ? $"{problem} It is removed."
            : $"{problem.TrimEnd('.')}; it is a dead letter of the group {FlowNames.Hosts(processor).Name}.";
        core.Warn($"A work order of the processor {processor} cannot be read, and the run that it was for fails: {end}");
        partition.Suspects = null;                   // a run may have begun since
    }

    /// <summary>Before a lease, lists the runs that have begun. The order of a later run comes after the lease.</summary>
    public async Task SuspectAsync(WorkPartition[] asked)
    {
        foreach (WorkPartition partition in asked.Where(partition => partition is { Damaged.Count: > 0, Suspects: null }))
        {
            IReadOnlyList<string> journals = await calls.DoAsync([], () => core.Store.ListStreamsAsync(FlowNames.Runs, stopping),
                stopping).ConfigureAwait(false);
            List<string> begun = [];
            foreach (string run in journals.Select(journal => journal[FlowNames.Runs.Length..])
                .Where(run => EntryKey.Of(run).PartitionOf(partition.Of) == partition.Number))
                if (await calls.DoAsync([], () => core.Store.FindStreamAsync(FlowNames.Journal(run), stopping), stopping)
                    .ConfigureAwait(false) is { Items: > 0 }) begun.Add(run);
            partition.Suspects = begun;
        }
    }

    /// <summary>After a lease that took all orders, fails the runs without an order, and settles the damaged orders.</summary>
    public async Task FailAsync(WorkPartition[] asked)
    {
        foreach (WorkPartition partition in asked)
        {
            if (partition is not { Damaged.Count: > 0, Suspects: { } suspects }) continue;
            string more = partition.Damaged.Count > MaxProblems ? $" {partition.Damaged.Count - MaxProblems:N0} more cannot be read either."
                : "";
            string why =
                $"Its work order cannot be "
                + $"read: {string.Join(" ", partition.Damaged.Values.Take(MaxProblems).Select(damaged => damaged.Problem))}{more}";
            List<Assignment> left = [];
            foreach (string run in suspects)
                if (await FindAsync(partition, run).ConfigureAwait(false) is { } plan)
                    left.Add(new(run, plan.Key, Starts: 0, Ended: false, Inputs: [], State: null) { Damage = why });
            try
            {
                // Rows first: while a damaged order exists, the next owner repeats the search.
                foreach (Assignment[] rows in left.Chunk(MaxRows))
                    await partition.CommitAsync(commit => commit with { State = [.. rows.Select(WorkPartition.Row)] })
                        .ConfigureAwait(false);
                foreach (var damaged in partition.Damaged.Chunk(MaxDamaged))
                    await partition.CommitAsync(commit => commit with
                    {
                        Settled = [.. damaged.Select(one => new SequenceRange(one.Key, one.Key))],
                        Dead = [.. damaged.Select(one => one.Value.Letter).OfType<DeadLetterWrite>()],
                    }).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (partition.Lost.IsCancellationRequested)
            {
                continue;
            }
            partition.Damaged.Clear();
            partition.Suspects = null;
            foreach (Assignment assignment in left) begin(partition, assignment);
        }
    }

    /// <returns>The plan of the run; null if the run needs no order.</returns>
    private async Task<RunPlan?> FindAsync(WorkPartition partition, string run)
    {
        if (isRunning(partition, run) || partition.Held.Exists(held => held.Run == run)
            || await partition.FindAsync(run, stopping).ConfigureAwait(false) is not null) return null;
        try
        {
            RunWatch? watch = await RunWatch.OpenAsync(core.Calls, run, stopping).ConfigureAwait(false);
            if (watch is null) return null;
            await using (watch.ConfigureAwait(false)) return watch.IsCancelled || watch.Plan.Find(processor) is null
                || watch.HasEnded(processor) ? null : watch.Plan;
        }
        catch (Exception e) when (e is FlowException or StreamStoreException { IsPermanent: true } and not StoreRolledBackException)
        {
            core.Warn($"Whether the run {run} has lost its work order for {processor} is not known: {e.Message}");
            return null;
        }
    }
}
