namespace Sluice.Delivery;

/// <content>The end of the input, partition by partition.</content>
internal sealed partial class Rounds
{
    /// <summary>Lets stages emit the items that they hold, because the store has no entries for these partitions and never will. Used by
    /// the pump.</summary>
    /// <returns>Whether a stage is to emit now. If rounds of other partitions are running, it emits when they have ended; the end of a
    /// round wakes the pump.</returns>
    public bool EndInput(OwnedPartition[] partitions)
    {
        core.Stream.IsInputComplete = true;
        if (!core.KeepsState) return false;
        OwnedPartition[] ending = Array.FindAll(partitions, partition => !partition.Scope!.HasEnded && !partition.IsVoid
            && !(partition.EndAt > looked));
        foreach (OwnedPartition partition in ending) partition.IsAtEnd = true;
        return ending.Length > 0 && AreOver;
    }

    /// <summary>Retries a stage that could not emit the items that it holds, as often as <see cref="DeliveryGuarantee"/> says. Used by the
    /// committer.</summary>
    public void EndLater(OwnedPartition partition, Exception failure)
    {
        if (failure is not PipelineException { InnerException: { } cause } ofNode)
        {
            partition.EndAt = AfterNow(RetryInterval);
            endProblem =
                $"The store does not say what is to be put out at the end of the input of partition {partition.Number}; it is asked "
                + $"again: {FailureText.Of(failure)}";
            return;
        }
        int failures = ++partition.EndFailures;
        TimeSpan least = TimeSpan.Zero;
        DeliveryGuarantee replay = core.Options.Delivery;
        bool isRetried = replay.Level == DeliveryLevel.Replay && failures <= replay.Count && replay.Backoff.Retries(ref cause, out least);
        string what =
            $"The node '{ofNode.Node}' has failed at the end of the input of partition {partition.Number}, {failures} "
            + $"time{(failures == 1 ? "" : "s")}: {FailureText.Of(cause).TrimEnd('.')}.";
        if (isRetried)
        {
            TimeSpan wait = replay.Backoff.WaitBefore(failures, core.Random);
            partition.EndAt = AfterNow(wait < least ? least : wait);
            endProblem = $"{what} It is asked again.";
            return;
        }
        partition.EndAt = AfterNow(TimeSpan.FromDays(1));
        core.Lifetime.Failed?.Invoke(new InvalidOperationException(
            $"{what} The consecutor {core.Name} has stopped. Nothing of that end was committed, and what the node holds is in the store: "
                + $"mend the node, and restart the process, or make a new consecutor of this name: it goes on with the end.", failure));
    }

    /// <summary>Notes that a stage has ended, and that this is committed. Used by the committer.</summary>
    public void HasEnded(OwnedPartition partition)
    {
        (partition.EndFailures, partition.EndAt) = (0, 0);
        endProblem = null;
    }
}
