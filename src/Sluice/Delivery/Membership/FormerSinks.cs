namespace Sluice.Delivery;

/// <summary>Sinks that an earlier version of the code had, and whose files the store still knows. Forgets the files of sinks that are
/// declared as dropped, and warns of the others.</summary>
/// <remarks>Thread-safe. It cannot tell a sink that was removed from a sink that was renamed. If the last commit of a renamed sink is
/// in doubt, nothing takes back what it has written: under its new name, the sink begins as a new one.</remarks>
internal sealed class FormerSinks(ConsecutorCore core)
{
    private readonly HashSet<string> told = new(StringComparer.Ordinal);         // under itself

    /// <summary>Forgets and warns, for partitions that were just acquired.</summary>
    /// <remarks>The committed length of a file is the greatest one of all partitions, so that one is forgotten last. If the process dies
    /// in between, and the earlier code is started again, it must not take what was committed for the remains of a commit.</remarks>
    /// <returns>The partitions that are lost: another member has acquired them meanwhile, or the store has lost writes.</returns>
    public async Task<IReadOnlySet<OwnedPartition>> ForgetAsync(IReadOnlyList<OwnedPartition> taken, CancellationToken cancellation)
    {
        HashSet<OwnedPartition> lost = [];
        var dropped = taken.SelectMany(partition => Dropped(partition).Select(file => (Partition: partition, File: file)))
            .OrderBy(static each => each.File.Value).ToArray();
        foreach ((OwnedPartition partition, (string file, _)) in dropped)
        {
            if (lost.Contains(partition)) continue;
            CommitResult result = core.Losses.Learn(partition.Owner, await core.Store.CommitAsync(
                new(partition.Owner, partition.NextCommit) { FileLengths = [new(file, -1)] }, cancellation).ConfigureAwait(false));
            if (result.Status != CommitStatus.Committed)
            {
                lost.Add(partition);
                continue;
            }
            partition.NextCommit++;
            partition.FileLengths.Remove(file);
        }
        return lost;
    }

    /// <summary>The files of sinks that are declared as dropped. Warns of the others that the code does not have.</summary>
    private List<KeyValuePair<string, long>> Dropped(OwnedPartition partition)
    {
        List<KeyValuePair<string, long>> dropped = [];
        foreach (KeyValuePair<string, long> file in partition.FileLengths)
        {
            if (core.Sinks.Know(file.Key)) continue;
            string node = FileNames.NodeOf(file.Key);
            if (core.State.TryFollow(node, out string? to) && to is null) dropped.Add(file);
            else Tell(node);
        }
        return dropped;
    }

    private void Tell(string sink)
    {
        lock (told)
            if (!told.Add(sink)) return;
        core.Lifetime.Warn(
            $"The store has commits of the sink '{sink}' of {core.Name}, and this code has no sink of that name. If the sink has another "
            + "name now, and the process that wrote last was killed, then the last rows or lines under the old name may belong to no "
            + "commit: they stay, and come again under the new name. To take them back, start the code with the old name once, and stop "
            + $"it in order. If that is done, or the sink is gone, say so: {nameof(ConsecutorOptions)}."
            + $"{nameof(ConsecutorOptions.State)} = [{nameof(StateChange)}.{nameof(StateChange.Dropped)}(\"{sink}\")].");
    }
}
