namespace Sluice.Delivery;

/// <summary>A sink, or what a sink has attached, refuses an item of a commit; nothing of the commit was applied.</summary>
/// <param name="Node">The node of the sink.</param>
/// <param name="Sink">The sink; null if a function in the transaction is refused (<see cref="TransactionPart"/>).</param>
/// <param name="Cause">The reason.</param>
/// <param name="Root">The root of the item; null if it is not known.</param>
internal sealed record Rejection(string Node, SinkBinding? Sink, Exception Cause, Root? Root)
{
    /// <summary>Whether not even the sink is known: <see cref="Node"/> is one of those that may be to blame.</summary>
    public bool IsByNobody { get; private init; }

    /// <summary>The refusal of an item by the sink that prepares it.</summary>
    public static Rejection By(SinkBinding sink, ItemRejectedException cause) => new(sink.Node, sink, cause, sink.RootOf(cause.Item));

    /// <summary>A refusal that names neither an item nor a sink.</summary>
    /// <param name="node">A node that may be to blame.</param>
    /// <param name="cause">The reason.</param>
    public static Rejection ByNobody(string node, Exception cause) => new(node, null, cause, null) { IsByNobody = true };

    /// <summary>The refusal of an attachment by the store; null if no sink has attached it.</summary>
    public static Rejection? By(List<SinkBinding> sinks, CommitParts parts, ItemRejectedException cause,
        Action<string> warn)
    {
        if (parts.Functions is { } functions && (cause.Attachment == functions.Attachment
            || (cause.Attachment is null && parts.Attached.Count == 0)))
        {
            int? item = cause.Item is { } given && (uint)given < (uint)functions.Roots.Count ? given : null;
            return new(functions.Nodes[item ?? 0], null, cause, item is { } known ? functions.Roots[known] : null);
        }
        foreach ((ICommitAttachment attachment, string node, Func<int, int>? itemOf) in parts.Attached)
        {
            if (cause.Attachment is not null && !ReferenceEquals(attachment, cause.Attachment)) continue;
            SinkBinding sink = sinks.First(sink => sink.Node == node);
            return new(node, sink, cause, cause.Item is { } part && itemOf is not null ? RootOf(sink, itemOf, part, warn) : null);
        }
        return null;
    }

    // Code of the user. If it fails, the item is not known.
    private static Root? RootOf(SinkBinding sink, Func<int, int> itemOf, int part, Action<string> warn)
    {
        try
        {
            return sink.RootOf(itemOf(part));
        }
        catch (Exception e)
        {
            if (!sink.FailsToFind) warn($"The sink {sink.Node} does not say which item the part {part} of its attachment is of: "
                + $"{FailureText.Of(e)} The item is found by committing fewer at a time. Further failures there are not told.");
            sink.FailsToFind = true;
            return null;
        }
    }

    /// <summary>The failure of the item. Nothing of the item was committed, so it is tried again from its start.</summary>
    /// <param name="nodes">The nodes.</param>
    /// <param name="isGuess">Whether it is only one of those that may be to blame: then it is not the last word.</param>
    public PartFailure AsFailure(NodeTable nodes, bool isGuess = false)
        => new(new PipelineException(Node, null, Cause, nodes.Find(Node)!.Value), IsPartial: true,
            IsFinal: !isGuess && Cause is ItemRejectedException { IsFinal: true }, Attempts: 1);
}

/// <summary>The result of an attempt to apply a commit.</summary>
/// <param name="IsSettled">Whether the commit is applied or void; else nothing was done.</param>
/// <param name="Rejection">The refusal of an item; null if the commit is settled, or too large.</param>
internal readonly record struct ApplyResult(bool IsSettled, Rejection? Rejection = null);
