namespace Sluice.Delivery;

/// <summary>Keeps the last failure of an item for snapshots, counts retries by node, and warns of failures at most once a minute.</summary>
/// <remarks>
/// The committer notes failures, after the commit that contains them; any thread reads the last one. Attempts that fail and items that die
/// have a warning each, so that many failed attempts do not hide the first dead letter.
/// </remarks>
/// <param name="identity">The consecutor.</param>
/// <param name="nodes">The nodes of its pipeline.</param>
/// <param name="lifetime">Writes the warnings.</param>
/// <param name="tracking">Returns where the present run tracks items.</param>
internal sealed class ItemFailures(ConsecutorIdentity identity, NodeTable nodes, ConsecutorLifetime lifetime, Func<ItemTracking?> tracking)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);

    private volatile string? last;
    private Kind attempts, deaths;

    private struct Kind
    {
        public long WarnedAt;                        // a timestamp; meaningless before the first warning
        public long Silent;                          // failures since the last warning
        public bool HasWarned;
    }

    /// <summary>The last failure, as text for people; null if none was noted.</summary>
    public string? Last => last;

    /// <summary>Notes an attempt that has failed; the item is tried again.</summary>
    public void Note(in RetryWrite retry)
    {
        if (nodes.Find(retry.Node) is { } node) tracking()?.CountRetry(node);
        string text = Describe(retry.Node, retry.Attempts, retry.Error);
        last = text;
        if (!MayWarn(ref attempts, out string more)) return;
        string wait = retry.After is { } after && after > TimeSpan.Zero
            ? $" in {after.TotalSeconds.ToString("0.##", CultureInfo.InvariantCulture)} s" : "";
        lifetime.Warn($"An item of the consecutor {identity.Name} has failed, and is tried again{wait}: {text}{more}");
    }

    /// <summary>Notes an item, or a part of one, that is a dead letter now.</summary>
    public void Note(DeadLetterWrite letter)
    {
        string text = Describe(letter.Node, letter.Attempts, FailureText.Divide(letter.Error).Error);
        last = text;
        if (MayWarn(ref deaths, out string more))
            lifetime.Warn($"An item of the consecutor {identity.Name} has failed, and is a dead letter now: {text} ListDeadLettersAsync() "
                + $"lists the dead letters.{more}");
    }

    /// <summary>Notes an item that has failed and is not kept.</summary>
    public void Note(Root root)
    {
        PipelineException cause = root.Failures!.Cause;
        string text = Describe(cause.Node, root.Attempt, FailureText.Of(cause.InnerException!));
        last = text;
        if (MayWarn(ref deaths, out string more))
            lifetime.Warn($"An item of the consecutor {identity.Name} has failed, and is not kept "
                + $"(ConsecutorOptions.Delivery): {text}{more}");
    }

    private static string Describe(string node, int attempt, string error)
        => $"'{node}', attempt {attempt}: {error}{(error.EndsWith('.') ? "" : ".")}";

    private bool MayWarn(ref Kind kind, out string more)
    {
        long now = identity.Time.GetTimestamp();
        more = "";
        if (kind.HasWarned && identity.Time.GetElapsedTime(kind.WarnedAt, now) < Pause)
        {
            kind.Silent++;
            return false;
        }
        if (kind.Silent > 0) more = $" (Since the last warning, {kind.Silent:N0} more have failed.)";
        kind = new() { WarnedAt = now, HasWarned = true };
        return true;
    }
}
