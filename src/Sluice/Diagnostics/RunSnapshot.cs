namespace Sluice.Diagnostics;

/// <summary>A snapshot of a run. The run goes on while it is taken, so figures of different nodes may differ by some items.</summary>
/// <remarks>
/// Immutable; thread-safe. The snapshot of a run that has completed makes its nodes when a caller first reads them. Until then it keeps
/// the functions of the run alive.
/// </remarks>
/// <param name="Status">The status of the run.</param>
/// <param name="Elapsed">The time since the start, by the run's clock.</param>
/// <param name="Roots">The counts of the sources' items; null unless the run tracks them (<c>RunOptions.TrackItems</c>).</param>
/// <param name="Nodes">The nodes, in the order of the topology.</param>
/// <param name="Outputs">The named outputs that were written to, by name.</param>
/// <param name="DeadLetters">The newest dead letters, oldest first; at most <c>RunOptions.MaxDeadLetters</c>.</param>
/// <param name="StillRunning">Nodes whose code did not stop in time, as in <see cref="PipelineRun.StillRunning"/>.</param>
public sealed record RunSnapshot(
    RunStatus Status, TimeSpan Elapsed, ItemCounts? Roots, IReadOnlyList<NodeSnapshot> Nodes,
    IReadOnlyDictionary<string, OutputCounts> Outputs, IReadOnlyList<DeadLetter> DeadLetters, IReadOnlyList<string> StillRunning)
{
    /// <summary>Why the run was cancelled (<see cref="PipelineRun.CancelAsync"/>); null if it was not, or no reason was given.</summary>
    public string? CancelReason { get; init; }

    /// <summary>
    /// The number of items that <see cref="Source.Resumable{T}(string, IEnumerable{T})"/> leaves out in this run, because earlier runs have
    /// sent as many; null if the run has no such source, or it began at the beginning.
    /// </summary>
    /// <remarks>The source produces the last of these items again, to find its place; it is counted as accepted and skipped.</remarks>
    public long? SentBefore { get; init; }

    /// <summary>The snapshot of a node, by name.</summary>
    /// <exception cref="KeyNotFoundException">No node has this name.</exception>
    public NodeSnapshot this[string name] => Nodes.FirstOrDefault(node => node.Name == name)
        ?? throw new KeyNotFoundException($"There is no node '{name}'. There are: {string.Join(", ", Nodes.Select(node => node.Name))}.");

    /// <summary>Formats the snapshot as a table with a line per node.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{Status} after {Elapsed.TotalSeconds:0.000} s");
        if (CancelReason is { } reason) text.Append(": ").Append(reason);
        text.AppendLine();
        if (Roots is { } roots)
        {
            text.Append(CultureInfo.InvariantCulture, $"accepted {roots.Accepted} = completed {roots.Completed} + skipped {roots.Skipped}")
                .Append(CultureInfo.InvariantCulture, $" + failed {roots.Failed} + pending {roots.Pending}").AppendLine();
        }
        if (SentBefore is { } sent)
            text.Append(CultureInfo.InvariantCulture, $"left out {sent}: earlier runs have sent so many items of the resumable source")
                .AppendLine();
        return text.Append(NodesToString()).ToString();
    }

    /// <summary>Formats the table of nodes.</summary>
    internal string NodesToString()
    {
        int width = Math.Max(4, Nodes.Select(node => node.Name.Length).DefaultIfEmpty(0).Max());
        var text = new StringBuilder();
        if (StillRunning.Count > 0) text.Append("did not stop: ").AppendJoin(", ", StillRunning).AppendLine();
        bool isTimed = Nodes.Any(static node => node.Time is not null);
        text.Append("node".PadRight(width)).Append("         in        out    skipped     failed    retried     queued")
            .Append(isTimed ? "       time" : "").AppendLine("  activity");
        foreach (NodeSnapshot node in Nodes)
        {
            text.Append(node.Name.PadRight(width))
                .Append(CultureInfo.InvariantCulture,
                $" {node.In,10} {node.Out,10} {node.Skipped,10} {node.Failed,10} {node.Retried,10} {node.Queued,10}")
                .Append(isTimed ? $" {node.Time?.TotalSeconds.ToString("0.000 s", CultureInfo.InvariantCulture),10}" : "")
                .Append("  ").Append(node.Activity.ToString().ToLowerInvariant());
            if (node.BlockedOn is { } edge) text.Append(" on ").Append(edge);
            text.AppendLine();
        }
        foreach (var (name, count) in Outputs)
            text.Append(CultureInfo.InvariantCulture, $"output {name}: {count.Written} written, {count.Discarded} discarded").AppendLine();
        if (DeadLetters.Count > 0) text.Append(CultureInfo.InvariantCulture,
            $"dead letters {DeadLetters.Count}, the last: {DeadLetters[^1]}").AppendLine();
        return text.ToString();
    }
}
