namespace Sluice.Delivery;

/// <summary>A function of an item for the transaction of the commit that settles the item.</summary>
/// <param name="node">The node that has added it.</param>
/// <param name="work">The function.</param>
internal sealed class TransactionPart(int node, TransactionWork work) : StagedPart(null)
{
    // Each takes a round trip or more, while other callers of the store wait.
    public const int MaxInCommit = 100;

    public static int CountOf(Root root)
    {
        int count = 0;
        for (StagedPart? part = root.Staged; part is not null; part = part.Next) if (part is TransactionPart) count++;
        return count;
    }

    /// <summary>Adds the functions of all roots to a commit, in the order of the roots and of their calls.</summary>
    public static void AddTo(CommitParts parts, IEnumerable<Root> settled, TopologyRecorder recorder)
    {
        List<(string Node, string Id, Func<object, CancellationToken, ValueTask> Run)> functions = [];
        Type? transaction = null;                    // of the store, so the same for all
        List<Root> roots = [];
        foreach (Root root in settled)
        {
            int first = functions.Count;
            for (StagedPart? part = root.Staged; part is not null; part = part.Next)
                if (part is TransactionPart function)
                {
                    transaction = function.Work.Transaction;
                    functions.Add((recorder.NameOf(function.Node), root.Id, function.Work.RunAsync));
                }
            functions.Reverse(first, functions.Count - first);               // the newest was first
            while (roots.Count < functions.Count) roots.Add(root);
        }
        if (transaction is null) return;
        var attachment = new CommitFunctions(transaction, functions);
        parts.Attachments.Add(attachment);
        parts.Functions = new(attachment, roots, [.. functions.Select(static function => function.Node)]);
    }

    public TransactionWork Work => work;

    public int Node => node;
}

/// <summary>The functions of a commit, and the roots that they are of, at the same indexes.</summary>
internal sealed record AttachedFunctions(CommitFunctions Attachment, IReadOnlyList<Root> Roots, IReadOnlyList<string> Nodes);
