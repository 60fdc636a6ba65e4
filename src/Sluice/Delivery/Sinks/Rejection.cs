namespace Sluice;

/// <summary>A sink, or what a sink has attached, refuses an item of a commit; nothing of the commit was applied.</summary>
/// <param name="Sink">The sink.</param>
/// <param name="Cause">Why.</param>
/// <param name="Root">The root of the item; null if it is not known.</param>
internal sealed record Rejection(SinkBinding Sink, ItemRejectedException Cause, Root? Root)
{
    /// <summary>The refusal of an item by the sink that prepares it.</summary>
    public static Rejection By(SinkBinding sink, ItemRejectedException cause) => new(sink, cause, sink.RootOf(cause.Item));

    /// <summary>The refusal of an attachment by the store; null if no sink has attached it.</summary>
    public static Rejection? By(List<SinkBinding> sinks, CommitParts parts, ItemRejectedException cause)
    {
        foreach ((ICommitAttachment attachment, string node, Func<int, int>? itemOf) in parts.Attached)
        {
            if (cause.Attachment is not null && !ReferenceEquals(attachment, cause.Attachment)) continue;
            SinkBinding sink = sinks.First(sink => sink.Node == node);
            return new(sink, cause, cause.Item is { } part && itemOf is not null ? sink.RootOf(itemOf(part)) : null);
        }
        return null;
    }

    /// <summary>The failure of the item: it is tried again like others, from its start, as nothing of it was committed.</summary>
    public PartFailure AsFailure(ConsecutorCore core)
        => new(new PipelineException(Sink.Node, null, Cause, core.Nodes.Find(Sink.Node)!.Value), IsPartial: true, IsFinal: false, Attempts: 1);
}

/// <summary>What became of a commit in the making.</summary>
/// <param name="IsSettled">Whether it is applied or void; else nothing was done.</param>
/// <param name="Rejection">Who has refused an item; null if it is too large for one commit, unless it is settled.</param>
internal readonly record struct ApplyResult(bool IsSettled, Rejection? Rejection = null);
