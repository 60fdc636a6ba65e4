namespace Sluice.Delivery;

/// <summary>Sinks that an earlier version of the code had, and whose files the store still knows. Forgets the files of sinks that are
/// declared as dropped, and warns of the others.</summary>
/// <remarks>Thread-safe. It cannot tell a sink that was removed from a sink that was renamed. If the last commit of a renamed sink is
/// in doubt, nothing takes back what it has written: under its new name, the sink begins as a new one.</remarks>
internal sealed class FormerSinks(ConsecutorCore core)
{
    private readonly HashSet<string> told = new(StringComparer.Ordinal);         // under itself

    /// <summary>Forgets and warns, for a partition that was just acquired.</summary>
    /// <returns>False if another member has acquired the partition meanwhile.</returns>
    public async Task<bool> ForgetAsync(OwnedPartition partition, CancellationToken cancellation)
    {
        List<FileLength> dropped = [];
        foreach (IGrouping<string, string> files in partition.FileLengths.Keys.Where(file => !core.Sinks.Know(file))
            .GroupBy(FileNames.NodeOf))
        {
            if (core.State.TryFollow(files.Key, out string? to) && to is null)
                dropped.AddRange(files.Select(static file => new FileLength(file, -1)));
            else Tell(files.Key);
        }
        if (dropped.Count == 0) return true;
        CommitResult result = await core.Store.CommitAsync(new(partition.Owner, partition.NextCommit) { FileLengths = dropped },
            cancellation).ConfigureAwait(false);
        if (result.Status != CommitStatus.Committed) return false;
        partition.NextCommit++;
        foreach (FileLength file in dropped) partition.FileLengths.Remove(file.Name);
        return true;
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
