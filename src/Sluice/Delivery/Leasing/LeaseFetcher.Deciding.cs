namespace Sluice.Delivery;

/// <content>Decides which leased entries must not start.</content>
internal sealed partial class LeaseFetcher
{
    /// <summary>Whether the root must not start: its entry is damaged, it needs other code, or crashes have used up its starts.</summary>
    /// <remarks>Asked before the root waits behind another item of its key. A damaged entry cannot wait, and an item that waits is no
    /// suspect any more: it would start once more.</remarks>
    public bool IsSpent(Root root, int codeVersion)
    {
        if (root.Partition.Damaged.Count > 0 && root.Partition.Damaged.TryGetValue(root.EntrySequence, out LeaseDamage? damage))
        {
            if (core.Rounds is null) root.Partition.Damaged.Remove(root.EntrySequence);          // a round may run again
            root.Damage = damage;
            root.Fail(new PipelineException(core.Name, null, new StreamStoreException(damage.Message), core.Recorder.Count - 1),
                isFinal: true);
            return true;
        }
        // Before the crashes: newer code may allow more starts.
        if (core.Versions.Why(codeVersion, null) is { } newer) return Park(root, newer);
        if (HasCrashed(root)) return true;
        if (root.Headers.Node is { } node && core.Nodes.IsDropped(node))
        {
            var cause = new InvalidOperationException($"The item is for the node '{node}', which was dropped (StateChange.Dropped).");
            root.Fail(new PipelineException(node, null, cause, core.Recorder.Count - 1), isFinal: true);
            return true;
        }
        return (core.Versions.Why(codeVersion, root.Headers.Node, root.Headers.Namesakes) ?? core.Versions.Why(root.Headers.EndOf))
            is { } missing && Park(root, missing);
    }

    private bool HasCrashed(Root root)
    {
        DeliveryGuarantee delivery = core.Options.Delivery;
        int replays = delivery.Level == DeliveryLevel.Replay ? delivery.Count : 0;
        // Only a suspect: an item that waited for its retry when the limit fell has crashed nothing, and starts once more.
        if (root.Attempt - 1 <= replays || quarantine is null) return false;
        root.Fail(new PipelineException(core.Name, null, new InvalidOperationException(WhySpent(root, replays + 1)),
            core.Recorder.Count - 1), isFinal: true);
        return true;
    }

    private static string WhySpent(Root root, int allowed)
        => root.Partition.SuspectFailures.TryGetValue(root.EntrySequence, out string? failure)
            ? $"The process ended while this item was being processed, and its attempts are used up: {root.Attempt - 1} are charged, "
                + $"{allowed} {(allowed == 1 ? "is" : "are")} allowed. It failed before, in {failure}"
            : $"The process ended {(root.Attempt == 2 ? "once" : $"{root.Attempt - 1} times")} while nothing but this item was being "
                + "processed.";

    private bool Park(Root root, string why)
    {
        core.Problems.Parked = root.Park = why;
        root.Settle(Outcome.Skipped);
        return true;
    }
}
